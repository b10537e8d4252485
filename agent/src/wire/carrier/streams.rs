//! Bytes in either framing: the socket, and standard input and output. Not here: the framing itself (`codec`).
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use futures_util::Stream as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::FramedRead;

use crate::wire::carrier::Carrier;
use crate::wire::codec::{Codec, Frame, Framing, FramingError};
use crate::wire::outbox::Outbox;

/// Capacity the read buffer keeps; more is given back when it is empty.
const READ_BYTES_KEPT: usize = 64 * 1024;

/// Two directions of bytes.
#[derive(Debug)]
pub(crate) struct Streams<R, W> {
    incoming: FramedRead<R, Codec>,
    writer: W,
}

impl<R: AsyncRead, W> Streams<R, W> {
    /// Takes over both.
    pub(crate) fn new(reader: R, writer: W) -> Self {
        Self { incoming: FramedRead::new(reader, Codec::new()), writer }
    }

    /// Gives back the memory of a large message.
    fn shrink(&mut self) {
        let buffer = self.incoming.read_buffer_mut();
        if buffer.is_empty() && buffer.capacity() > READ_BYTES_KEPT {
            *buffer = BytesMut::with_capacity(8 * 1024);
        }
    }
}

impl<R: AsyncRead + Unpin + Send, W: AsyncWrite + Unpin + Send> Carrier for Streams<R, W> {
    fn framing(&self) -> Framing {
        self.incoming.decoder().framing().unwrap_or(Framing::Lines)
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame, FramingError>>> {
        let next = Pin::new(&mut self.incoming).poll_next(context);
        if next.is_ready() {
            self.shrink();
        }
        next
    }

    fn poll_send(&mut self, outbox: &mut Outbox, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        outbox.poll_write(Pin::new(&mut self.writer), context).map_ok(drop)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(context)
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.writer).poll_shutdown(context).map(drop)
    }
}
