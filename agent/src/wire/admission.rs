//! How many connections there may be. Not here: who may connect (`socket`).
use std::sync::Arc;

use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections at one time.
pub(crate) const CONNECTIONS_MAX: usize = 1_024;

/// Connections that have not sent `initialize` yet.
pub(crate) const FRESH_MAX: usize = 128;

/// Connections beyond the limits that are being told so; more are closed without a word.
const REFUSED_MAX: usize = 64;

/// Counts connections.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    connections: Arc<Semaphore>,
    fresh: Arc<Semaphore>,
    refused: Arc<Semaphore>,
}

/// What a connection may do. Holds its place in the counts.
#[derive(Debug)]
pub(crate) enum Standing {
    /// It is served. `fresh` is given back when it is initialised.
    Served {
        #[expect(dead_code, reason = "held for its drop, which gives the place back")]
        connection: Option<OwnedSemaphorePermit>,
        fresh: Option<OwnedSemaphorePermit>,
    },
    /// Its first request gets this error, then it is closed.
    Refused {
        error: Box<RpcError>,
        #[expect(dead_code, reason = "held for its drop, which gives the place back")]
        place: OwnedSemaphorePermit,
    },
}

impl Admission {
    /// Starts counting.
    pub(crate) fn new() -> Self {
        Self::with_limits(CONNECTIONS_MAX, FRESH_MAX)
    }

    fn with_limits(connections: usize, fresh: usize) -> Self {
        Self {
            connections: Arc::new(Semaphore::new(connections)),
            fresh: Arc::new(Semaphore::new(fresh)),
            refused: Arc::new(Semaphore::new(REFUSED_MAX)),
        }
    }

    /// Takes a place for a connection; `None` when it is to be closed without a word.
    pub(crate) fn admit(&self) -> Option<Standing> {
        let place = |of: &Arc<Semaphore>| Arc::clone(of).try_acquire_owned().ok();
        let (connection, fresh) = (place(&self.connections), place(&self.fresh));
        if connection.is_some() && fresh.is_some() {
            return Some(Standing::Served { connection, fresh });
        }
        self.refuse(RpcError::new(ErrorKind::TooManyConnections, "too many connections").retry(Retry::Later))
    }

    /// Takes a place for telling a connection why it is not served.
    pub(crate) fn refuse(&self, error: RpcError) -> Option<Standing> {
        let place = Arc::clone(&self.refused).try_acquire_owned().ok()?;
        Some(Standing::Refused { error: Box::new(error), place })
    }
}

impl Standing {
    /// The parent's own connection, over stdio: not counted.
    pub(crate) fn parent() -> Self {
        Self::Served { connection: None, fresh: None }
    }

    /// Tells whether the connection has to introduce itself in time.
    pub(crate) fn is_timed(&self) -> bool {
        match self {
            Self::Served { fresh, .. } => fresh.is_some(),
            Self::Refused { .. } => true,
        }
    }

    /// The connection is initialised: it does not count as fresh any more.
    pub(crate) fn settle(&mut self) {
        if let Self::Served { fresh, .. } = self {
            drop(fresh.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_served(standing: Option<&Standing>) -> bool {
        matches!(standing, Some(Standing::Served { .. }))
    }

    #[test]
    fn connections_and_fresh_ones_are_limited_and_places_come_back() {
        let admission = Admission::with_limits(3, 2);
        let (mut first, second) = (admission.admit(), admission.admit());
        assert!(is_served(first.as_ref()) && is_served(second.as_ref()));
        assert!(matches!(admission.admit(), Some(Standing::Refused { error, .. }) if error.code == 1008));
        first.as_mut().unwrap().settle();
        let third = admission.admit();
        assert!(is_served(third.as_ref()));
        drop(second);
        let fourth = admission.admit();
        assert!(is_served(fourth.as_ref()));
        assert!(!is_served(admission.admit().as_ref()));
    }

    #[test]
    fn refusals_are_limited_too() {
        let admission = Admission::with_limits(0, 0);
        let refused: Vec<_> = std::iter::from_fn(|| admission.admit()).collect();
        assert_eq!(refused.len(), REFUSED_MAX);
    }
}
