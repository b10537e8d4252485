//! Server-sent events out of a response body, bounded in time and size.
//!
//! Parsing is `sse-stream`'s; what it does not do stands here: limits on the silence between two chunks, on the bytes
//! of one event and on those of the whole body. Keep-alive comments count as signs of life.
//! Not here: what an event means (`chat`, `anthropic`).
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use sse_stream::{Error as SseError, Sse, SseByteStream};
use tokio::time::{Instant, timeout_at};

use crate::config::provider::ProviderConfig;
use crate::providers::endpoint::{root_cause, stalled};
use crate::providers::error::{ProviderError, ProviderErrorKind};

/// The most bytes of one event. Servers send whole files as one argument delta, so a megabyte is ordinary.
pub(crate) const EVENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The most bytes of a body: a delta of four bytes comes in a frame of some 300, and the deltas have a limit of their
/// own (`attempt::DELTA_BYTES_MAX`). A body is never held, so this only ends what would never end by itself.
pub(crate) const BODY_BYTES_MAX: usize = 512 * 1024 * 1024;

/// How long to wait for what. There is no limit on a whole answer: a good one may take an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patience {
    /// From sending the request to the first byte of the answer's body.
    pub(crate) first_byte: Duration,
    /// Between two chunks of the body.
    pub(crate) between_chunks: Duration,
}

impl Patience {
    /// Returns what is configured.
    pub(crate) fn of(config: &ProviderConfig) -> Self {
        Self {
            first_byte: Duration::from_secs(config.timeouts.first_byte_s),
            between_chunks: Duration::from_secs(config.timeouts.chunk_s),
        }
    }
}

/// The events of a body. Ends when the body ends; after an error nothing follows.
pub(crate) type EventStream = BoxStream<'static, Result<Sse, ProviderError>>;

/// Decodes `body`. The first chunk must come before `first`, each further one within `patience.between_chunks`.
pub(crate) fn events(
    body: BoxStream<'static, reqwest::Result<Bytes>>,
    first: Instant,
    patience: Patience,
) -> EventStream {
    let guard = Guard { body, deadline: first, limit: patience.first_byte, patience, size: Size::default() };
    let chunks = stream::try_unfold(guard, |mut guard| async move {
        let chunk = guard.next().await?;
        Ok::<_, ProviderError>(chunk.map(|chunk| (chunk, guard)))
    });
    SseByteStream::new(chunks.boxed()).map(|event| event.map_err(|error| broken(&error))).boxed()
}

struct Guard {
    body: BoxStream<'static, reqwest::Result<Bytes>>,
    deadline: Instant,
    /// What the deadline was made of, for the message.
    limit: Duration,
    patience: Patience,
    size: Size,
}

impl Guard {
    async fn next(&mut self) -> Result<Option<Bytes>, ProviderError> {
        let chunk = match timeout_at(self.deadline, self.body.next()).await {
            Ok(Some(Ok(chunk))) => chunk,
            Ok(Some(Err(error))) => {
                let message = format!("the connection broke in mid-answer: {}", root_cause(&error));
                return Err(ProviderError::new(ProviderErrorKind::Cut, &message));
            }
            Ok(None) => return Ok(None),
            Err(_) => return Err(stalled(self.limit)),
        };
        self.limit = self.patience.between_chunks;
        self.deadline = Instant::now() + self.limit;
        if !self.size.admits(&chunk) {
            return Err(ProviderError::new(
                ProviderErrorKind::OutputLimit,
                "the answer is larger than an answer may be",
            ));
        }
        Ok(Some(chunk))
    }
}

/// Counts the bytes of the body, and those since the last event ended.
#[derive(Debug, Default)]
struct Size {
    body: usize,
    event: usize,
    line: usize,
}

impl Size {
    fn admits(&mut self, chunk: &[u8]) -> bool {
        self.body += chunk.len();
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', chunk) {
            self.take(&chunk[start..end]);
            if self.event > EVENT_BYTES_MAX {
                return false;
            }
            if self.line == 0 {
                self.event = 0;
            }
            self.line = 0;
            start = end + 1;
        }
        self.take(&chunk[start..]);
        self.event <= EVENT_BYTES_MAX && self.body <= BODY_BYTES_MAX
    }

    /// Adds a piece of a line; a carriage return alone does not fill one.
    fn take(&mut self, piece: &[u8]) {
        self.event += piece.len();
        self.line += if piece == b"\r" { 0 } else { piece.len() };
    }
}

/// Unwraps what the guard said; everything else is the parser's.
fn broken(error: &SseError) -> ProviderError {
    if let SseError::Body(inner) = error
        && let Some(error) = inner.downcast_ref::<ProviderError>()
    {
        return error.clone();
    }
    ProviderError::new(ProviderErrorKind::Cut, &format!("the server sent a malformed stream: {error}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn decode(chunks: Vec<Bytes>) -> Result<Vec<String>, ProviderError> {
        let body = stream::iter(chunks.into_iter().map(Ok)).boxed();
        let minute = Duration::from_mins(1);
        let patience = Patience { first_byte: minute, between_chunks: minute };
        let mut events = events(body, Instant::now() + minute, patience);
        let mut out = Vec::new();
        while let Some(event) = events.next().await {
            out.extend(event?.data);
        }
        Ok(out)
    }

    fn run(chunks: Vec<Bytes>) -> Result<Vec<String>, ProviderError> {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(decode(chunks))
    }

    #[test]
    fn comments_crlf_and_several_lines_are_understood() {
        let text = ":\n\n: keep-alive\r\n\r\ndata: a\r\n\r\nevent: x\ndata:b\ndata: c\n\ndata: unfinished";
        assert_eq!(run(vec![Bytes::from(text)]).unwrap(), ["a", "b\nc"]);
    }

    #[test]
    fn a_line_of_a_megabyte_passes_and_an_endless_one_does_not() {
        let line = "x".repeat(1024 * 1024);
        assert_eq!(run(vec![Bytes::from(format!("data: {line}\n\n"))]).unwrap(), [line.as_str()]);
        let endless = vec![Bytes::from(format!("data: {line}")); 9];
        assert_eq!(run(endless).unwrap_err().kind, ProviderErrorKind::OutputLimit);
        // Many events of that size are fine: each has the limit for itself.
        let many = vec![Bytes::from(format!("data: {line}\n\n")); 9];
        assert_eq!(run(many).unwrap().len(), 9);
    }

    #[test]
    fn broken_text_is_a_cut() {
        let bytes = Bytes::from_static(b"data: \xff\xfe\n\n");
        assert_eq!(run(vec![bytes]).unwrap_err().kind, ProviderErrorKind::Cut);
    }

    proptest! {
        #[test]
        fn where_the_network_cuts_does_not_matter(texts in prop::collection::vec("[a-z é😀]{1,12}", 1..6), size in 1_usize..9) {
            let whole: String = texts.iter().flat_map(|text| ["data: ", text, "\n\n"]).collect();
            let chunks = whole.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
            prop_assert_eq!(run(chunks).unwrap(), texts);
        }
    }
}
