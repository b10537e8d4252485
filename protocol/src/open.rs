//! `agent/open` and `agent/close`.
use std::collections::BTreeMap;

use crate::cursor::Cursor;
use crate::ids::SessionId;
use crate::session::{SessionItem, Settings, Snapshot};

wire! {
    /// Where a fork begins.
    struct ForkFrom {
        /// The parent.
        session_id: SessionId,
    }
    optional {
        /// A seq in its log at which no turn is under way; the last one if absent.
        at: u64,
    }
}

wire! {
    /// Opens a new session, attaches to one, or forks one.
    #[derive(Default)]
    struct OpenParams {}
    optional {
        /// `file://` URI or absolute path; must match where `sessionId` is given.
        workspace: String,
        /// The session to attach to; absent for a new one.
        session_id: SessionId,
        /// The session to fork.
        from: ForkFrom,
        /// What it works with.
        #[serde(deserialize_with = "crate::word::known")]
        settings: Settings,
        /// What it is about.
        title: String,
        /// More variables for its children, filtered like `$/environment`.
        environment: BTreeMap<String, String>,
        /// Whether nothing of it is kept: it is deleted when it is closed, and when the last client that opened or
        /// observes it is gone. Only for a new session.
        ephemeral: bool,
    }
}

wire! {
    /// The session, its picture, and where to observe from.
    struct OpenResult {
        /// The session.
        session: SessionItem,
        /// Its picture.
        snapshot: Snapshot,
        /// The picture's place: observe after it.
        cursor: Cursor,
    }
}

words! {
    /// How to part with a session.
    open enum CloseHow {
        /// Only this connection's subscriptions to it end.
        Detach = "detach",
        /// It takes no more work; its log stays.
        Archive = "archive",
        /// Its log goes.
        Delete = "delete",
    }
}

wire! {
    /// Parts with a session.
    struct CloseParams {
        /// The session.
        session_id: SessionId,
        /// How.
        #[serde(deserialize_with = "crate::word::known")]
        how: CloseHow,
    }
}

wire! {
    /// Where the log of the session ends now.
    struct SeqResult {
        /// The seq of the event that recorded it.
        seq: u64,
    }
}
