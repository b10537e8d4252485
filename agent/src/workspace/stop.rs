//! When a walk ends before its end: cancelled from outside, or out of time. Not here: what it had found by then.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Shared between whoever waits for a walk and the threads that do it.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    cancelled: Arc<AtomicBool>,
    deadline: Instant,
}

impl Stop {
    /// Returns a stop that comes by itself after `timeout`, measured from now on a clock that never jumps.
    pub(crate) fn after(timeout: Duration) -> Self {
        Self { cancelled: Arc::default(), deadline: Instant::now() + timeout }
    }

    /// Ends every walk that holds this, at its next file.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Tells whether to end now.
    pub(crate) fn is_due(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) || Instant::now() >= self.deadline
    }
}
