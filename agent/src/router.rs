//! Life cycle, the one method table, exactly one reply, failure to error code.
//!
//! Not here: what a method does (`handlers`) and how bytes travel (`wire`).
//!
//! Imports: handlers, protocol, base
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jsonrpsee::Methods;

pub(crate) mod lifecycle;
pub(crate) mod methods;
pub(crate) mod peer;
pub(crate) mod published;
pub(crate) mod table;

use crate::router::peer::Peer;

// The façade towards `wire`, which sees no handler.
pub(crate) use crate::handlers::presence::Host;
pub(crate) use crate::handlers::reply::{Answer, Reply};
pub(crate) use crate::handlers::subscription::{SUBSCRIPTIONS_MAX, Subscription};

/// The method table and what stands behind the life cycle; one a process.
pub(crate) struct Router {
    methods: Methods,
    host: Arc<dyn Host>,
    /// Connections so far: their ids, never used twice in a process.
    connections: AtomicU64,
}

impl Router {
    /// Makes the router of these methods.
    pub(crate) fn new(methods: Methods, host: Arc<dyn Host>) -> Arc<Self> {
        Arc::new(Self { methods, host, connections: AtomicU64::new(0) })
    }

    /// Returns the router's side of a new connection.
    pub(crate) fn peer(self: &Arc<Self>) -> Peer {
        Peer::new(Arc::clone(self), self.connections.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router").field("methods", &self.methods).finish_non_exhaustive()
    }
}
