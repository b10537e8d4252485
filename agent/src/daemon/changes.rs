//! The doors for what sessions did to files: diff. Not here: the comparison (`session::difference`).
use tenon_protocol::diff::{DiffParams, DiffResult};
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::ids::SessionId;
use tenon_protocol::session::SessionItem;

use crate::daemon::Daemon;
use crate::daemon::doors::{read_error, resolve};
use crate::journal::ItemKind;
use crate::session::difference;

impl Daemon {
    /// Compares two places in the history of a session's files. The session need not be in memory for it.
    pub(crate) async fn diff(&self, params: DiffParams) -> Result<DiffResult, RpcError> {
        let root = resolve(&self.workspace_of(&params.session_id).await?)?;
        difference::difference(&self.0.resources.journal, root, params).await
    }

    /// Returns the workspace of a session, a `file://` URI. The session need not be in memory for it.
    pub(crate) async fn workspace_of(&self, id: &SessionId) -> Result<String, RpcError> {
        let listed = self.0.resources.journal.item(ItemKind::Session, id.as_str()).await;
        let item = listed
            .map_err(|error| read_error(&error))?
            .and_then(|json| serde_json::from_str::<SessionItem>(&json).ok())
            .ok_or_else(|| RpcError::new(ErrorKind::SessionNotFound, format!("session {id} is not known")))?;
        Ok(item.workspace)
    }
}
