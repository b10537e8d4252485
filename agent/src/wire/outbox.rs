//! What waits to be written to a peer, in bytes. Not here: who decides to stop because of it (`connection`).
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;
use tokio_util::codec::Encoder;

use crate::wire::codec::{Framing, Parts};

/// Over it no subscription reads its log: the log is the buffer of a slow client.
pub(crate) const SOFT_BYTES_MAX: usize = 1024 * 1024;

/// Over it the connection is not read and no answer is fetched.
pub(crate) const HARD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// An empty buffer larger than this is given back: a connection that sent one large answer stays small.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// Bytes on their way out. Everything that is ready goes out in one write.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: BytesMut,
}

impl Outbox {
    /// Appends a message.
    pub(crate) fn push(&mut self, mut framing: Framing, parts: Parts<'_>) {
        // Encoding into memory cannot fail.
        drop(framing.encode(parts, &mut self.bytes));
    }

    /// Takes the oldest message out, where messages are frames.
    pub(crate) fn pop_frame(&mut self) -> Option<Bytes> {
        let len = usize::try_from(self.bytes.try_get_u64().ok()?).ok()?;
        let message = self.bytes.split_to(len).freeze();
        self.give_back();
        Some(message)
    }

    /// Tells whether everything was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Tells whether subscriptions have to wait.
    pub(crate) fn is_over_soft(&self) -> bool {
        self.bytes.len() > SOFT_BYTES_MAX
    }

    /// Tells whether everything has to wait.
    pub(crate) fn is_over_hard(&self) -> bool {
        self.bytes.len() > HARD_BYTES_MAX
    }

    /// Writes once. Returns how many bytes the peer took: never 0, unless the outbox is empty.
    pub(crate) fn poll_write(
        &mut self,
        writer: Pin<&mut impl AsyncWrite>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let written = ready!(writer.poll_write(context, &self.bytes))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.bytes.advance(written);
        self.give_back();
        Poll::Ready(Ok(written))
    }

    fn give_back(&mut self) {
        if self.bytes.is_empty() && self.bytes.capacity() > KEPT_BYTES_MAX {
            self.bytes = BytesMut::new();
        }
    }
}
