//! What is handed to the journal, and the proof that it was committed. Not here: how it is written (`writer`).
use std::ops::Deref;

use tenon_protocol::event::EventBody;
use tenon_protocol::ids::TurnId;

use crate::journal::log_id::LogId;

/// An event before it has a place: the journal adds seq, epoch and time.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// The turn it belongs to.
    pub(crate) turn: Option<TurnId>,
    /// Type and data.
    pub(crate) body: EventBody,
    /// One line for people; the journal turns control characters into spaces.
    pub(crate) text: String,
    /// A provider's blocks as they came, for the next request. Never on the wire.
    pub(crate) private: Option<Vec<u8>>,
}

impl Draft {
    /// Makes a draft that belongs to no turn and has no private part.
    pub(crate) fn new(body: impl Into<EventBody>, text: impl Into<String>) -> Self {
        Self { turn: None, body: body.into(), text: text.into(), private: None }
    }
}

/// What is committed together or not at all.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// The log that `drafts` go to.
    pub(crate) log: LogId,
    /// Whether the log begins with this batch. It must not exist then, and must exist otherwise.
    pub(crate) create: bool,
    /// Events of the log, in order.
    pub(crate) drafts: Vec<Draft>,
    /// Events of the machine's log, in order.
    pub(crate) machine: Vec<Draft>,
    /// List items to put or remove. An item moves to the front of its list only together with an event of the machine's
    /// log, so that whoever reads the list page by page and that log beside it misses none.
    pub(crate) items: Vec<ItemWrite>,
}

impl Batch {
    /// Makes a batch of events for an existing log and nothing else.
    pub(crate) fn of(log: LogId, drafts: Vec<Draft>) -> Self {
        Self { log, create: false, drafts, machine: Vec::new(), items: Vec::new() }
    }
}

/// Kinds of list items. The number is the database's and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ItemKind {
    /// Sessions.
    Session = 1,
    /// Open requests.
    Request = 2,
    /// Standing decisions.
    Grant = 3,
    /// Trusted workspaces.
    Workspace = 4,
    /// Requests that were answered, with their answers: whoever answers second is told who was first.
    Answered = 5,
    /// Sessions of which nothing is kept.
    Ephemeral = 6,
    /// Jobs that run.
    Job = 7,
    /// Sessions whose item the machine's log was not told yet; what it says is the session's item itself.
    Untold = 8,
    /// The agent that ran last: one entry.
    Agent = 9,
}

/// Puts or removes a list item.
#[derive(Clone, Debug)]
pub(crate) struct ItemWrite {
    /// What it is.
    pub(crate) kind: ItemKind,
    /// Its id, unique within the kind.
    pub(crate) id: String,
    /// What it is found by besides: a workspace's URI, or a session's id.
    pub(crate) group: String,
    /// The item; `None` removes it.
    pub(crate) json: Option<String>,
}

/// Something that is on disk. Only the journal makes one, so whoever asks for a `Committed` cannot be given less.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Committed<T>(T);

impl<T> Committed<T> {
    /// Says that `value` is on disk.
    pub(in crate::journal) const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for Committed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
