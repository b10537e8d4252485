//! What the life cycle of connections needs of the daemon. Not here: `initialize` itself (`router`).
use tenon_protocol::context::ContextParams;
use tenon_protocol::error::RpcError;
use tenon_protocol::handshake::{Can, Instance};

use crate::daemon::{Caller, Daemon};

/// What the life cycle of connections needs of the daemon.
pub(crate) trait Host: Send + Sync {
    /// Returns the running process and what it can do now.
    fn hello(&self) -> (Instance, Can);
    /// A connection was initialised.
    fn connected(&self, caller: &Caller) -> Result<(), RpcError>;
    /// A connection tells what its person looks at.
    fn looks(&self, caller: &Caller, params: ContextParams);
    /// A connection that was initialised has ended.
    fn disconnected(&self, id: u64);
}

impl Host for Daemon {
    fn hello(&self) -> (Instance, Can) {
        Self::hello(self)
    }

    fn connected(&self, caller: &Caller) -> Result<(), RpcError> {
        Self::connected(self, caller)
    }

    fn looks(&self, caller: &Caller, params: ContextParams) {
        Self::looks(self, caller, params);
    }

    fn disconnected(&self, id: u64) {
        Self::disconnected(self, id);
    }
}
