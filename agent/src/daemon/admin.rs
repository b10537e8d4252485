//! Housekeeping: verify, trust, revoke, recovery. Not here: leaving (`drain`), what `tenon doctor` shows (`cli`).
use tenon_protocol::admin::{AdminOp, AdminParams, AdminResult, Verified};
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::event::EventBody;
use tenon_protocol::event::all::{GrantRemoved, WorkspaceAdded, WorkspaceRemoved};
use tenon_protocol::ids::GrantId;
use tenon_protocol::request::{RequestItem, Subject};
use tenon_protocol::session::{SessionItem, SessionState};

use crate::base::uri;
use crate::daemon::doors::{read_error, resolve};
use crate::daemon::{Caller, Daemon};
use crate::journal::{Batch, Draft, ItemKind, ItemWrite, LogId};
use crate::projections::line::line;
use crate::session::trusted;
use crate::workspace::root::Root;

/// Sessions that are looked at after a start; the newest come first, and the ones left open are among them.
pub(crate) const RECOVERED_MAX: usize = 10_000;

impl Daemon {
    /// Does some housekeeping.
    pub(crate) async fn admin(&self, caller: &Caller, params: AdminParams) -> Result<AdminResult, RpcError> {
        match params.op {
            AdminOp::Drain => self.drain().await,
            AdminOp::Stop => self.stop().await,
            AdminOp::HandOver => self.hand_over(caller).await,
            AdminOp::Verify => self.verify(params).await,
            AdminOp::Prune => self.prune(&params).await,
            AdminOp::Export => self.export(params).await,
            AdminOp::Trust => self.trust(&needed(params.workspace)?).await,
            AdminOp::Revoke => match params.grant {
                Some(grant) => self.revoke_grant(&grant).await,
                None => self.revoke_trust(&needed(params.workspace)?).await,
            },
        }
    }

    async fn verify(&self, params: AdminParams) -> Result<AdminResult, RpcError> {
        let log = params.session_id.map(LogId::Session);
        let found = self.0.resources.journal.verify(log).await.map_err(|error| read_error(&error))?;
        let verified =
            Verified { logs: found.logs, events: found.events, commits: found.commits, broken: found.broken };
        Ok(AdminResult { verified: Some(verified), ..AdminResult::default() })
    }

    async fn trust(&self, workspace: &str) -> Result<AdminResult, RpcError> {
        // Trust is given to what is there: a path that appears later is somebody else's.
        let path = resolve(workspace)?;
        let id = uri::of_path(&path);
        let root = Root::open(&path)
            .map_err(|error| RpcError::new(ErrorKind::WorkspaceNotFound, error.to_string()))?;
        let now = trusted::look_at(&root).await;
        let item = trusted::record(id.clone(), self.0.resources.clock.now(), &now);
        let write = trusted::entry(&id, Some(&item));
        let seq = self.machine(WorkspaceAdded { item: item.clone() }.into(), vec![write]).await?;
        self.0.resources.standing.trust(item);
        let enables = Some(trusted::lines(&now));
        Ok(AdminResult { seq: Some(seq), enables, ..AdminResult::default() })
    }

    async fn revoke_trust(&self, workspace: &str) -> Result<AdminResult, RpcError> {
        let id = workspace_uri(workspace)?;
        if !self.0.resources.standing.trusts(&id) {
            return Err(RpcError::new(
                ErrorKind::WorkspaceNotFound,
                format!("workspace {workspace} is not trusted"),
            ));
        }
        let removed = WorkspaceRemoved { id: id.clone(), changes: None };
        let seq = self.machine(removed.into(), vec![trusted::entry(&id, None)]).await?;
        self.0.resources.standing.distrust(&id);
        if let Some(root) = uri::to_path(&id) {
            self.0.resources.files.forget(&root);
        }
        Ok(AdminResult { seq: Some(seq), ..AdminResult::default() })
    }

    async fn revoke_grant(&self, grant: &GrantId) -> Result<AdminResult, RpcError> {
        if !self.0.resources.standing.grants.borrow().iter().any(|known| known.id == *grant) {
            return Err(RpcError::new(ErrorKind::RequestNotFound, format!("grant {grant} is not known"))
                .retry(Retry::Never)
                .hint(
                    "it was taken back, or never made: `tenon rules` lists what there is (the kind `grant`)",
                ));
        }
        let write =
            ItemWrite { kind: ItemKind::Grant, id: grant.to_string(), group: String::new(), json: None };
        let seq = self.machine(GrantRemoved { grant_id: grant.clone() }.into(), vec![write]).await?;
        self.0.resources.standing.revoke(grant);
        Ok(AdminResult { seq: Some(seq), ..AdminResult::default() })
    }

    /// Commits an event of the `all` log and returns its seq.
    pub(crate) async fn machine(&self, body: EventBody, items: Vec<ItemWrite>) -> Result<u64, RpcError> {
        let draft = Draft { turn: None, text: line(&body), body, private: None };
        let batch = Batch { log: LogId::All, create: false, drafts: vec![draft], machine: Vec::new(), items };
        let committed = self.0.resources.journal.append(batch).await;
        let committed = committed.map_err(|error| crate::session::actor::storage(&error))?;
        Ok(committed.first().map_or(0, |event| event.seq))
    }

    /// Drives on every session that was not at rest when the last daemon ended. Call it once, after the socket listens: nobody
    /// who only wants to look should wait for it.
    pub(crate) async fn recover(&self) {
        let page = self.0.resources.journal.items(ItemKind::Session, None, None, RECOVERED_MAX).await;
        let Ok(page) = page else { return };
        let items = page.items.iter().filter_map(|item| serde_json::from_str::<SessionItem>(&item.json).ok());
        // A message that waits begins its turn however short before that the last daemon ended.
        let restless = items.filter(|item| match item.state {
            SessionState::Running | SessionState::Waiting => true,
            SessionState::Idle => item.queued.is_some(),
            SessionState::Closed | SessionState::Unheard(_) => false,
        });
        let mut sessions = self.sessions_with_jobs().await;
        sessions.extend(restless.map(|item| item.id));
        let mut is_whole = page.next.is_none();
        for id in sessions {
            if let Err(error) = self.session(&id).await {
                tracing::error!(session = %id, %error, "a session cannot be taken up");
                is_whole = false;
            }
        }
        if is_whole {
            // What no session wanted to bring in belongs to calls that are settled.
            let capturing = std::sync::Arc::clone(&self.0.resources.capturing);
            tokio::task::spawn_blocking(move || capturing.sweep());
        }
        let caches = std::sync::Arc::clone(&self.0.resources.caches);
        // How large they may be the commands know that write to them.
        tokio::task::spawn_blocking(move || caches.sweep(u64::MAX));
        // Behind what people wait for.
        if let Err(error) = self.0.resources.journal.collect_left_behind().await {
            tracing::warn!(%error, "what was deleted is not removed yet");
        }
    }

    /// Loads the sessions whose open question for trust was answered by trusting their workspace: each resolves its own.
    pub(crate) async fn take_up_trusted(&self) {
        let page = self.0.resources.journal.items(ItemKind::Request, None, None, RECOVERED_MAX).await;
        let Ok(page) = page else { return };
        let items = page.items.iter().filter_map(|item| serde_json::from_str::<RequestItem>(&item.json).ok());
        for item in items {
            let Subject::Trust { workspace, .. } = &item.subject else { continue };
            if !self.0.resources.standing.trusts(workspace) {
                continue;
            }
            if let Err(error) = self.session(&item.session).await {
                tracing::warn!(session = %item.session, %error, "a question for trust stays open");
            }
        }
    }

    /// Closes the journal: the last thing a daemon does.
    pub(crate) async fn close_journal(&self) {
        self.0.resources.journal.clone().close().await;
    }
}

fn needed(workspace: Option<String>) -> Result<String, RpcError> {
    workspace.ok_or_else(|| RpcError::new(ErrorKind::InvalidParams, "`workspace` is missing"))
}

/// Returns the URI of a workspace; one that is gone can still lose its trust.
fn workspace_uri(workspace: &str) -> Result<String, RpcError> {
    let path = uri::to_path(workspace).ok_or_else(|| {
        let message = format!("workspace {workspace} is neither an absolute path nor a file:// URI");
        RpcError::new(ErrorKind::WorkspaceNotFound, message)
    })?;
    Ok(uri::of_path(&path.canonicalize().unwrap_or(path)))
}
