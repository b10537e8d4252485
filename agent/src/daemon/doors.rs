//! The doors for sessions: open, prompt, interrupt, answer, close, observe, log. Not here: lists (`lists`), housekeeping (`admin`).
use std::path::PathBuf;
use std::time::Duration;

use tenon_protocol::answer::AnswerParams;
use tenon_protocol::cursor::Cursor;
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::event::all::SessionRemoved;
use tenon_protocol::event::session::RequestResolved;
use tenon_protocol::ids::SessionId;
use tenon_protocol::log::{LogParams, LogResult, ObserveParams};
use tenon_protocol::open::{CloseHow, CloseParams, OpenParams, OpenResult, SeqResult};
use tenon_protocol::prompt::{
    InterruptParams, InterruptResult, PendingParams, PendingResult, PromptParams, PromptResult,
};
use tenon_protocol::request::RequestItem;
use tenon_protocol::version::PAGE_EVENTS_MAX;

use crate::base::uri;
use crate::daemon::tree::Observing;
use crate::daemon::{Caller, Daemon, Seeing};
use crate::feed::Want;
use crate::journal::{Draft, ItemKind, ItemWrite, LogId, Page, PageLimits, ReadError, TypeFilter};
use crate::projections::line::line;
use crate::session::answers::already;
use crate::session::command::Command;
use crate::session::fork::{self, Origin};
use crate::session::load::Seed;

/// Delta messages a second where a client does not say.
const DELTAS_PER_SECOND: u32 = 30;

impl Daemon {
    /// Opens a new session or attaches to one.
    pub(crate) async fn open(&self, caller: &Caller, params: OpenParams) -> Result<OpenResult, RpcError> {
        let mut variables = caller.variables.clone();
        variables.extend(params.environment.unwrap_or_default());
        let settings = params.settings;
        if let Some(id) = params.session_id {
            self.comes_to(&id, caller.id);
            let handle = self.session(&id).await?;
            if let Some(workspace) = params.workspace {
                self.check_workspace(&handle, &workspace).await?;
            }
            let title = params.title;
            let opened = handle.call(|reply| Command::Attach { variables, settings, title, reply }).await?;
            return opened.inspect(|opened| self.keep_texts(uri::to_path(&opened.session.workspace)));
        }
        self.admit()?;
        let origin = match params.from {
            Some(from) => Some(fork::origin(&self.0.resources, from).await?),
            None => None,
        };
        let root = new_root(params.workspace.as_deref(), origin.as_ref())?;
        let inherited = || origin.as_ref().map(|origin| origin.state.listed.item.title.clone());
        let seed = Seed {
            workspace: uri::of_path(&root),
            root,
            settings: settings.unwrap_or_default(),
            title: params.title.or_else(inherited).filter(|title| !title.is_empty()),
            variables: variables.clone(),
            ephemeral: params.ephemeral,
            origin,
        };
        let handle = self.create(seed).await?;
        if params.ephemeral == Some(true) {
            self.keep_while(&handle.id, caller.id);
        }
        let (settings, title) = (None, None);
        let opened = handle.call(|reply| Command::Attach { variables, settings, title, reply }).await?;
        opened.inspect(|opened: &OpenResult| self.keep_texts(uri::to_path(&opened.session.workspace)))
    }

    async fn check_workspace(
        &self,
        handle: &crate::session::SessionHandle,
        wanted: &str,
    ) -> Result<(), RpcError> {
        let item = handle.call(|reply| Command::Item { reply }).await?;
        if resolve(wanted).is_ok_and(|root| uri::of_path(&root) == item.workspace) {
            return Ok(());
        }
        let message = format!("session {} belongs to {}, not to {wanted}", item.id, item.workspace);
        Err(RpcError::new(ErrorKind::InvalidParams, message))
    }

    /// Admits a message.
    pub(crate) async fn prompt(
        &self,
        caller: &Caller,
        params: PromptParams,
    ) -> Result<PromptResult, RpcError> {
        self.admit()?;
        self.room_on_disk()?;
        let (handle, by) = (self.session(&params.session_id).await?, Some(caller.by()));
        let connection = caller.id;
        handle.call(|reply| Command::Prompt { params, by, connection, reply }).await?
    }

    /// Changes a message that waits.
    pub(crate) async fn pending(
        &self,
        caller: &Caller,
        params: PendingParams,
    ) -> Result<PendingResult, RpcError> {
        let (handle, by) = (self.session(&params.session_id).await?, Some(caller.by()));
        handle.call(|reply| Command::Pending { params, by, reply }).await?
    }

    /// Interrupts a turn.
    pub(crate) async fn interrupt(&self, params: InterruptParams) -> Result<InterruptResult, RpcError> {
        let handle = self.session(&params.session_id).await?;
        handle.call(|reply| Command::Interrupt { params, reply }).await?
    }

    /// Answers a request, wherever it was asked.
    pub(crate) async fn answer(&self, caller: &Caller, params: AnswerParams) -> Result<SeqResult, RpcError> {
        let not_found = || {
            RpcError::new(ErrorKind::RequestNotFound, format!("request {} is not known", params.request_id))
        };
        let listed = self.0.resources.journal.item(ItemKind::Request, params.request_id.as_str()).await;
        let listed = listed.map_err(|error| read_error(&error))?;
        let open = listed.and_then(|json| serde_json::from_str::<RequestItem>(&json).ok());
        let by = Some(caller.by());
        if let Some(request) = open {
            let handle = self.session(&request.session).await?;
            return handle.call(|reply| Command::Answer { params, by, reply }).await?;
        }
        let answered = self.0.resources.journal.item(ItemKind::Answered, params.request_id.as_str()).await;
        let answered = answered.map_err(|error| read_error(&error))?;
        let first = answered.and_then(|json| serde_json::from_str::<RequestResolved>(&json).ok());
        Err(first
            .map_or_else(not_found, |first| already(&first.request_id, first.by.as_ref(), &first.decision)))
    }

    /// Parts with a session. Of an ephemeral one nothing is left when it is closed, or when its last client has parted with it.
    pub(crate) async fn close(&self, caller: &Caller, params: CloseParams) -> Result<SeqResult, RpcError> {
        let id = &params.session_id;
        let handle = self.session(id).await?;
        if params.how == CloseHow::Detach {
            let item = handle.call(|reply| Command::Item { reply }).await?;
            self.leaves(id, caller.id);
            return Ok(SeqResult { seq: item.head.seq });
        }
        let how = if self.is_ephemeral(id) { CloseHow::Delete } else { params.how };
        let closed: Result<SeqResult, RpcError> =
            handle.call(|reply| Command::Archive { how, reply }).await?;
        let closed = closed?;
        if how == CloseHow::Delete {
            self.delete(id).await?;
        }
        Ok(closed)
    }

    /// Deletes a session's log. It must have come to rest.
    pub(crate) async fn delete(&self, id: &SessionId) -> Result<(), RpcError> {
        self.forget(id);
        let body = SessionRemoved { session_id: id.clone() }.into();
        let draft = Draft { turn: None, text: line(&body), body, private: None };
        let gone = [ItemKind::Session, ItemKind::Ephemeral].map(|kind| ItemWrite {
            kind,
            id: id.to_string(),
            group: String::new(),
            json: None,
        });
        let gone = gone.into_iter().chain(self.forget_jobs(id).await).collect();
        let deleted = self.0.resources.journal.delete_log(id, vec![draft], gone).await;
        deleted.map_err(|error| RpcError::new(ErrorKind::Internal, error.to_string()))?;
        self.0.ephemeral.forget(id);
        Ok(())
    }

    /// Begins a subscription.
    pub(crate) async fn observe(
        &self,
        caller: &Caller,
        params: &ObserveParams,
    ) -> Result<Observing, RpcError> {
        let log = LogId::from_wire(&params.session_id);
        if let LogId::Session(id) = &log {
            self.comes_to(id, caller.id);
        }
        let per_second = match caller.delta_per_second {
            0 => DELTAS_PER_SECOND,
            wanted => wanted,
        };
        let deltas = params.delta.unwrap_or(caller.delta_default);
        let want = Want {
            types: params.types.clone().map(TypeFilter::new),
            deltas: deltas.then(|| Duration::from_secs(1) / per_second.clamp(1, 1_000)),
            ..Want::events(log, params.after)
        };
        if params.tree == Some(true) {
            return self.observe_tree(caller, params, want).await;
        }
        let subscription = self.0.resources.feed.subscribe(want).await;
        subscription
            .map(|subscription| Observing::Log(Box::new(subscription)))
            .map_err(|error| read_error(&error))
    }

    /// Counts a subscription among those that could show a person requests, if its client can and it gets to see them.
    pub(crate) fn seeing(&self, caller: &Caller, params: &ObserveParams) -> Option<Seeing> {
        let log = LogId::from_wire(&params.session_id);
        let kind = if log == LogId::All { "request.added" } else { "request.opened" };
        let is_shown = params.types.clone().is_none_or(|types| TypeFilter::new(types).matches(kind));
        (caller.can_answer && is_shown).then(|| self.0.resources.answerers.join(log))
    }

    /// Reads a page of a log.
    pub(crate) async fn log(&self, params: LogParams) -> Result<LogResult, RpcError> {
        let log = LogId::from_wire(&params.session_id);
        let wanted =
            params.limit.map_or(PAGE_EVENTS_MAX, |limit| usize::try_from(limit).unwrap_or(PAGE_EVENTS_MAX));
        let limits = PageLimits::events(wanted.clamp(1, PAGE_EVENTS_MAX));
        let types = params.types.map(TypeFilter::new);
        let journal = &self.0.resources.journal;
        let told = |error: ReadError| read_error(&error);
        let page = match (params.after, params.before) {
            (Some(_), Some(_)) => {
                return Err(RpcError::new(ErrorKind::InvalidParams, "give `after` or `before`, not both"));
            }
            (None, Some(before)) => {
                journal.read_before(&log, before, limits, types.as_ref()).await.map_err(told)?
            }
            (after, None) => {
                let ends = journal.ends(&log).await.map_err(told)?;
                let start = Cursor { epoch: ends.head.epoch, seq: ends.first.seq.saturating_sub(1) };
                journal
                    .read_after(&log, after.unwrap_or(start), limits, types.as_ref())
                    .await
                    .map_err(told)?
            }
        };
        page_result(&page)
    }
}

fn page_result(page: &Page) -> Result<LogResult, RpcError> {
    let parse = |bytes: &[u8]| serde_json::from_slice(bytes).map(tenon_protocol::json::Json);
    let events: Result<Vec<_>, _> = page.events.iter().map(|event| parse(event.bytes())).collect();
    let events = events.map_err(|error| RpcError::new(ErrorKind::Internal, error.to_string()))?;
    Ok(LogResult {
        events,
        first: page.ends.first,
        head: page.ends.head,
        next: page.more.then_some(page.next),
    })
}

/// Returns the root of a new session: a fork works where its parent does.
fn new_root(wanted: Option<&str>, origin: Option<&Origin>) -> Result<PathBuf, RpcError> {
    let parents = origin.map(|origin| origin.state.listed.item.workspace.as_str());
    let workspace = wanted.or(parents).ok_or_else(|| {
        RpcError::new(ErrorKind::InvalidParams, "a new session needs a workspace")
            .hint("or name a sessionId to attach to")
    })?;
    let root = resolve(workspace)?;
    match origin {
        Some(origin) if uri::of_path(&root) != origin.state.listed.item.workspace => {
            let theirs = &origin.state.listed.item.workspace;
            let message = format!("session {} belongs to {theirs}, not to {workspace}", origin.parent);
            Err(RpcError::new(ErrorKind::InvalidParams, message))
        }
        _ => Ok(root),
    }
}

/// Returns the workspace's real path: absolute, a directory, links resolved.
pub(crate) fn resolve(workspace: &str) -> Result<PathBuf, RpcError> {
    let not_found =
        |why: String| RpcError::new(ErrorKind::WorkspaceNotFound, format!("workspace {workspace} {why}"));
    let path = uri::to_path(workspace)
        .ok_or_else(|| not_found("is neither an absolute path nor a file:// URI".to_owned()))?;
    let real = path.canonicalize().map_err(|error| not_found(format!("cannot be opened: {error}")))?;
    if real.is_dir() { Ok(real) } else { Err(not_found("is not a directory".to_owned())) }
}

/// Returns why a log could not be read, as clients are told.
pub(crate) fn read_error(error: &ReadError) -> RpcError {
    match error {
        ReadError::NoLog(log) => {
            RpcError::new(ErrorKind::SessionNotFound, format!("session {} is not known", log.as_str()))
        }
        ReadError::CursorExpired { first, head, .. } => {
            RpcError::new(ErrorKind::CursorExpired, error.to_string())
                .with("first", first)
                .with("head", head)
                .with("epoch", head.epoch)
                .hint("reopen the session for a snapshot and a new cursor")
        }
        ReadError::Unreadable { .. }
        | ReadError::Unhealed(..)
        | ReadError::Closed
        | ReadError::Storage(_) => RpcError::new(ErrorKind::Internal, error.to_string()),
    }
}
