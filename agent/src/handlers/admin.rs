//! `agent/admin`. Not here: what the operations do.
use std::sync::Arc;

use tenon_protocol::admin::{AdminOp, AdminParams, AdminResult};
use tenon_protocol::error::RpcError;

use crate::daemon::{Caller, Daemon};
use crate::handlers::check::invalid;

/// Housekeeping of the daemon.
pub(crate) async fn admin(
    daemon: Daemon,
    caller: Arc<Caller>,
    params: AdminParams,
) -> Result<AdminResult, RpcError> {
    check(&params)?;
    daemon.admin(&caller, params).await
}

fn check(params: &AdminParams) -> Result<(), RpcError> {
    match params.op {
        AdminOp::Trust if params.workspace.is_none() => Err(invalid("trust needs a workspace")),
        AdminOp::Revoke if params.workspace.is_some() == params.grant.is_some() => {
            Err(invalid("revoke needs either a workspace or a grant"))
        }
        AdminOp::Export if params.session_id.is_none() || params.path.is_none() => {
            Err(invalid("export needs a sessionId and a path"))
        }
        AdminOp::Drain
        | AdminOp::Stop
        | AdminOp::HandOver
        | AdminOp::Verify
        | AdminOp::Prune
        | AdminOp::Export
        | AdminOp::Trust
        | AdminOp::Revoke => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(params: serde_json::Value) -> bool {
        check(&serde_json::from_value(params).unwrap()).is_err()
    }

    #[test]
    fn operations_name_what_they_are_about() {
        assert!(is_refused(serde_json::json!({"op": "trust"})));
        assert!(!is_refused(serde_json::json!({"op": "trust", "workspace": "/w"})));
        assert!(is_refused(serde_json::json!({"op": "revoke"})));
        assert!(is_refused(serde_json::json!({"op": "revoke", "workspace": "/w", "grant": "g_1"})));
        assert!(!is_refused(serde_json::json!({"op": "revoke", "grant": "g_1"})));
        assert!(!is_refused(serde_json::json!({"op": "stop"})));
        assert!(is_refused(serde_json::json!({"op": "export", "sessionId": "s_1"})));
        assert!(!is_refused(serde_json::json!({"op": "export", "sessionId": "s_1", "path": "/f"})));
    }
}
