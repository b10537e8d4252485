//! Replies become responses. Not here: which reply a request gets.
use serde::Serialize;
use tenon_protocol::envelope::{MessageNumber, Outcome, Response, TwoPointZero};
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::version::MESSAGE_OUT_BYTES_MAX;

use crate::router::{Answer, Reply, SUBSCRIPTIONS_MAX, Subscription};
use crate::wire::carrier::Carrier;
use crate::wire::connection::Connection;

/// Bytes of the sentence of an error that was too large.
const MESSAGE_SHOWN_BYTES: usize = 2_000;

impl<C: Carrier> Connection<C> {
    /// Answers a request. What concerns the connection itself is done here.
    pub(super) fn reply(&mut self, id: &MessageNumber, reply: Reply) {
        match reply {
            Ok(Answer::Value(value)) => self.result(id, &value),
            Ok(Answer::Observing(subscription)) => self.observing(id, *subscription),
            Ok(Answer::Unobserve(subscription)) => {
                let ended = self.subscriptions.remove(&subscription);
                self.result(id, if ended { b"true" } else { b"false" });
            }
            Ok(Answer::Detached { log, value }) => {
                self.subscriptions.remove_log(&log);
                self.result(id, &value);
            }
            Err(error) => self.error(Some(id), error),
        }
    }

    fn observing(&mut self, id: &MessageNumber, subscription: Subscription) {
        if self.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            let message = format!("a connection holds at most {SUBSCRIPTIONS_MAX} subscriptions");
            return self.error(Some(id), RpcError::new(ErrorKind::TooManyObservers, message));
        }
        if self.ending.is_some() {
            // Nothing would ever be delivered.
            return self.error(Some(id), RpcError::new(ErrorKind::Cancelled, "the connection ends"));
        }
        let name = self.subscriptions.add(subscription);
        self.result(id, format!("\"{name}\"").as_bytes());
    }

    /// Answers with a result that is JSON already.
    pub(super) fn result(&mut self, id: &MessageNumber, result: &[u8]) {
        if result.len() > MESSAGE_OUT_BYTES_MAX {
            let message = format!("the answer would be larger than {MESSAGE_OUT_BYTES_MAX} bytes");
            let error = RpcError::new(ErrorKind::Failed, message).retry(Retry::Never);
            return self.error(Some(id), error.hint("ask for less: a smaller `limit`, or fewer `paths`"));
        }
        let id = json(id);
        self.outbox.push(self.framing, &[br#"{"jsonrpc":"2.0","id":"#, &id, br#","result":"#, result, b"}"]);
    }

    /// Answers with an error; without an id where the request's own could not be read.
    pub(super) fn error(&mut self, id: Option<&MessageNumber>, error: RpcError) {
        let response = Response::<()> { jsonrpc: TwoPointZero, id, outcome: Outcome::Error(error) };
        let mut bytes = json(&response);
        if bytes.len() > MESSAGE_OUT_BYTES_MAX
            && let Outcome::Error(error) = response.outcome
        {
            let outcome = Outcome::Error(bounded(error));
            bytes = json(&Response::<()> { jsonrpc: TwoPointZero, id, outcome });
        }
        self.outbox.push(self.framing, &[&bytes]);
    }
}

/// Returns an error without what makes it too large to be told: the text of a client that its sentence repeats, or its members.
fn bounded(mut error: RpcError) -> RpcError {
    error.message.truncate(error.message.floor_char_boundary(MESSAGE_SHOWN_BYTES));
    error.message.push('…');
    if let Some(data) = &mut error.data {
        data.more.clear();
        data.hints =
            vec!["what else belongs to this error is too large to be told: ask about less".to_owned()];
    }
    error
}

/// Serialises what we made ourselves: ids and errors, which always can be.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec())
}
