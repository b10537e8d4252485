//! Tasks with an owner: dropping the handle ends the task. Not here: threads.
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::JoinHandle;

/// A running task. It is aborted when this handle is dropped, so a task never outlives its owner.
#[derive(Debug)]
#[must_use = "dropping the handle ends the task"]
pub(crate) struct Task<T>(JoinHandle<T>);

/// Why a task has no result: it panicked, or it was ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskFailure {
    /// The task panicked; the message says where. Nothing else is affected.
    #[error("task panicked: {0}")]
    Panicked(String),
    /// The task was ended from outside.
    #[error("task was ended")]
    Ended,
}

/// Starts a task that lives as long as the returned handle.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that spawns: everybody else gets an owned handle"
)]
pub(crate) fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Task<T> {
    Task(tokio::spawn(future))
}

impl<T> Task<T> {
    /// Tells whether it has ended.
    pub(crate) fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskFailure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|result| {
            result.map_err(|error| match error.try_into_panic() {
                Ok(payload) => TaskFailure::Panicked(panic_text(&*payload)),
                Err(_) => TaskFailure::Ended,
            })
        })
    }
}

/// Returns the message of a caught panic.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
