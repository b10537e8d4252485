//! Requests that wait for their answer. Each leaves with exactly one reply: its own, -32800 when it was cancelled, -32603
//! when its handler panicked. Not here: how a reply is written.
//!
//! Calls go on also while their replies are not fetched: one that stood still could keep what others wait for.
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::future::{AbortHandle, Abortable, BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tenon_protocol::envelope::MessageNumber;
use tenon_protocol::error::{ErrorKind, RpcError};

use crate::base::task::panic_text;
use crate::router::Reply;

/// A handler never waits; one that takes longer than this is told in the log.
const SLOW: Duration = Duration::from_millis(100);

/// The requests in flight on one connection.
#[derive(Debug, Default)]
pub(super) struct Calls {
    running: FuturesUnordered<BoxFuture<'static, (MessageNumber, Reply)>>,
    /// Replies that nobody has fetched; they count as in flight.
    finished: VecDeque<(MessageNumber, Reply)>,
    cancel: BTreeMap<MessageNumber, AbortHandle>,
}

impl Calls {
    /// Returns how many are in flight.
    pub(super) fn len(&self) -> usize {
        self.cancel.len()
    }

    /// Tells whether a request of this id is in flight.
    pub(super) fn contains(&self, id: &MessageNumber) -> bool {
        self.cancel.contains_key(id)
    }

    /// Starts a call and polls it once, so that calls begin in the order they are started. Returns its reply if that was
    /// enough.
    pub(super) fn start(
        &mut self,
        id: &MessageNumber,
        method: &str,
        call: impl Future<Output = Reply> + Send + 'static,
        context: &mut Context<'_>,
    ) -> Option<Reply> {
        let (handle, registration) = AbortHandle::new_pair();
        let (started, name) = (Instant::now(), method.to_owned());
        let guarded = Abortable::new(AssertUnwindSafe(call).catch_unwind(), registration);
        let number = id.clone();
        let mut running = async move {
            let reply = match guarded.await {
                Ok(Ok(reply)) => reply,
                Ok(Err(payload)) => Err(panicked(&name, &panic_text(&*payload))),
                Err(_) => Err(RpcError::new(ErrorKind::Cancelled, "the request was cancelled")),
            };
            let took = started.elapsed();
            if took > SLOW {
                tracing::warn!(method = %name, took_ms = took.as_millis(), "a request waited long for its answer");
            }
            (number, reply)
        }
        .boxed();
        if let Poll::Ready((_, reply)) = running.poll_unpin(context) {
            return Some(reply);
        }
        self.cancel.insert(id.clone(), handle);
        self.running.push(running);
        None
    }

    /// Ends the wait of a request. Its work goes on if it was handed over already. Returns whether there was one.
    pub(super) fn cancel(&self, id: &MessageNumber) -> bool {
        self.cancel.get(id).map(AbortHandle::abort).is_some()
    }

    /// Lets every call go on.
    pub(super) fn drive(&mut self, context: &mut Context<'_>) {
        while let Poll::Ready(Some(finished)) = self.running.poll_next_unpin(context) {
            self.finished.push_back(finished);
        }
    }

    /// Takes the reply that has waited longest.
    pub(super) fn take_finished(&mut self) -> Option<(MessageNumber, Reply)> {
        let finished = self.finished.pop_front()?;
        self.cancel.remove(&finished.0);
        Some(finished)
    }
}

fn panicked(method: &str, reason: &str) -> RpcError {
    tracing::error!(method, reason, "a handler panicked");
    RpcError::new(ErrorKind::Internal, format!("{method} failed inside the agent"))
        .hint("the reason is in the agent's log")
}
