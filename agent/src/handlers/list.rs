//! `agent/list`. Not here: the lists.
use std::sync::Arc;

use tenon_protocol::error::RpcError;
use tenon_protocol::list::{ListParams, ListResult};

use crate::daemon::{Caller, Daemon};
use crate::handlers::check;

/// Lists things of a kind.
pub(crate) async fn list(
    daemon: Daemon,
    caller: Arc<Caller>,
    params: ListParams,
) -> Result<ListResult, RpcError> {
    check::limit(params.limit)?;
    daemon.list(&caller, params).await
}
