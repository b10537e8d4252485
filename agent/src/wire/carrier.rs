//! What carries the messages of one connection: a stream in either framing (`streams`), the frames of a WebSocket (`frames`),
//! the one message of a POST (`single`). Not here: what messages mean, and who may connect.
use std::io;
use std::task::{Context, Poll};

use crate::wire::codec::{Frame, Framing, FramingError};
use crate::wire::outbox::Outbox;

pub(crate) mod frames;
pub(crate) mod single;
pub(crate) mod streams;

/// Both directions of a connection, for the connection task alone.
pub(crate) trait Carrier: Send {
    /// Returns how messages are told apart, as far as it is known.
    fn framing(&self) -> Framing;

    /// Takes the next message; `None` at the end.
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame, FramingError>>>;

    /// Takes something off an outbox that is not empty. Pending only while the peer takes nothing.
    fn poll_send(&mut self, outbox: &mut Outbox, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Hands on what was taken and is still held.
    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Says goodbye; a peer that is gone is none's concern any more.
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()>;
}
