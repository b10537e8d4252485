//! `agent/open` and `agent/close`. Not here: what a session is.
use std::sync::Arc;

use tenon_protocol::error::RpcError;
use tenon_protocol::open::{CloseHow, CloseParams, OpenParams, OpenResult};

use crate::daemon::{Caller, Daemon};
use crate::handlers::check::invalid;
use crate::handlers::reply::{Answer, Reply, serialise};

/// Opens a new session, attaches to one, or forks one.
pub(crate) async fn open(
    daemon: Daemon,
    caller: Arc<Caller>,
    params: OpenParams,
) -> Result<OpenResult, RpcError> {
    check(&params)?;
    daemon.open(&caller, params).await
}

fn check(params: &OpenParams) -> Result<(), RpcError> {
    if params.session_id.is_some() && params.from.is_some() {
        return Err(invalid("sessionId attaches and from forks: only one of them can be given"));
    }
    if params.session_id.is_some() && params.ephemeral.is_some() {
        return Err(invalid(
            "a session is ephemeral from its beginning: leave `ephemeral` out to attach to one",
        ));
    }
    if params.session_id.is_none() && params.from.is_none() && params.workspace.is_none() {
        return Err(invalid("a new session needs a workspace"));
    }
    Ok(())
}

/// Parts with a session. Detaching also ends this connection's subscriptions to it.
pub(crate) async fn close(daemon: Daemon, caller: Arc<Caller>, params: CloseParams) -> Reply {
    let (log, how) = (params.session_id.to_string(), params.how);
    let result = daemon.close(&caller, params).await?;
    let value = serialise(&result)?;
    Ok(match how {
        CloseHow::Detach => Answer::Detached { log, value },
        CloseHow::Archive | CloseHow::Delete => Answer::Value(value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(params: serde_json::Value) -> bool {
        check(&serde_json::from_value(params).unwrap()).is_err()
    }

    #[test]
    fn what_to_open_has_to_be_clear() {
        let id = "s_00000000000000000000000000";
        assert!(is_refused(serde_json::json!({})));
        assert!(is_refused(serde_json::json!({"sessionId": id, "from": {"sessionId": id}})));
        assert!(!is_refused(serde_json::json!({"workspace": "/w"})));
        assert!(!is_refused(serde_json::json!({"sessionId": id})));
        assert!(is_refused(serde_json::json!({"sessionId": id, "ephemeral": true})));
        assert!(!is_refused(serde_json::json!({"from": {"sessionId": id}})));
    }
}
