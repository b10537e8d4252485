//! The conversation as the model has to see it, folded from a session's events. Not here: how a provider is sent it.
//!
//! It is valid at any moment: calls without a settlement are answered as interrupted, answers of failed tries do not appear,
//! and of an interrupted answer only the text stays.
use std::collections::BTreeMap;
use std::sync::Arc;

use tenon_protocol::content::{Content, plain_text};
use tenon_protocol::event::EventBody;
use tenon_protocol::event::message::MessageRole;
use tenon_protocol::event::turn::AttemptOutcome;
use tenon_protocol::ids::CallId;
use tenon_protocol::json::Json;
use tenon_protocol::tool::CallStatus;

mod stored;

/// What the model is told of a call that has no outcome.
pub(crate) const NO_OUTCOME: &str = "The call was interrupted before it gave a result.";

/// A call of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TranscriptCall {
    /// The call.
    pub(crate) id: CallId,
    /// The tool's name, as the model wrote it.
    pub(crate) name: String,
    /// Its arguments; a string where they were no JSON.
    pub(crate) input: Json,
}

/// A call's result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CallResult {
    /// Whether it did what it should.
    pub(crate) ok: bool,
    /// What the model is told.
    pub(crate) content: Arc<[Content]>,
}

/// One entry of the conversation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    /// A person's message. `private` is what the session added for the model, such as the text of mentioned files.
    User { content: Vec<Content>, private: Option<Arc<[u8]>> },
    /// A whole answer: its text, and its calls. `private` is the provider's own form of it.
    Assistant { content: Vec<Content>, calls: Vec<TranscriptCall>, private: Option<Arc<[u8]>> },
}

/// A place between turns to which the conversation can go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    /// The last event before what followed.
    seq: u64,
    /// Which line of the conversation it is on: how many were left before.
    line: usize,
    /// Entries there.
    len: usize,
}

/// The conversation so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transcript {
    entries: Vec<Arc<Entry>>,
    /// Lines of the conversation that were left by going back, oldest first: they can come back.
    left: Vec<Vec<Arc<Entry>>>,
    /// In the order of events.
    marks: Vec<Mark>,
    results: BTreeMap<CallId, CallResult>,
    answer: Vec<Content>,
    answer_calls: Vec<TranscriptCall>,
}

impl Transcript {
    /// Takes in an event, with its private column.
    pub(crate) fn apply(&mut self, body: &EventBody, private: Option<&[u8]>) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a fold takes what it is about; other events leave it alone"
        )]
        match body {
            EventBody::MessageEnded(message) if message.superseded != Some(true) => match message.role {
                MessageRole::User => {
                    let entry =
                        Entry::User { content: message.content.clone(), private: private.map(Arc::from) };
                    self.entries.push(Arc::new(entry));
                }
                MessageRole::Assistant => self.answer.clone_from(&message.content),
                MessageRole::Reasoning | MessageRole::Unheard(_) => {}
            },
            EventBody::AttemptStarted(_) => self.forget_answer(),
            EventBody::ToolProposed(call) => self.answer_calls.push(TranscriptCall {
                id: call.call_id.clone(),
                name: call.name.clone(),
                input: call.input.clone(),
            }),
            EventBody::ToolEnded(call) => {
                let result =
                    CallResult { ok: call.status == CallStatus::Ok, content: call.content.clone().into() };
                self.results.insert(call.call_id.clone(), result);
            }
            EventBody::AttemptEnded(attempt) => self.close_answer(attempt.outcome, private),
            _ => {}
        }
    }

    /// Notes that between this event and the next the conversation stands between turns.
    pub(crate) fn mark(&mut self, seq: u64) {
        self.marks.push(Mark { seq, line: self.left.len(), len: self.entries.len() });
    }

    /// Goes on from where the conversation stood behind an event, which lies between turns.
    pub(crate) fn go_to(&mut self, at: u64) {
        // Between turns nothing is said, so that the next mark is what stood there; behind the last there is the present.
        let Some(mark) = self.marks.iter().find(|mark| mark.seq >= at).copied() else { return };
        let line = self.left.get(mark.line).unwrap_or(&self.entries);
        let entries = line.get(..mark.len).unwrap_or_default().to_vec();
        self.left.push(std::mem::replace(&mut self.entries, entries));
    }

    fn forget_answer(&mut self) {
        self.answer.clear();
        self.answer_calls.clear();
    }

    fn close_answer(&mut self, outcome: AttemptOutcome, private: Option<&[u8]>) {
        let content = std::mem::take(&mut self.answer);
        let calls = std::mem::take(&mut self.answer_calls);
        let entry = match outcome {
            AttemptOutcome::Ok => Entry::Assistant { content, calls, private: private.map(Arc::from) },
            AttemptOutcome::Interrupted if !plain_text(&content).is_empty() => {
                Entry::Assistant { content, calls: Vec::new(), private: None }
            }
            AttemptOutcome::Interrupted | AttemptOutcome::Failed | AttemptOutcome::Unheard(_) => {
                for call in calls {
                    self.results.remove(&call.id);
                }
                return;
            }
        };
        self.entries.push(Arc::new(entry));
    }

    /// Returns this conversation with another behind it, which goes on from it.
    pub(crate) fn followed_by(mut self, later: &Self) -> Self {
        let before = self.entries.clone();
        let behind = |line: &Vec<Arc<Entry>>| before.iter().chain(line).cloned().collect();
        self.left = later.left.iter().map(behind).collect();
        let moved = |mark: &Mark| Mark { len: mark.len + before.len(), ..*mark };
        self.marks = later.marks.iter().map(moved).collect();
        self.entries.extend(later.entries.iter().cloned());
        self.results.extend(later.results.iter().map(|(id, result)| (id.clone(), result.clone())));
        self.answer.clone_from(&later.answer);
        self.answer_calls.clone_from(&later.answer_calls);
        self
    }

    /// Returns the entries, oldest first.
    pub(crate) fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// Returns a call's result; one without outcome counts as interrupted.
    pub(crate) fn result(&self, call: &CallId) -> CallResult {
        self.results
            .get(call)
            .cloned()
            .unwrap_or_else(|| CallResult { ok: false, content: Arc::from([Content::text(NO_OUTCOME)]) })
    }
}

#[cfg(test)]
mod tests;
