//! Framing codec, carriers, the connection task and its outbox.
//!
//! Not here: methods and their meaning.
//!
//! Imports: router, dialects, protocol, base

pub(crate) mod admission;
pub(crate) mod carrier;
pub(crate) mod codec;
pub(crate) mod connection;
pub(crate) mod http;
pub(crate) mod message;
pub(crate) mod outbox;
pub(crate) mod server;
pub(crate) mod socket;
pub(crate) mod stdio;
