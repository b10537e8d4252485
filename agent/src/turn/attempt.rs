//! One try of a step's provider request: from its record to the record of its outcome. Not here: whether there is another.
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt as _, Stream, StreamExt as _};
use serde_json::Value;
use tenon_protocol::content::Content;
use tenon_protocol::event::message::{MessageEnded, MessageRole, MessageStarted};
use tenon_protocol::event::tool::ToolProposed;
use tenon_protocol::event::turn::{AttemptEnded, AttemptOutcome, ProviderFailure};
use tenon_protocol::ids::{CallId, MessageId};
use tenon_protocol::json::Json;
use tenon_protocol::model::Usage;
use tenon_protocol::signal::Delta;
use tokio_util::sync::CancellationToken;

use crate::base::clock::SharedClock;
use crate::base::digest::Digest;
use crate::base::ids;
use crate::catalogue;
use crate::providers::{
    Finish, FinishReason, ModelCall, ProviderError, ProviderErrorKind, ProviderEvent, Usage as TokenUsage,
};
use crate::tools::Registry;
use crate::turn::ports::{Fact, PortClosed, Ports, View};
use crate::turn::record::{self, AnswerRecord};
use crate::turn::{context, failure};

/// Calls that are recorded as one at most: a broken model may send thousands at once.
const UNRECORDED_LEN_MAX: usize = 16;

/// How often the other tasks get their turn before what has not come is taken to be on its way. The end of an answer takes two or
/// three.
const TURNS_GIVEN: usize = 8;

/// Characters of a tool's name that are recorded: those of no tool can be of any length.
const NAME_CHARS_MAX: usize = 200;

/// A call as the model made it.
#[derive(Clone, Debug)]
pub(crate) struct Proposal {
    /// The call.
    pub(crate) id: CallId,
    /// The tool's name.
    pub(crate) name: String,
    /// Its arguments, or why they are none.
    pub(crate) arguments: Result<Value, String>,
}

/// How a try ended; recorded by then, but for a failure's next try, which the caller decides.
#[derive(Debug)]
pub(crate) enum AttemptEnd {
    /// The answer is whole.
    Whole {
        /// Whether the model refused.
        refused: bool,
        /// Whether it was cut by the model's own limit, without a call to go on with.
        cut: bool,
    },
    /// It failed. Nothing of its outcome is recorded yet.
    Failed(ProviderError),
    /// It was cancelled, and what there was of it is recorded.
    Cancelled,
    /// The conversation cannot be read back, so nobody was asked. That is recorded.
    Unreadable(ProviderFailure),
}

/// A message that is still growing.
#[derive(Debug)]
struct Growing {
    id: MessageId,
    role: MessageRole,
    text: String,
}

/// A try on its way.
#[derive(Debug)]
pub(crate) struct Attempt {
    ports: Arc<dyn Ports>,
    registry: Registry,
    view: View,
    growing: Vec<Growing>,
    calls: Vec<(CallId, ModelCall)>,
    /// Complete calls that are not recorded yet: whatever has come by then is recorded as one.
    unrecorded: Vec<(Fact, Proposal)>,
    usage: Option<TokenUsage>,
}

impl Attempt {
    /// Prepares a try that is recorded as begun.
    pub(crate) fn new(ports: Arc<dyn Ports>, registry: Registry, view: View) -> Self {
        Self {
            ports,
            registry,
            view,
            growing: Vec::new(),
            calls: Vec::new(),
            unrecorded: Vec::new(),
            usage: None,
        }
    }

    /// Runs it to its end; `propose` is told each complete call, after it is recorded.
    pub(crate) async fn run(
        &mut self,
        cancel: &CancellationToken,
        mut propose: impl AsyncFnMut(Proposal),
    ) -> Result<AttemptEnd, PortClosed> {
        let request = match context::request(&self.view, &*self.ports).await {
            Ok(request) => request,
            Err(lost) => return self.unreadable(&lost).await,
        };
        let mut stream = self.view.provider.stream(request);
        loop {
            // Calls wait only for what is here already, which nearly always is the end of the answer.
            let here = if self.unrecorded.is_empty() { None } else { at_hand(&mut stream).await };
            let event = match here {
                Some(event) if self.unrecorded.len() < UNRECORDED_LEN_MAX => event,
                Some(event) => {
                    self.record_calls(Vec::new(), &mut propose).await?;
                    event
                }
                None => {
                    self.record_calls(Vec::new(), &mut propose).await?;
                    tokio::select! {
                        biased;
                        // The stream is dropped, which closes the connection; what it had brought is in `growing`.
                        () = cancel.cancelled() => return self.cancelled().await,
                        event = stream.next() => event,
                    }
                }
            };
            match event {
                Some(Ok(ProviderEvent::Opened | ProviderEvent::CallDelta { .. })) => {}
                Some(Ok(ProviderEvent::TextDelta(text))) => {
                    self.record_calls(Vec::new(), &mut propose).await?;
                    self.grow(MessageRole::Assistant, &text).await?;
                }
                Some(Ok(ProviderEvent::ReasoningDelta(text))) => {
                    self.record_calls(Vec::new(), &mut propose).await?;
                    self.grow(MessageRole::Reasoning, &text).await?;
                }
                Some(Ok(ProviderEvent::Usage(usage))) => self.usage = Some(usage),
                Some(Ok(ProviderEvent::Call { call, arguments })) => self.note_call(call, arguments),
                Some(Ok(ProviderEvent::Finished(finish))) => {
                    return self.finished(finish, &mut propose).await;
                }
                Some(Err(error)) => return Ok(AttemptEnd::Failed(error)),
                None => {
                    let message = "the stream ended without saying that the answer is complete";
                    return Ok(AttemptEnd::Failed(ProviderError::new(ProviderErrorKind::Cut, message)));
                }
            }
        }
    }

    async fn grow(&mut self, role: MessageRole, text: &str) -> Result<(), PortClosed> {
        if text.is_empty() {
            return Ok(());
        }
        if !self.growing.iter().any(|message| message.role == role) {
            let id: MessageId = ids::new(self.ports.entropy());
            self.ports.commit(vec![Fact::new(MessageStarted { message_id: id.clone(), role })]).await?;
            self.growing.push(Growing { id, role, text: String::new() });
        }
        let Some(message) = self.growing.iter_mut().find(|message| message.role == role) else {
            return Ok(());
        };
        let from = u64::try_from(message.text.len()).unwrap_or(u64::MAX);
        self.ports.signal(Delta {
            d: message.id.to_string(),
            from,
            t: text.to_owned(),
            files: None,
            more: None,
        });
        message.text.push_str(text);
        Ok(())
    }

    fn note_call(&mut self, call: ModelCall, arguments: Result<Value, String>) {
        let id = self.ports.new_call();
        let name: String = call.name.chars().take(NAME_CHARS_MAX).collect();
        let input = arguments.as_ref().map_or_else(|_| Value::String(call.arguments.clone()), Clone::clone);
        let title =
            self.registry.get(&call.name).map_or_else(|| call.name.clone(), |tool| tool.title(&input));
        let digest = Digest::of(format!("{}\n{}", call.name, call.arguments).as_bytes());
        let fact = Fact::new(ToolProposed {
            call_id: id.clone(),
            name: name.clone(),
            kind: self.registry.kind(&call.name),
            title,
            input: Json(input),
            digest: digest.to_string(),
            reference: None,
        });
        self.unrecorded.push((fact, Proposal { id: id.clone(), name, arguments }));
        self.calls.push((id, call));
    }

    /// Records the calls that wait for it, and `more` with them; then tells of them.
    async fn record_calls(
        &mut self,
        more: Vec<Fact>,
        propose: &mut impl AsyncFnMut(Proposal),
    ) -> Result<(), PortClosed> {
        let (mut facts, proposals): (Vec<Fact>, Vec<Proposal>) = self.unrecorded.drain(..).unzip();
        facts.extend(more);
        if facts.is_empty() {
            return Ok(());
        }
        self.ports.commit(facts).await?;
        for proposal in proposals {
            propose(proposal).await;
        }
        Ok(())
    }

    async fn finished(
        &mut self,
        finish: Finish,
        propose: &mut impl AsyncFnMut(Proposal),
    ) -> Result<AttemptEnd, PortClosed> {
        let usage = self.priced(&finish.usage);
        let mut facts = self.close_messages(false);
        let answer = AnswerRecord { calls: std::mem::take(&mut self.calls), verbatim: finish.verbatim };
        let cut = finish.reason == FinishReason::Length && answer.calls.is_empty();
        let refused = matches!(finish.reason, FinishReason::Refused | FinishReason::ContentFilter);
        let mut ended = attempt_ended(AttemptOutcome::Ok);
        ended.usage = Some(usage);
        ended.finish = Some(finish_name(&finish.reason).to_owned());
        facts.push(Fact { body: ended.into(), private: record::encode(&answer) });
        self.record_calls(facts, propose).await?;
        Ok(AttemptEnd::Whole { refused, cut })
    }

    /// Records what a cancelled try had brought.
    async fn cancelled(&mut self) -> Result<AttemptEnd, PortClosed> {
        let mut facts = self.close_messages(false);
        let mut ended = attempt_ended(AttemptOutcome::Interrupted);
        ended.usage = self.usage.map(|usage| self.priced(&usage));
        facts.push(Fact::new(ended));
        self.ports.commit(facts).await?;
        Ok(AttemptEnd::Cancelled)
    }

    /// Records that nobody could be asked.
    async fn unreadable(&mut self, lost: &context::Unreadable) -> Result<AttemptEnd, PortClosed> {
        tracing::error!(session = %self.ports.session(), %lost, "a turn cannot go on");
        let failure = ProviderFailure {
            kind: "internal".to_owned(),
            message: lost.to_string(),
            status: None,
            hint: Some("fork the session before that place: `tenon run --fork SESSION@SEQ`".to_owned()),
        };
        let mut ended = attempt_ended(AttemptOutcome::Failed);
        ended.error = Some(failure.clone());
        self.ports.commit(vec![Fact::new(ended)]).await?;
        Ok(AttemptEnd::Unreadable(failure))
    }

    /// Records a failed try and withdraws its text; `wait` is how long until the next one.
    pub(crate) async fn failed(
        &mut self,
        error: &ProviderError,
        wait: Option<Duration>,
        clock: &SharedClock,
    ) -> Result<ProviderFailure, PortClosed> {
        let described = failure::describe(error, &self.view.provider_name);
        let mut facts = self.close_messages(true);
        let mut ended = attempt_ended(AttemptOutcome::Failed);
        ended.error = Some(described.clone());
        ended.retry_at = wait.map(|wait| clock.now().plus(wait).to_rfc3339());
        ended.usage = self.usage.map(|usage| self.priced(&usage));
        facts.push(Fact::new(ended));
        self.ports.commit(facts).await?;
        Ok(described)
    }

    fn close_messages(&mut self, withdrawn: bool) -> Vec<Fact> {
        let close = |message: Growing| {
            let content = if withdrawn { Vec::new() } else { vec![Content::text(message.text)] };
            let superseded = withdrawn.then_some(true);
            Fact::new(MessageEnded {
                message_id: message.id,
                role: message.role,
                content,
                by: None,
                superseded,
            })
        };
        self.growing.drain(..).map(close).collect()
    }

    fn priced(&self, usage: &TokenUsage) -> Usage {
        Usage {
            input_tokens: usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens,
            output_tokens: usage.output_tokens,
            cache_read_tokens: usage.cache_read_tokens,
            cache_write_tokens: usage.cache_write_tokens,
            estimated: usage.estimated,
            cost: catalogue::cost_usd(
                &self.view.provider_name,
                &self.view.model,
                catalogue::Counts {
                    input: usage.input_tokens,
                    output: usage.output_tokens,
                    cache_read: usage.cache_read_tokens,
                    cache_write: usage.cache_write_tokens,
                },
            ),
        }
    }
}

/// Returns what comes next, if it is here already. What came in one piece from the network is handed on piece by piece by the task
/// that reads the connection, so that is given its turn; nothing is waited for.
async fn at_hand<T>(stream: &mut (impl Stream<Item = T> + Unpin)) -> Option<Option<T>> {
    for _ in 0..TURNS_GIVEN {
        if let Some(event) = stream.next().now_or_never() {
            return Some(event);
        }
        tokio::task::yield_now().await;
    }
    None
}

fn attempt_ended(outcome: AttemptOutcome) -> AttemptEnded {
    AttemptEnded { outcome, error: None, retry_at: None, usage: None, finish: None }
}

fn finish_name(reason: &FinishReason) -> &str {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::ToolCalls => "toolCalls",
        FinishReason::Length => "length",
        FinishReason::Refused => "refused",
        FinishReason::ContentFilter => "contentFilter",
        FinishReason::Other(name) => name,
    }
}
