//! The running turn, folded from its events: enough to go on after a restart. Not here: going on (`session`).
use tenon_protocol::event::EventBody;
use tenon_protocol::event::change::ChangeStarted;
use tenon_protocol::event::message::MessageRole;
use tenon_protocol::event::turn::AttemptOutcome;
use tenon_protocol::ids::{CallId, MessageId, TurnId};
use tenon_protocol::json::Json;
use tenon_protocol::model::Usage;
use tenon_protocol::tool::{DeniedBy, EffectClass, PathIntent};

/// How far a call got.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CallPhase {
    /// Nothing ran.
    Proposed,
    /// Its effect may have happened.
    Started {
        /// What it may have done.
        effect: EffectClass,
        /// What it was to write.
        intent: Vec<PathIntent>,
    },
    /// It is settled.
    Settled,
}

/// A call of the present step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OpenCall {
    /// The call.
    pub(crate) id: CallId,
    /// The tool's name, as the model wrote it.
    pub(crate) name: String,
    /// Its arguments.
    pub(crate) input: Json,
    /// Where all of them are, if those were shortened.
    pub(crate) reference: Option<String>,
    /// How far it got.
    pub(crate) phase: CallPhase,
    /// The change that it began.
    pub(crate) begun: Option<ChangeStarted>,
}

/// A turn that has not ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OpenTurn {
    /// The turn.
    pub(crate) id: TurnId,
    /// `provider/model`.
    pub(crate) model: String,
    /// When it began.
    pub(crate) started_at: String,
    /// The present step, from 1; 0 before the first.
    pub(crate) step: u32,
    /// Tries of the present step.
    pub(crate) attempt: u32,
    /// Whether the present try has not ended.
    pub(crate) attempt_open: bool,
    /// Whether the present step's answer is whole.
    pub(crate) whole: bool,
    /// A message of the present try that has not ended.
    pub(crate) open_message: Option<(MessageId, MessageRole)>,
    /// Calls of the present step, in order.
    pub(crate) calls: Vec<OpenCall>,
    /// What the turn used so far.
    pub(crate) usage: Usage,
    /// The newest whole answer.
    pub(crate) answer: Option<MessageId>,
    /// Calls that were denied.
    pub(crate) denied: u64,
    /// Steps a person allowed beyond the limit.
    pub(crate) steps_more: u32,
}

impl OpenTurn {
    /// Makes a turn that just began.
    pub(crate) fn new(id: TurnId, model: String, started_at: String) -> Self {
        Self {
            id,
            model,
            started_at,
            step: 0,
            attempt: 0,
            attempt_open: false,
            whole: false,
            open_message: None,
            calls: Vec::new(),
            usage: Usage::default(),
            answer: None,
            denied: 0,
            steps_more: 0,
        }
    }

    /// Takes in an event of this turn.
    pub(crate) fn apply(&mut self, body: &EventBody) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a fold takes what it is about; other events leave it alone"
        )]
        match body {
            EventBody::AttemptStarted(attempt) => {
                self.step = attempt.step;
                self.attempt = attempt.n;
                self.attempt_open = true;
                self.whole = false;
                self.calls.clear();
            }
            EventBody::AttemptEnded(attempt) => {
                self.attempt_open = false;
                self.whole = attempt.outcome == AttemptOutcome::Ok;
                self.open_message = None;
                if let Some(usage) = &attempt.usage {
                    self.usage.add(usage);
                }
            }
            EventBody::MessageStarted(message) => {
                self.open_message = Some((message.message_id.clone(), message.role));
            }
            EventBody::MessageEnded(message) => {
                self.open_message = None;
                if message.role == MessageRole::Assistant && message.superseded != Some(true) {
                    self.answer = Some(message.message_id.clone());
                }
            }
            EventBody::ToolProposed(call) => self.calls.push(OpenCall {
                id: call.call_id.clone(),
                name: call.name.clone(),
                input: call.input.clone(),
                reference: call.reference.clone(),
                phase: CallPhase::Proposed,
                begun: None,
            }),
            EventBody::ChangeStarted(change) => {
                let call = self.calls.iter_mut().find(|call| Some(&call.id) == change.call_id.as_ref());
                if let Some(call) = call {
                    call.begun = Some(change.clone());
                }
            }
            EventBody::ToolStarted(call) => {
                self.set_phase(
                    &call.call_id,
                    CallPhase::Started { effect: call.effect, intent: call.intent.clone() },
                );
            }
            EventBody::ToolEnded(call) => {
                let unheard = matches!(call.denied_by, Some(DeniedBy::Untrusted | DeniedBy::Nobody));
                self.denied += u64::from(unheard);
                self.set_phase(&call.call_id, CallPhase::Settled);
            }
            _ => {}
        }
    }

    /// Tells whether a call that runs is a command: what that wrote, the model has not seen.
    pub(crate) fn is_command(&self, id: &CallId) -> bool {
        let is_it = |call: &OpenCall| {
            call.id == *id && matches!(call.phase, CallPhase::Started { effect: EffectClass::Command, .. })
        };
        self.calls.iter().any(is_it)
    }

    fn set_phase(&mut self, id: &CallId, phase: CallPhase) {
        if let Some(call) = self.calls.iter_mut().find(|call| call.id == *id) {
            call.phase = phase;
        }
    }
}
