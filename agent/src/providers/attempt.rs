//! Drives one attempt: sends the body, feeds the stream into a wire's fold, and decides when the answer has ended.
//!
//! Not here: what the chunks mean (a `Fold`), retries (`turn`).
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::time::timeout;

use crate::providers::ProviderStream;
use crate::providers::endpoint::Endpoint;
use crate::providers::error::{ProviderError, ProviderErrorKind};
use crate::providers::event::ProviderEvent;
use crate::providers::sse::EventStream;

/// The most bytes of text, reasoning and arguments together in one answer: sixteen times what the largest output
/// window in use (128,000 tokens of four bytes) holds.
pub(crate) const DELTA_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long to wait for the counts that some servers send after the finish reason, and others never.
const TRAILER_TIMEOUT: Duration = Duration::from_secs(2);

/// How long to wait for the end of the body after the last event: a body read to its end leaves the connection for
/// the next step, which is worth more than this. Servers send both together.
const END_TIMEOUT: Duration = Duration::from_millis(25);

/// Events on their way out.
pub(crate) type Outbox = VecDeque<ProviderEvent>;

/// What may still come after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// More of the answer.
    Open,
    /// The answer is whole; only counts may follow.
    Trailing,
    /// Nothing.
    Ended,
}

/// Understands one wire's events. Pure: no clock, no network.
pub(crate) trait Fold: Send + 'static {
    /// Takes one event: its name, where the wire uses names, and its data.
    fn take(&mut self, name: Option<&str>, data: &str, out: &mut Outbox) -> Result<Progress, ProviderError>;

    /// Ends the answer: yields what was held back and `Finished`, or says what is missing.
    fn finish(&mut self, out: &mut Outbox) -> Result<(), ProviderError>;
}

enum State {
    Waiting(Vec<u8>),
    Reading(EventStream),
    Ended,
}

struct Attempt<F> {
    endpoint: Arc<Endpoint>,
    state: State,
    progress: Progress,
    fold: F,
    out: Outbox,
    delta_bytes: usize,
}

/// Returns the stream of an attempt that sends `body` and understands the answer with `fold`.
pub(crate) fn run(endpoint: Arc<Endpoint>, body: Vec<u8>, fold: impl Fold) -> ProviderStream {
    let state = State::Waiting(body);
    let attempt =
        Attempt { endpoint, state, progress: Progress::Open, fold, out: Outbox::new(), delta_bytes: 0 };
    stream::try_unfold(attempt, |mut attempt| async move {
        let event = attempt.next().await.map_err(|error| attempt.endpoint.redacted(error))?;
        Ok(event.map(|event| (event, attempt)))
    })
    .boxed()
}

/// Returns a stream that only fails.
pub(crate) fn failed(error: ProviderError) -> ProviderStream {
    stream::once(async move { Err(error) }).boxed()
}

impl<F: Fold> Attempt<F> {
    async fn next(&mut self) -> Result<Option<ProviderEvent>, ProviderError> {
        loop {
            if let Some(event) = self.out.pop_front() {
                return self.within_limit(event).map(Some);
            }
            match &mut self.state {
                State::Waiting(body) => {
                    let body = std::mem::take(body);
                    self.state = State::Reading(self.endpoint.open(body).await?);
                    self.out.push_back(ProviderEvent::Opened);
                }
                State::Reading(_) => self.read().await?,
                State::Ended => return Ok(None),
            }
        }
    }

    /// Reads one event, or finds that the answer has ended. Once the answer is whole, nothing that befalls the
    /// connection matters any more.
    async fn read(&mut self) -> Result<(), ProviderError> {
        let State::Reading(events) = &mut self.state else { return Ok(()) };
        let event = match self.progress {
            Progress::Open => events.next().await.transpose()?,
            Progress::Trailing => {
                timeout(TRAILER_TIMEOUT, events.next()).await.ok().flatten().and_then(Result::ok)
            }
            Progress::Ended => {
                let rest = async { while let Some(Ok(_)) = events.next().await {} };
                timeout(END_TIMEOUT, rest).await.unwrap_or_default();
                None
            }
        };
        let Some(event) = event else {
            self.state = State::Ended;
            return self.fold.finish(&mut self.out);
        };
        let Some(data) = event.data else { return Ok(()) };
        match (self.fold.take(event.event.as_deref(), &data, &mut self.out), self.progress) {
            (Ok(progress), _) => self.progress = progress,
            (Err(error), Progress::Open) => return Err(error),
            (Err(_), Progress::Trailing | Progress::Ended) => self.progress = Progress::Ended,
        }
        Ok(())
    }

    fn within_limit(&mut self, event: ProviderEvent) -> Result<ProviderEvent, ProviderError> {
        self.delta_bytes += match &event {
            ProviderEvent::TextDelta(text) | ProviderEvent::ReasoningDelta(text) => text.len(),
            ProviderEvent::CallDelta { bytes } => *bytes,
            ProviderEvent::Opened
            | ProviderEvent::Call { .. }
            | ProviderEvent::Usage(_)
            | ProviderEvent::Finished(_) => 0,
        };
        if self.delta_bytes > DELTA_BYTES_MAX {
            self.state = State::Ended;
            let message = format!("the answer passed the limit of {} MiB", DELTA_BYTES_MAX >> 20);
            return Err(ProviderError::new(ProviderErrorKind::OutputLimit, &message));
        }
        Ok(event)
    }
}
