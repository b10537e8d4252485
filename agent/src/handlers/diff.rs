//! `agent/diff`. Not here: the comparison.
use std::sync::Arc;

use tenon_protocol::diff::{DiffParams, DiffResult};
use tenon_protocol::error::RpcError;

use crate::daemon::{Caller, Daemon};

/// Compares two places in the history of a session's files.
pub(crate) async fn diff(daemon: Daemon, _: Arc<Caller>, params: DiffParams) -> Result<DiffResult, RpcError> {
    daemon.diff(params).await
}
