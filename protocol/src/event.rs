//! Durable events: facts of a log, with a gap-free sequence number. Not here: ephemeral deltas (`signal`).
//!
//! `EventBody` is the closed set this build writes. Readers use `Envelope`, which takes types it does not know and still
//! has their `text`, one line a person can read.
use serde::{Deserialize, Serialize};

use crate::ids::TurnId;
use crate::json::Json;

pub mod all;
pub mod catalogue;
pub mod change;
pub mod context;
pub mod job;
pub mod message;
pub mod observe;
pub mod prompt;
pub mod session;
pub mod tool;
pub mod turn;

/// An event as it is stored and delivered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Its place: contiguous from 1 within the log.
    pub seq: u64,
    /// The log's epoch.
    pub epoch: u64,
    /// When it was committed: RFC 3339, UTC, milliseconds.
    pub at: String,
    /// The log: a session's id, or `all`.
    pub session: String,
    /// The turn it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// The type and its data.
    #[serde(flatten)]
    pub body: EventBody,
    /// One line for people; control characters stripped.
    pub text: String,
}

/// An event as a reader takes it: any type, known or not. Events of a subscription itself (`observe.*`) have neither seq nor
/// epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Envelope {
    /// Its place in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The log's epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// When it was committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The turn it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its data.
    #[serde(default = "Json::empty")]
    pub data: Json,
    /// One line for people.
    #[serde(default)]
    pub text: String,
    /// Whether it was read from the log rather than as it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<bool>,
}

impl Envelope {
    /// Returns the cursor behind this event, if it has a place.
    pub fn cursor(&self) -> Option<crate::cursor::Cursor> {
        Some(crate::cursor::Cursor { epoch: self.epoch?, seq: self.seq? })
    }

    /// Reads the data as the type of this name; `None` for types this build does not know or data that does not fit.
    pub fn body(&self) -> Option<EventBody> {
        EventBody::read(&self.kind, &self.data.0.to_string()).ok()
    }
}

macro_rules! bodies {
    ($($(#[$doc:meta])* $variant:ident($ty:ty) $name:literal;)*) => {
        /// The type and data of an event.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(tag = "type", content = "data")]
        pub enum EventBody {
            $($(#[$doc])* #[serde(rename = $name)] $variant($ty),)*
        }

        impl EventBody {
            /// Every event type of a log, in order of the specification.
            pub const TYPES: &'static [&'static str] = &[$($name,)*];

            /// Reads the data of an event of this type from JSON.
            ///
            /// There is no `Deserialize`: it would be compiled once for every kind of source, and half a megabyte of a binary
            /// was just that.
            ///
            /// # Errors
            /// The type is not known to this build, or the data does not fit it.
            pub fn read(kind: &str, data: &str) -> Result<Self, serde_json::Error> {
                match kind {
                    $($name => serde_json::from_str(data).map(Self::$variant),)*
                    _ => Err(serde::de::Error::unknown_variant(kind, Self::TYPES)),
                }
            }

            /// Returns the type as it is written on the wire.
            pub const fn type_name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }
        }

        $(impl From<$ty> for EventBody {
            fn from(data: $ty) -> Self {
                Self::$variant(data)
            }
        })*
    };
}

bodies! {
    /// The log begins.
    SessionCreated(session::SessionCreated) "session.created";
    /// Title or settings changed.
    SessionChanged(session::SessionChanged) "session.changed";
    /// The session rests, runs or waits.
    SessionStateChanged(session::SessionStateChanged) "session.state";
    /// Files or conversation went back.
    SessionReverted(session::SessionReverted) "session.reverted";
    /// The session was archived.
    SessionClosed(session::SessionClosed) "session.closed";
    /// What precedes the conversation in the prompt.
    ContextSet(context::ContextSet) "context.set";
    /// The conversation is about to be shortened.
    CompactionStarted(context::CompactionStarted) "compaction.started";
    /// The conversation was shortened.
    CompactionEnded(context::CompactionEnded) "compaction.ended";
    /// Usage so far.
    UsageChanged(context::UsageChanged) "usage.changed";
    /// A message was taken in.
    PromptAdmitted(prompt::PromptAdmitted) "prompt.admitted";
    /// A waiting message was withdrawn, replaced or moved.
    PromptChanged(prompt::PromptChanged) "prompt.changed";
    /// A message reached its turn.
    PromptDelivered(prompt::PromptDelivered) "prompt.delivered";
    /// A turn began.
    TurnStarted(turn::TurnStarted) "turn.started";
    /// A turn ended.
    TurnEnded(turn::TurnEnded) "turn.ended";
    /// A try of a step's provider request is dispatched.
    AttemptStarted(turn::AttemptStarted) "attempt.started";
    /// That try is over.
    AttemptEnded(turn::AttemptEnded) "attempt.ended";
    /// A message begins; deltas follow.
    MessageStarted(message::MessageStarted) "message.started";
    /// A message is whole.
    MessageEnded(message::MessageEnded) "message.ended";
    /// The model wants a call.
    ToolProposed(tool::ToolProposed) "tool.proposed";
    /// A call was allowed and starts.
    ToolStarted(tool::ToolStarted) "tool.started";
    /// A call is settled.
    ToolEnded(tool::ToolEnded) "tool.ended";
    /// A person's command runs; deltas follow.
    JobStarted(job::JobStarted) "job.started";
    /// A job came to the foreground.
    JobChanged(job::JobChanged) "job.changed";
    /// A job ended.
    JobEnded(job::JobEnded) "job.ended";
    /// The steps of the plan or todo list changed.
    PlanChanged(change::PlanChanged) "plan.changed";
    /// A plan is whole, its change staged.
    PlanReady(change::PlanReady) "plan.ready";
    /// Edits are staged.
    ChangeStaged(change::ChangeStaged) "change.staged";
    /// Files are about to be changed.
    ChangeStarted(change::ChangeStarted) "change.started";
    /// Files of the workspace were changed.
    ChangeApplied(change::ChangeApplied) "change.applied";
    /// A person is asked.
    RequestOpened(crate::request::RequestItem) "request.opened";
    /// A request was answered.
    RequestResolved(session::RequestResolved) "request.resolved";
    /// A session appeared.
    SessionAdded(all::SessionListed) "session.added";
    /// A session is gone.
    SessionRemoved(all::SessionRemoved) "session.removed";
    /// A request waits.
    RequestAdded(all::RequestAdded) "request.added";
    /// A request waits no more.
    RequestRemoved(all::RequestRemoved) "request.removed";
    /// A grant was made.
    GrantAdded(all::GrantAdded) "grant.added";
    /// A grant was taken back.
    GrantRemoved(all::GrantRemoved) "grant.removed";
    /// A workspace is trusted.
    WorkspaceAdded(all::WorkspaceAdded) "workspace.added";
    /// A workspace's trust was taken back.
    WorkspaceRemoved(all::WorkspaceRemoved) "workspace.removed";
    /// A configuration was not taken; the last good one stays.
    ConfigRejected(all::ConfigRejected) "config.rejected";
    /// A configuration was taken.
    ConfigChanged(all::ConfigChanged) "config.changed";
    /// A model that can be named came.
    ModelAdded(catalogue::ModelAdded) "model.added";
    /// A model that can be named is another now.
    ModelChanged(catalogue::ModelChanged) "model.changed";
    /// A model that can be named went.
    ModelRemoved(catalogue::ModelRemoved) "model.removed";
    /// A server of models came.
    ProviderAdded(catalogue::ProviderAdded) "provider.added";
    /// A server of models is another now.
    ProviderChanged(catalogue::ProviderChanged) "provider.changed";
    /// A server of models went.
    ProviderRemoved(catalogue::ProviderRemoved) "provider.removed";
    /// A policy that can be named came.
    ProfileAdded(catalogue::ProfileAdded) "profile.added";
    /// A policy that can be named is another now.
    ProfileChanged(catalogue::ProfileChanged) "profile.changed";
    /// A policy that can be named went.
    ProfileRemoved(catalogue::ProfileRemoved) "profile.removed";
    /// A command that a message may begin with came.
    CommandAdded(catalogue::CommandAdded) "command.added";
    /// A command that a message may begin with is another now.
    CommandChanged(catalogue::CommandChanged) "command.changed";
    /// A command that a message may begin with went.
    CommandRemoved(catalogue::CommandRemoved) "command.removed";
    /// A skill that a message may begin with came.
    SkillAdded(catalogue::SkillAdded) "skill.added";
    /// A skill that a message may begin with is another now.
    SkillChanged(catalogue::SkillChanged) "skill.changed";
    /// A skill that a message may begin with went.
    SkillRemoved(catalogue::SkillRemoved) "skill.removed";
    /// A provider needs a key.
    AuthRequired(all::AuthRequired) "auth.required";
    /// A stored key came, changed or went.
    AuthChanged(all::AuthChanged) "auth.changed";
    /// The agent is another one than before.
    AgentChanged(all::AgentChanged) "agent.changed";
    /// The daemon takes no new work.
    AgentDraining(all::AgentDraining) "agent.draining";
    /// Something a person should know.
    Notice(all::Notice) "notice";
}
