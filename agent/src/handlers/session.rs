//! `agent/open` and `agent/close`. Not here: what a session is.
use std::sync::Arc;

use tenon_protocol::error::RpcError;
use tenon_protocol::open::{CloseHow, CloseParams, OpenParams, OpenResult};
use tenon_protocol::version::TITLE_BYTES_MAX;

use crate::daemon::{Caller, Daemon};
use crate::handlers::check::{invalid, length};
use crate::handlers::reply::{Answer, Reply, serialise};

/// Bytes of a workspace's name: what a path has, each written as `%XX`.
const WORKSPACE_BYTES_MAX: usize = 16 << 10;

/// Bytes of the name of a model or a profile.
const NAME_BYTES_MAX: usize = 256;

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
    length("workspace", params.workspace.as_ref(), WORKSPACE_BYTES_MAX)?;
    length("title", params.title.as_ref(), TITLE_BYTES_MAX)?;
    let settings = params.settings.as_ref();
    length("model", settings.and_then(|settings| settings.model.as_ref()), NAME_BYTES_MAX)?;
    length("profile", settings.and_then(|settings| settings.profile.as_ref()), NAME_BYTES_MAX)
}

/// Parts with a session. Detaching also ends this connection's subscriptions to it.
pub(crate) async fn close(daemon: Daemon, caller: Arc<Caller>, params: CloseParams) -> Reply {
    let (log, how) = (params.session_id.to_string(), params.how);
    let result = daemon.close(&caller, params).await?;
    let value = serialise(&result)?;
    Ok(match how {
        CloseHow::Detach => Answer::Detached { log, value },
        CloseHow::Archive | CloseHow::Delete | CloseHow::Unheard(_) => Answer::Value(value),
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
