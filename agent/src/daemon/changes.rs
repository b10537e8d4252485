//! The doors for what sessions did to files, and will do: diff, plan, apply, revert. Not here: the comparison
//! (`session::difference`), and lists (`past`).
use tenon_protocol::apply::{ApplyParams, ApplyResult, RevertParams, RevertResult};
use tenon_protocol::diff::{DiffParams, DiffResult};
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::ids::SessionId;
use tenon_protocol::plan::{PlanParams, PlanResult};
use tenon_protocol::session::SessionItem;

use crate::daemon::doors::{read_error, resolve};
use crate::daemon::{Caller, Daemon};
use crate::journal::ItemKind;
use crate::session::command::Command;
use crate::session::difference;

impl Daemon {
    /// Compares two places in the history of a session's files. The session need not be in memory for it.
    pub(crate) async fn diff(&self, params: DiffParams) -> Result<DiffResult, RpcError> {
        let root = resolve(&self.workspace_of(&params.session_id).await?)?;
        difference::difference(&self.0.resources.journal, root, params).await
    }

    /// Asks for a plan.
    pub(crate) async fn plan(&self, caller: &Caller, params: PlanParams) -> Result<PlanResult, RpcError> {
        self.admit()?;
        self.room_on_disk()?;
        let (handle, by) = (self.session(&params.session_id).await?, Some(caller.by()));
        let connection = caller.id;
        handle.call(|reply| Command::Plan { params, by, connection, reply }).await?
    }

    /// Applies what is staged.
    pub(crate) async fn apply(&self, params: ApplyParams) -> Result<ApplyResult, RpcError> {
        let handle = self.session(&params.session_id).await?;
        handle.call(|reply| Command::Apply { params, reply }).await?
    }

    /// Goes back.
    pub(crate) async fn revert(
        &self,
        caller: &Caller,
        params: RevertParams,
    ) -> Result<RevertResult, RpcError> {
        let (handle, by) = (self.session(&params.session_id).await?, Some(caller.by()));
        handle.call(|reply| Command::Revert { params, by, reply }).await?
    }

    /// Returns the workspace of a session, a `file://` URI. The session need not be in memory for it.
    pub(crate) async fn workspace_of(&self, id: &SessionId) -> Result<String, RpcError> {
        self.item_of(id).await.map(|item| item.workspace)
    }

    async fn item_of(&self, id: &SessionId) -> Result<SessionItem, RpcError> {
        let listed = self.0.resources.journal.item(ItemKind::Session, id.as_str()).await;
        listed
            .map_err(|error| read_error(&error))?
            .and_then(|json| serde_json::from_str::<SessionItem>(&json).ok())
            .ok_or_else(|| RpcError::new(ErrorKind::SessionNotFound, format!("session {id} is not known")))
    }
}
