//! Work of a call that must not be cut in the middle: what a command wrote is on its way into the workspace. Not here: how long
//! anybody else is waited for (`turn`).
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts such work of one turn. Cloning shares the count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settling(Arc<AtomicUsize>);

/// Some of that work; it is over when this is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct AtWork(Arc<AtomicUsize>);

impl Settling {
    /// Begins some.
    pub(crate) fn begin(&self) -> AtWork {
        self.0.fetch_add(1, Ordering::AcqRel);
        AtWork(Arc::clone(&self.0))
    }

    /// Tells whether any is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.0.load(Ordering::Acquire) > 0
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
