//! Which log. Not here: a place in it (`tenon_protocol::cursor`).
use std::fmt;

use tenon_protocol::ids::SessionId;

/// The name of the machine's log, on the wire and in the database.
const ALL: &str = "all";

/// A log: a session's, or the machine's own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum LogId {
    /// The log of a session.
    Session(SessionId),
    /// The machine's log: sessions, requests, grants, notices.
    All,
}

impl LogId {
    /// Takes the id as it stands on the wire; anything but `all` names a session, known or not.
    pub(crate) fn from_wire(text: &str) -> Self {
        if text == ALL { Self::All } else { Self::Session(SessionId::from(text)) }
    }

    /// Returns the id as it stands on the wire.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Session(id) => id.as_str(),
            Self::All => ALL,
        }
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<SessionId> for LogId {
    fn from(id: SessionId) -> Self {
        Self::Session(id)
    }
}
