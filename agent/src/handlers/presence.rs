//! What the life cycle of connections needs of the daemon. Not here: `initialize` itself (`router`).
use futures_util::future::BoxFuture;
use tenon_protocol::error::RpcError;
use tenon_protocol::handshake::{Can, Instance};

use crate::daemon::Caller;

/// What the life cycle of connections needs of the daemon.
pub(crate) trait Host: Send + Sync {
    /// Returns the running process and what it can do now.
    fn hello(&self) -> BoxFuture<'_, Result<(Instance, Can), RpcError>>;
    /// A connection was initialised.
    fn connected<'a>(&'a self, caller: &'a Caller) -> BoxFuture<'a, Result<(), RpcError>>;
    /// A connection ended; it may never have been initialised.
    fn disconnected(&self, id: u64) -> BoxFuture<'_, ()>;
}
