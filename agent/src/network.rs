//! The way out: HTTP clients, which addresses may be reached, and the door through which a command reaches hosts.
//!
//! Not here: whether a host may be reached at all (`approvals`), and what is sent (`providers`, `tools`). What the agent is
//! told to reach by a model is held to `Reach::Public`: an address is looked up once, looked at, and connected to.
//!
//! Imports: config, base
mod address;
mod guard;
mod proxy;
mod target;
mod upstream;
mod ways;

pub(crate) use crate::network::guard::Egress;
pub(crate) use crate::network::proxy::{Admits, Guests, Proxy, Visits};
pub(crate) use crate::network::target::Target;
pub(crate) use crate::network::ways::{NetworkEnvironment, Scheme, client};
