//! The ports a turn acts through; `session` implements them and is the only one that appends. Not here: any implementation.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tenon_protocol::apply::Selected;
use tenon_protocol::event::EventBody;
use tenon_protocol::event::turn::{ProviderFailure, Stop};
use tenon_protocol::ids::{CallId, SessionId, TurnId};
use tenon_protocol::request::{RequestItem, Scope};
use tenon_protocol::signal::Delta;

use crate::approvals::Policy;
use crate::projections::transcript::Transcript;
use crate::providers::{Provider, ToolSpec};
use crate::tools::{Boxed, ToolContext};

/// Something that happened and has to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fact {
    /// The event.
    pub(crate) body: EventBody,
    /// Its private column.
    pub(crate) private: Option<Vec<u8>>,
}

impl Fact {
    /// Makes a fact without a private column.
    pub(crate) fn new(body: impl Into<EventBody>) -> Self {
        Self { body: body.into(), private: None }
    }
}

/// The session is gone, or its log cannot be written: the turn stops where it stands, and the next start takes it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session takes no more facts")]
pub(crate) struct PortClosed;

/// What a step's request is made of.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// The conversation.
    pub(crate) transcript: Arc<Transcript>,
    /// What precedes it.
    pub(crate) prefix: Arc<Prefix>,
    /// Who is asked.
    pub(crate) provider: Arc<dyn Provider>,
    /// The provider's name in the configuration.
    pub(crate) provider_name: String,
    /// The provider's own name of the model.
    pub(crate) model: String,
}

/// What precedes the conversation in every request of a session: byte for byte the same.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Prefix {
    /// The parts of the system prompt.
    pub(crate) system: Vec<String>,
    /// The tools.
    pub(crate) tools: Vec<ToolSpec>,
}

/// What a call is decided with and run in.
#[derive(Clone, Debug)]
pub(crate) struct CallView {
    /// The tools' world.
    pub(crate) tools: ToolContext,
    /// What is allowed.
    pub(crate) policy: Arc<Policy>,
    /// Whether a client that can show a person a request is connected.
    pub(crate) attended: bool,
    /// Whether what an interrupted command wrote is dropped.
    pub(crate) drops: bool,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The decision's word.
    pub(crate) decision: String,
    /// How far it reaches.
    pub(crate) scope: Scope,
    /// The reason that was given.
    pub(crate) note: Option<String>,
    /// The hunks that were allowed, where not all of the edit was.
    pub(crate) select: Option<Vec<Selected>>,
}

impl Answer {
    /// Makes an answer that is a decision alone, for this time.
    pub(crate) fn plain(decision: impl Into<String>) -> Self {
        Self { decision: decision.into(), scope: Scope::Once, note: None, select: None }
    }
}

/// What became of the wish to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The turn is over; nothing of it may be committed any more.
    Over,
    /// A message joined in the meantime: the turn goes on.
    SteersPending,
}

/// How a turn ends; usage, answer and counts come from the log.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TurnEnd {
    /// Why.
    pub(crate) stop: Stop,
    /// What went wrong.
    pub(crate) error: Option<ProviderFailure>,
    /// Which limit was reached.
    pub(crate) limit: Option<String>,
}

/// Records facts.
pub(crate) trait Commit: fmt::Debug + Send + Sync {
    /// Commits facts of this turn as one; they are visible to everyone when this returns. A settlement of a call that is
    /// settled already is left out.
    fn commit(&self, facts: Vec<Fact>) -> Boxed<'_, Result<(), PortClosed>>;
    /// Takes in steers, records that a try begins, and returns what its request is made of.
    fn begin_attempt(&self, step: u32, attempt: u32) -> Boxed<'_, Result<View, BeginFailure>>;
    /// Ends the turn, unless a steer wants to join one that is done.
    fn end(&self, end: TurnEnd) -> Boxed<'_, Result<Ended, PortClosed>>;
    /// Shows text that is still growing; never waits.
    fn signal(&self, delta: Delta);
    /// Returns how many are shown such text.
    fn watchers(&self) -> usize;
}

/// Why a try cannot begin.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum BeginFailure {
    /// The session is gone.
    #[error(transparent)]
    Closed(#[from] PortClosed),
    /// There is no key for the provider: a person has to bring one.
    #[error("no key for {provider}")]
    Login {
        /// The provider.
        provider: String,
        /// How to bring one.
        how: String,
    },
    /// The model cannot be spoken to as it is configured.
    #[error("{0}")]
    Unusable(String),
    /// A limit of the turn is reached: `costUsd`.
    #[error("the limit {0} is reached")]
    Limit(&'static str),
}

/// Asks a person.
pub(crate) trait Ask: fmt::Debug + Send + Sync {
    /// Opens a request and waits for its answer, for as long as it takes, restarts included. A request that is open
    /// already for the same call and digest is taken up instead, and one that was answered gives its answer.
    fn ask(&self, request: RequestItem) -> Boxed<'_, Result<Answer, PortClosed>>;
    /// Returns what a call is decided with and run in, as of now.
    fn call_view(&self) -> Boxed<'_, Result<CallView, PortClosed>>;
    /// Returns how long the turn has waited for people so far.
    fn waited(&self) -> Boxed<'_, Result<Duration, PortClosed>>;
}

/// Reads large contents back.
pub(crate) trait Contents: fmt::Debug + Send + Sync {
    /// Returns the content that the log names by this reference, or why it cannot be had.
    fn content(&self, reference: String) -> Boxed<'_, Result<Vec<u8>, String>>;
}

/// Everything a turn needs of its session.
pub(crate) trait Ports: Commit + Ask + Contents {
    /// Returns the session.
    fn session(&self) -> &SessionId;
    /// Returns the turn.
    fn turn(&self) -> &TurnId;
    /// Returns a new id for a call.
    fn new_call(&self) -> CallId;
    /// Returns new ids of any other kind.
    fn entropy(&self) -> &dyn crate::base::ids::Entropy;
}
