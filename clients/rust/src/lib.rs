//! A client of tenon: connects to the agent of a state directory, starts it when there is none, and speaks its protocol.
//!
//! Not here: anything of the agent's inside, any rendering, any reading of the caller's environment. What a caller sees:
//!
//! - [`Endpoint`]: where the agent is and how it is started; also used without a runtime, to copy bytes.
//! - [`Client`]: the handshake, typed calls, raw calls. It connects again by itself when the connection was lost.
//! - [`Subscription`]: the events of a log, in order and once each, across reconnects.
#![doc = include_str!("../README.md")]
mod backoff;
mod build;
mod client;
mod connection;
mod endpoint;
mod error;
mod frame;
mod handover;
mod options;
mod start;
mod subscription;

pub use build::Build;
pub use client::Client;
pub use endpoint::{Connector, Ending, Endpoint, Entrance, peer_of};
pub use error::ClientError;
pub use handover::Waiting;
pub use options::ClientOptions;
pub use start::{READY_LINE, Start};
pub use subscription::{Item, ObserveOptions, Reset, Subscription};
/// The types of the protocol, so that a program needs one dependency.
pub use tenon_protocol as protocol;

#[cfg(test)]
mod tests;
