//! The frames of a WebSocket: one message a text frame. Not here: the HTTP request that became one (`http`).
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Sink as _, Stream as _};
use tenon_protocol::version::MESSAGE_IN_BYTES_MAX;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use crate::wire::carrier::Carrier;
use crate::wire::codec::{Frame, Framing, FramingError};
use crate::wire::outbox::Outbox;

/// The read buffer, which is allocated at once: small, since most connections are idle.
const READ_BYTES: usize = 8 * 1024;

/// Bytes that are put together before they are written.
const WRITE_BYTES: usize = 64 * 1024;

/// The server's side of a WebSocket.
#[derive(Debug)]
pub(crate) struct Frames<S> {
    socket: WebSocketStream<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Frames<S> {
    /// Takes over a stream whose upgrade was answered.
    pub(crate) async fn new(stream: S) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(WRITE_BYTES)
            .max_message_size(Some(MESSAGE_IN_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_IN_BYTES_MAX));
        Self { socket: WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Carrier for Frames<S> {
    fn framing(&self) -> Framing {
        Framing::Frames
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame, FramingError>>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.socket).poll_next(context)) {
                Some(Ok(Message::Text(text))) => Some(Ok(Frame::Body(Bytes::from(text)))),
                Some(Ok(Message::Binary(_))) => Some(Ok(Frame::Binary)),
                // A ping is answered by the library when it is asked for the next message.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(_))) | None => None,
                Some(Err(error)) => broken(error),
            });
        }
    }

    fn poll_send(&mut self, outbox: &mut Outbox, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut socket = Pin::new(&mut self.socket);
        ready!(socket.as_mut().poll_ready(context)).map_err(unwritable)?;
        let Some(message) = outbox.pop_frame() else { return Poll::Ready(Ok(())) };
        let text = Utf8Bytes::try_from(message).map_err(io::Error::other)?;
        Poll::Ready(socket.start_send(Message::Text(text)).map_err(unwritable))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context).map_err(unwritable)
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.socket).poll_close(context).map(drop)
    }
}

/// Tells what a failed read means for the connection; an end without a goodbye is an end.
fn broken(error: Error) -> Option<Result<Frame, FramingError>> {
    if matches!(error, Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) {
        return None;
    }
    let reason = if matches!(error, Error::Capacity(_)) {
        "the message is longer than 16 MiB"
    } else if matches!(error, Error::Utf8(_)) {
        "the message is not UTF-8"
    } else if let Error::Io(error) = error {
        return Some(Err(FramingError::Io(error)));
    } else {
        "a frame breaks the rules of WebSocket"
    };
    Some(Err(FramingError::Frames(reason)))
}

fn unwritable(error: Error) -> io::Error {
    if let Error::Io(error) = error { error } else { io::Error::new(io::ErrorKind::BrokenPipe, error) }
}
