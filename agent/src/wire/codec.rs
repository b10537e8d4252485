//! The framing codec: bytes to message bodies and back, in both framings. Not here: what a body says (`message`).
//!
//! The framing is found on the first bytes of a stream and kept for its life. The codec never reserves towards a length
//! that a peer claims: a buffer grows with the bytes that arrived.
use bytes::{Buf, BufMut as _, Bytes, BytesMut};
use memchr::memchr;
use tenon_protocol::version::{HEADER_BYTES_MAX, MESSAGE_IN_BYTES_MAX};
use tokio_util::codec::{Decoder, Encoder};

pub(crate) mod depth;
mod headers;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

/// How messages of a stream are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// LSP's: a block of headers with `Content-Length`, an empty line, the body.
    Headers,
    /// One message a line.
    Lines,
    /// One message a frame of a WebSocket, or a body of HTTP. On its way out it stands in the outbox behind its length.
    Frames,
}

/// What a stream yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The body of a message: not yet known to be UTF-8, JSON or a request.
    Body(Bytes),
    /// A line over the limit was passed over; the stream goes on behind it.
    Oversized,
    /// A frame of a WebSocket that holds no text.
    Binary,
}

/// Why a stream cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FramingError {
    /// The first bytes belong to no framing.
    #[error("the first bytes are of no known framing")]
    Unknown,
    /// The header block is damaged: there is no place to go on from.
    #[error("damaged header block: {0}")]
    Damaged(&'static str),
    /// The frames of a WebSocket broke its rules: there is no place to go on from.
    #[error("damaged frames: {0}")]
    Frames(&'static str),
    /// Reading failed.
    #[error("cannot read: {0}")]
    Io(#[from] std::io::Error),
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Nothing has arrived that tells the framing.
    Detecting,
    /// In a header block, searched for its end up to `scanned`.
    Headers { scanned: usize },
    /// In a body of this length.
    Body { len: usize },
    /// In a line, searched for its end up to `scanned`.
    Line { scanned: usize },
    /// Behind the limit of a line that is passed over.
    Skipping,
    /// The stream is broken; nothing follows.
    Broken,
}

/// The codec of one stream.
#[derive(Debug)]
pub(crate) struct Codec {
    state: State,
    framing: Option<Framing>,
    message_bytes_max: usize,
}

impl Codec {
    /// Makes the codec of a new stream.
    pub(crate) fn new() -> Self {
        Self::with_limit(MESSAGE_IN_BYTES_MAX)
    }

    /// Makes a codec whose messages hold at most `message_bytes_max` bytes.
    fn with_limit(message_bytes_max: usize) -> Self {
        Self { state: State::Detecting, framing: None, message_bytes_max }
    }

    /// Returns the framing, once it is known.
    pub(crate) fn framing(&self) -> Option<Framing> {
        self.framing
    }

    /// Looks at the first bytes. Returns whether the framing is known now.
    fn detect(&mut self, buffer: &mut BytesMut) -> Result<bool, FramingError> {
        let blank = buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if matches!(buffer.get(blank), Some(b'{' | b'[')) {
            buffer.advance(blank);
            self.framing = Some(Framing::Lines);
            self.state = State::Line { scanned: 0 };
            return Ok(true);
        }
        if blank > 0 && blank == buffer.len() {
            // White space says nothing and need not be kept, however much of it comes; one byte stays, so that headers
            // behind it are not taken for the first bytes.
            buffer.advance(blank - 1);
            return Ok(false);
        }
        if headers::begins(buffer) {
            let known = buffer.len() >= headers::MARK.len();
            if known {
                self.framing = Some(Framing::Headers);
                self.state = State::Headers { scanned: 0 };
            }
            return Ok(known);
        }
        Err(FramingError::Unknown)
    }

    /// Takes a header block off the buffer. Returns the length of the body.
    fn take_headers(&mut self, buffer: &mut BytesMut, scanned: usize) -> Result<Option<usize>, FramingError> {
        let Some(end) = headers::end(buffer, scanned) else {
            if buffer.len() >= HEADER_BYTES_MAX {
                return Err(FramingError::Damaged("it is longer than 8 KiB"));
            }
            self.state = State::Headers { scanned: buffer.len() };
            return Ok(None);
        };
        if end > HEADER_BYTES_MAX {
            return Err(FramingError::Damaged("it is longer than 8 KiB"));
        }
        let len = headers::content_length(&buffer[..end], self.message_bytes_max)?;
        buffer.advance(end);
        self.state = State::Body { len };
        Ok(Some(len))
    }

    /// Takes a line off the buffer; `None` while its end has not arrived.
    fn take_line(&mut self, buffer: &mut BytesMut, scanned: usize) -> Option<Frame> {
        match memchr(b'\n', &buffer[scanned..]) {
            Some(at) if scanned + at <= self.message_bytes_max => {
                self.state = State::Line { scanned: 0 };
                let line = buffer.split_to(scanned + at).freeze();
                buffer.advance(1);
                Some(Frame::Body(line))
            }
            None if buffer.len() <= self.message_bytes_max => {
                self.state = State::Line { scanned: buffer.len() };
                None
            }
            Some(_) | None => {
                self.state = State::Skipping;
                Some(Frame::Oversized)
            }
        }
    }

    /// Passes over the rest of a line that is too long. Returns whether its end has arrived.
    fn skip_line(&mut self, buffer: &mut BytesMut) -> bool {
        if let Some(at) = memchr(b'\n', buffer) {
            buffer.advance(at + 1);
            self.state = State::Line { scanned: 0 };
            true
        } else {
            buffer.clear();
            false
        }
    }

    fn step(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FramingError> {
        loop {
            match self.state {
                State::Broken => return Ok(None),
                State::Detecting => {
                    if buffer.is_empty() || !self.detect(buffer)? {
                        return Ok(None);
                    }
                }
                State::Headers { scanned } => {
                    if self.take_headers(buffer, scanned)?.is_none() {
                        return Ok(None);
                    }
                }
                State::Body { len } => {
                    if buffer.len() < len {
                        return Ok(None);
                    }
                    self.state = State::Headers { scanned: 0 };
                    return Ok(Some(Frame::Body(buffer.split_to(len).freeze())));
                }
                State::Line { scanned } => match self.take_line(buffer, scanned) {
                    Some(Frame::Body(line)) if line.iter().all(u8::is_ascii_whitespace) => {}
                    Some(frame) => return Ok(Some(frame)),
                    None => return Ok(None),
                },
                State::Skipping => {
                    if !self.skip_line(buffer) {
                        return Ok(None);
                    }
                }
            }
        }
    }
}

impl Decoder for Codec {
    type Item = Frame;
    type Error = FramingError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FramingError> {
        let step = self.step(buffer);
        if step.is_err() {
            // What follows a broken place is noise: it is dropped, so that it can never be taken for a message.
            self.state = State::Broken;
            buffer.clear();
        }
        step
    }

    /// A last line needs no line end; anything else that is incomplete at the end of the stream is dropped.
    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<Frame>, FramingError> {
        if let Some(frame) = self.decode(buffer)? {
            return Ok(Some(frame));
        }
        let rest = std::mem::take(buffer).freeze();
        let is_line = matches!(self.state, State::Line { .. });
        if is_line && !rest.iter().all(u8::is_ascii_whitespace) {
            self.state = State::Broken;
            return Ok(Some(Frame::Body(rest)));
        }
        Ok(None)
    }
}

/// The bytes of a message on its way out, written one after the other.
pub(crate) type Parts<'a> = &'a [&'a [u8]];

impl Encoder<Parts<'_>> for Framing {
    type Error = std::io::Error;

    /// Appends one message. Its parts must hold no line end: JSON that we serialise has none.
    fn encode(&mut self, parts: Parts<'_>, buffer: &mut BytesMut) -> std::io::Result<()> {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        buffer.reserve(len + 32);
        match self {
            Self::Headers => headers::write(len, buffer),
            Self::Frames => buffer.put_u64(len as u64),
            Self::Lines => {}
        }
        for part in parts {
            buffer.extend_from_slice(part);
        }
        if *self == Self::Lines {
            buffer.extend_from_slice(b"\n");
        }
        Ok(())
    }
}
