//! Work on the runtime's blocking threads. Not here: the work.
use std::fmt;
use std::time::Duration;

use tenon_protocol::tool::CallStatus;

use crate::tools::prepared::{Outcome, ToolFailure, Work};
use crate::tools::{Boxed, RunContext};
use crate::workspace::stop::Stop;

/// Runs something that blocks. It is not ended by dropping the future: what it does is short or watches a [`Stop`].
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ToolFailure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        // A defect of ours: the panic hook has logged where; the model and the session go on.
        ToolFailure::new(format!("the tool failed inside the agent: {error}"))
    })
}

/// Ends what watches it when it is dropped: a search nobody waits for any more.
#[derive(Debug)]
struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Work that looks at the disk for a bounded time, and ends early with what it has when it is cancelled.
pub(super) struct Look<F> {
    timeout: Duration,
    look: F,
}

impl<F> fmt::Debug for Look<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Look").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl<F: FnOnce(&Stop) -> Outcome + Send + 'static> Look<F> {
    /// Makes work of a function that watches the stop it is given.
    pub(super) fn within(timeout: Duration, look: F) -> Self {
        Self { timeout, look }
    }
}

impl<F: FnOnce(&Stop) -> Outcome + Send + 'static> Work for Look<F> {
    fn run(self: Box<Self>, context: RunContext) -> Boxed<'static, Outcome> {
        Box::pin(async move {
            let stop = Stop::after(self.timeout);
            let guard = StopOnDrop(stop.clone());
            let looking = blocking(move || (self.look)(&stop));
            tokio::pin!(looking);
            let outcome = tokio::select! {
                biased;
                () = context.cancel.cancelled() => {
                    guard.0.cancel();
                    // It ends at its next file.
                    looking.await.map(|outcome| Outcome { status: CallStatus::Interrupted, ..outcome })
                }
                outcome = &mut looking => outcome,
            };
            outcome.unwrap_or_else(|failure| Outcome::failed(failure.0))
        })
    }
}
