//! A subscription as a connection pulls it: the connection asks when its peer has room, so nothing is buffered for a slow
//! one. Not here: where the events come from (`feed`).
use std::fmt;
use std::future::Future;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tenon_protocol::cursor::Cursor;
use tokio_util::sync::ReusableBoxFuture;

use crate::feed;

/// Subscriptions of one connection. A client that shows more logs than this shows nobody anything.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 128;

/// Something to deliver: the JSON that stands under `result`, and the place behind it, if it has one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Delivery {
    pub(crate) json: Bytes,
    pub(crate) cursor: Option<Cursor>,
}

/// Where deliveries come from. `next` is polled to its end before it is called again; it is dropped when the subscription
/// ends.
pub(crate) trait Source: Send + 'static {
    /// Returns the next thing to deliver; `None` when the subscription is over.
    fn next(&mut self) -> impl Future<Output = Option<Delivery>> + Send;
}

/// A subscription of one connection.
pub(crate) struct Subscription {
    log: String,
    cursor: Cursor,
    pull: Box<dyn Pull>,
}

impl Subscription {
    /// Makes a subscription to `log` that has seen everything up to `cursor`.
    pub(crate) fn new(log: String, cursor: Cursor, source: impl Source) -> Self {
        Self { log, cursor, pull: Box::new(Pulling { future: ReusableBoxFuture::new(pull(source)) }) }
    }

    /// Returns the log it reads: a session's id, or `all`.
    pub(crate) fn log(&self) -> &str {
        &self.log
    }

    /// Polls for the next delivery; `None` when the subscription is over.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(delivery) = ready!(self.pull.poll(context)) else {
            return Poll::Ready(None);
        };
        if let Some(cursor) = delivery.cursor {
            self.cursor = cursor;
        }
        Poll::Ready(Some(delivery.json))
    }

    /// Returns the `observe.closed` that tells where to go on.
    pub(crate) fn closed(&self, reason: &str) -> Bytes {
        feed::closed(reason, self.cursor).into_json()
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("log", &self.log)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}

/// `Source` without its type. `Sync`, because replies travel in the extensions of a response; nobody polls one from two
/// places.
trait Pull: Send + Sync {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>>;
}

/// The running `next`, which owns the source; its memory is used again for the following one.
struct Pulling<S> {
    future: ReusableBoxFuture<'static, (Option<Delivery>, S)>,
}

async fn pull<S: Source>(mut source: S) -> (Option<Delivery>, S) {
    let delivery = source.next().await;
    (delivery, source)
}

impl<S: Source> Pull for Pulling<S> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let (delivery, source) = ready!(self.future.poll(context));
        self.future.set(pull(source));
        Poll::Ready(delivery)
    }
}
