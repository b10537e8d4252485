//! `agent/auth`. Not here: keys.
use std::sync::Arc;

use tenon_protocol::auth::{AuthOp, AuthParams, AuthResult};
use tenon_protocol::error::RpcError;

use crate::daemon::{Caller, Daemon};
use crate::handlers::check::invalid;

/// Logs in to a provider with a key, or out.
pub(crate) async fn auth(
    daemon: Daemon,
    caller: Arc<Caller>,
    params: AuthParams,
) -> Result<AuthResult, RpcError> {
    match params.op {
        AuthOp::Submit if params.key.is_none() => Err(invalid("submit needs a `key`")),
        AuthOp::Cancel if params.flow_id.is_none() => Err(invalid("cancel needs the `flowId` of a start")),
        AuthOp::Start | AuthOp::Cancel | AuthOp::Logout if params.key.is_some() => {
            Err(invalid("a `key` goes with submit alone"))
        }
        AuthOp::Start | AuthOp::Submit | AuthOp::Cancel | AuthOp::Logout => {
            daemon.auth(&caller, params).await
        }
    }
}
