//! `agent/list`. Not here: how lists stay true (`session`, `journal`), and what the configuration offers (`offered`).
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::event::all::{GrantItem, WorkspaceItem};
use tenon_protocol::job::JobItem;
use tenon_protocol::json::Json;
use tenon_protocol::list::{ListParams, ListResult};
use tenon_protocol::session::{SessionItem, SessionState};
use tenon_protocol::tool::ToolItem;

use crate::base::uri;
use crate::config::environment::Variables;
use crate::daemon::doors::read_error;
use crate::daemon::{Caller, Daemon, offered};
use crate::journal::{ItemKind, ItemRank};
use crate::projections::cut::size;
use crate::session::load::config_error;
use crate::session::world::World;
use crate::workspace::commands::Kind;

/// Items of a page where the client does not say.
const LIMIT_DEFAULT: u64 = 100;

/// Items of a page at most.
const LIMIT_MAX: u64 = 1_000;

/// Bytes of a page's items. One item that is larger is a page by itself: it was an event, so a message holds it.
pub(in crate::daemon) const PAGE_BYTES_MAX: usize = 1 << 20;

/// Every kind, for the error that names them.
const KINDS: &str = "session, model, provider, profile, command, tool, skill, mcp, job, checkpoint, change, plan, request, \
                     grant, workspace";

impl Daemon {
    /// Lists things of a kind.
    pub(crate) async fn list(&self, caller: &Caller, params: ListParams) -> Result<ListResult, RpcError> {
        match params.kind.as_str() {
            "session" => self.sessions_page(&params).await,
            "request" => {
                let group = params.session_id.as_ref().map(ToString::to_string);
                self.page(ItemKind::Request, group.as_deref(), &params, |_| true).await
            }
            "job" => {
                let group = params.session_id.as_ref().map(ToString::to_string);
                self.page(ItemKind::Job, group.as_deref(), &params, parses::<JobItem>).await
            }
            "grant" => {
                let workspace = workspace_filter(&params);
                self.page(ItemKind::Grant, workspace.as_deref(), &params, parses::<GrantItem>).await
            }
            "workspace" => self.page(ItemKind::Workspace, None, &params, parses::<WorkspaceItem>).await,
            "tool" => self.whole(&params, async { Ok(self.tools()) }).await,
            "model" => {
                self.whole(&params, async { Ok(json(&offered::models(&self.world(&caller.variables)?))) })
                    .await
            }
            "provider" => {
                self.whole(&params, async { Ok(json(&offered::providers(&self.world(&caller.variables)?))) })
                    .await
            }
            "profile" => {
                self.whole(&params, async { Ok(json(&offered::profiles(&self.world(&caller.variables)?))) })
                    .await
            }
            "change" | "checkpoint" | "plan" => self.past(&params).await,
            "command" => self.whole(&params, self.list_commands(&params, Kind::Command)).await,
            "skill" => self.whole(&params, self.list_commands(&params, Kind::Skill)).await,
            // Nothing of it exists in this build.
            "mcp" => self.whole(&params, async { Ok(Vec::new()) }).await,
            other => {
                let error =
                    RpcError::new(ErrorKind::UnknownKind, format!("there is no list of kind {other}"));
                Err(error.hint(format!("kinds: {KINDS}")))
            }
        }
    }

    async fn sessions_page(&self, params: &ListParams) -> Result<ListResult, RpcError> {
        let state = params.filter.as_ref().and_then(|filter| filter.state);
        let archived = params.filter.as_ref().is_some_and(|filter| filter.archived == Some(true));
        let workspace = workspace_filter(params);
        let fits = move |json: &str| {
            let item: Option<SessionItem> = serde_json::from_str(json).ok();
            let archived = archived || state == Some(SessionState::Closed);
            item.is_some_and(|item| {
                state.is_none_or(|state| item.state == state)
                    && (archived || item.state != SessionState::Closed)
            })
        };
        self.page(ItemKind::Session, workspace.as_deref(), params, fits).await
    }

    /// Returns a page of what the journal lists, newest first.
    async fn page(
        &self,
        kind: ItemKind,
        group: Option<&str>,
        params: &ListParams,
        fits: impl Fn(&str) -> bool,
    ) -> Result<ListResult, RpcError> {
        let limit = usize::try_from(params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX)).unwrap_or(1);
        let mut after = match &params.after {
            Some(text) => Some(text.parse::<ItemRank>().map_err(|_| foreign_cursor())?),
            None => None,
        };
        let (mut items, mut bytes) = (Vec::new(), 0);
        let mut last: Option<ItemRank> = None;
        // All of it is true at the place of the first read: what came between that and a later one is told behind it.
        let mut first_rev = None;
        // What does not fit is passed over: a page is short only at the end of the list, or where its items are large.
        loop {
            let page = self.0.resources.journal.items(kind, group, after, limit).await;
            let page = page.map_err(|error| read_error(&error))?;
            let rev = *first_rev.get_or_insert(page.rev);
            for item in page.items.iter().filter(|item| fits(&item.json)) {
                if let Some(last) = last.filter(|_| bytes + item.json.len() > PAGE_BYTES_MAX) {
                    return Ok(ListResult { items, rev, next: Some(last.to_string()) });
                }
                items.extend(serde_json::from_str(&item.json).ok().map(Json));
                if items.len() >= limit {
                    return Ok(ListResult { items, rev, next: Some(item.rank.to_string()) });
                }
                bytes += item.json.len();
                last = Some(item.rank);
            }
            if page.next.is_none() {
                return Ok(ListResult { items, rev, next: None });
            }
            after = page.next;
        }
    }

    /// Returns a page of a list that is never long. The end of the `all` log is read first, so that what changes meanwhile
    /// is told behind it.
    async fn whole(
        &self,
        params: &ListParams,
        read: impl Future<Output = Result<Vec<Json>, RpcError>> + Send,
    ) -> Result<ListResult, RpcError> {
        let ends = self.0.resources.journal.ends(&crate::journal::LogId::All).await;
        let rev = ends.map_err(|error| read_error(&error))?.head.seq;
        let mut items = read.await?;
        if let Some(after) = &params.after {
            let last = items.iter().position(|item| id_of(item) == Some(after)).ok_or_else(foreign_cursor)?;
            items.drain(..=last);
        }
        let limit = usize::try_from(params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX)).unwrap_or(1);
        let mut bytes = 0;
        let fits = items.iter().take(limit).take_while(|item| {
            bytes += size(item);
            bytes <= PAGE_BYTES_MAX
        });
        let fitting = fits.count().max(1);
        let is_cut = items.len() > fitting;
        items.truncate(fitting);
        let next = items.last().filter(|_| is_cut).and_then(id_of).map(str::to_owned);
        Ok(ListResult { items, rev, next })
    }

    fn tools(&self) -> Vec<Json> {
        let item = |tool: crate::tools::Descriptor| ToolItem {
            id: tool.name.to_owned(),
            kind: tool.kind,
            description: tool.description.to_owned(),
            parameters: Json(tool.parameters),
        };
        self.0
            .resources
            .registry
            .descriptors()
            .into_iter()
            .map(|tool| Json::from_serialize(&item(tool)))
            .collect()
    }

    /// Returns what counts for a client with these variables.
    pub(crate) fn world(&self, variables: &Variables) -> Result<World, RpcError> {
        World::load(&self.0.resources.files, variables, None).map_err(|error| config_error(&error))
    }
}

fn json<T: serde::Serialize>(items: &[T]) -> Vec<Json> {
    items.iter().map(Json::from_serialize).collect()
}

fn id_of(item: &Json) -> Option<&str> {
    item.0.get("id")?.as_str()
}

fn foreign_cursor() -> RpcError {
    let error = RpcError::new(ErrorKind::InvalidParams, "`after` is not the `next` of an earlier page");
    error.hint("the list may have changed: read it from its beginning")
}

fn parses<T: for<'de> serde::Deserialize<'de>>(json: &str) -> bool {
    serde_json::from_str::<T>(json).is_ok()
}

/// Returns the workspace of a filter as the lists hold it; a path that is gone is taken as it stands.
fn workspace_filter(params: &ListParams) -> Option<String> {
    let workspace = params.filter.as_ref()?.workspace.as_ref()?;
    let path = uri::to_path(workspace)?;
    Some(uri::of_path(&path.canonicalize().unwrap_or(path)))
}
