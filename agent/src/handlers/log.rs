//! `agent/log`. Not here: subscriptions (`observe`).
use std::sync::Arc;

use tenon_protocol::error::RpcError;
use tenon_protocol::log::{LogParams, LogResult};

use crate::daemon::{Caller, Daemon};
use crate::handlers::check::{self, invalid};

/// Reads a page of a log.
pub(crate) async fn log(daemon: Daemon, _: Arc<Caller>, params: LogParams) -> Result<LogResult, RpcError> {
    check::limit(params.limit)?;
    if params.after.is_some() && params.before.is_some() {
        return Err(invalid("after and before are two directions: only one of them can be given"));
    }
    daemon.log(params).await
}
