//! What a handler gives back. Not here: the envelope it travels in (`wire`).
use bytes::Bytes;
use serde::Serialize;
use tenon_protocol::error::{ErrorKind, RpcError};

use crate::handlers::subscription::Subscription;

/// The outcome of a request. A handler returns exactly one, and the connection turns it into exactly one response.
pub(crate) type Reply = Result<Answer, RpcError>;

/// An outcome that is no failure. Some concern the connection, which alone knows its subscriptions.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A result, serialised.
    Value(Bytes),
    /// A subscription was made: its id is the result, and nothing of it precedes that.
    Observing(Box<Subscription>),
    /// The subscription of this id ends; the result says whether there was one.
    Unobserve(String),
    /// A result; the connection's subscriptions to this log end.
    Detached { log: String, value: Bytes },
}

impl Answer {
    /// Serialises a result.
    pub(crate) fn value(result: &impl Serialize) -> Reply {
        serialise(result).map(Self::Value)
    }
}

/// Serialises a result.
pub(crate) fn serialise(result: &impl Serialize) -> Result<Bytes, RpcError> {
    serde_json::to_vec(result).map(Bytes::from).map_err(|error| {
        RpcError::new(ErrorKind::Internal, format!("the result cannot be written as JSON: {error}"))
    })
}
