//! `agent/prompt`, `agent/pending` and `agent/interrupt`. Not here: admission, which is the session's.
use std::sync::Arc;

use tenon_protocol::error::RpcError;
use tenon_protocol::prompt::{
    Delivery, InterruptParams, InterruptResult, PendingChange, PendingParams, PendingResult, PromptParams,
    PromptResult,
};

use crate::daemon::{Caller, Daemon};
use crate::handlers::check::{self, invalid};

/// The longest key of a prompt, in bytes: keys are kept as long as the session.
const KEY_BYTES_MAX: usize = 256;

/// Sends a message to a session.
pub(crate) async fn prompt(
    daemon: Daemon,
    caller: Arc<Caller>,
    params: PromptParams,
) -> Result<PromptResult, RpcError> {
    check(&params)?;
    daemon.prompt(&caller, params).await
}

fn check(params: &PromptParams) -> Result<(), RpcError> {
    check::input(&params.input)?;
    if params.key.as_ref().is_some_and(|key| key.is_empty() || key.len() > KEY_BYTES_MAX) {
        return Err(invalid(format!("key is 1 to {KEY_BYTES_MAX} bytes long")));
    }
    Ok(())
}

/// Changes a message that waits.
pub(crate) async fn pending(
    daemon: Daemon,
    caller: Arc<Caller>,
    params: PendingParams,
) -> Result<PendingResult, RpcError> {
    check_pending(&params)?;
    daemon.pending(&caller, params).await
}

fn check_pending(params: &PendingParams) -> Result<(), RpcError> {
    let replaces = params.op == PendingChange::Replace;
    match &params.input {
        None if replaces => return Err(invalid("replace needs an input")),
        Some(_) if !replaces => return Err(invalid("an input belongs to replace alone")),
        Some(input) => check::input(input)?,
        None => {}
    }
    match params.delivery {
        Some(_) if params.op != PendingChange::Promote => Err(invalid("a delivery belongs to promote alone")),
        Some(Delivery::Start) => {
            Err(invalid("a message that waits cannot start: promote it with `steer` or `queue`"))
        }
        Some(Delivery::Auto | Delivery::Steer | Delivery::Queue | Delivery::Unheard(_)) | None => Ok(()),
    }
}

/// Interrupts the running turn.
pub(crate) async fn interrupt(
    daemon: Daemon,
    _: Arc<Caller>,
    params: InterruptParams,
) -> Result<InterruptResult, RpcError> {
    daemon.interrupt(params).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(params: serde_json::Value) -> bool {
        check(&serde_json::from_value(params).unwrap()).is_err()
    }

    #[test]
    fn a_message_says_something_and_its_key_is_short() {
        let prompt = |input: serde_json::Value, key: &str| serde_json::json!({"sessionId": "s_1", "input": input, "key": key});
        let text = serde_json::json!([{"type": "text", "text": "hello"}]);
        assert!(is_refused(prompt(serde_json::json!([]), "k")));
        assert!(is_refused(prompt(text.clone(), "")));
        assert!(is_refused(prompt(text.clone(), &"k".repeat(257))));
        assert!(!is_refused(prompt(text, &"k".repeat(256))));
    }

    #[test]
    fn a_change_has_what_it_needs_and_nothing_else() {
        let refused = |op: &str, more: serde_json::Value| {
            let mut params = serde_json::json!({"sessionId": "s_1", "messageId": "m_1", "op": op});
            params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            check_pending(&serde_json::from_value(params).unwrap()).is_err()
        };
        let text = serde_json::json!({"input": [{"type": "text", "text": "hello"}]});
        assert!(!refused("replace", text.clone()));
        assert!(refused("replace", serde_json::json!({})));
        assert!(refused("withdraw", text));
        assert!(!refused("promote", serde_json::json!({"delivery": "queue"})));
        assert!(refused("promote", serde_json::json!({"delivery": "start"})));
        assert!(refused("withdraw", serde_json::json!({"delivery": "steer"})));
    }
}
