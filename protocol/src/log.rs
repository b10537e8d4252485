//! `agent/observe`, `agent/unobserve` and `agent/log`.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cursor::Cursor;
use crate::ids::SessionId;
use crate::json::Json;

/// Where a subscription begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Behind a cursor.
    Cursor(Cursor),
    /// At the first event that is kept.
    Start,
    /// Behind the present head.
    Now,
}

impl Serialize for After {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Cursor(cursor) => cursor.serialize(serializer),
            Self::Start => serializer.serialize_str("start"),
            Self::Now => serializer.serialize_str("now"),
        }
    }
}

impl<'de> Deserialize<'de> for After {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "start" => Ok(Self::Start),
            "now" => Ok(Self::Now),
            _ => text.parse().map(Self::Cursor).map_err(serde::de::Error::custom),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for After {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "After".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^(start|now|[0-9]+\\.[0-9]+)$"})
    }
}

wire! {
    /// Subscribes to a log. The result is the subscription's id, a string; nothing of it precedes that answer.
    struct ObserveParams {
        /// The session, or `all` for the machine's log.
        session_id: String,
        /// Where to begin.
        after: After,
    }
    optional {
        /// Only events of these types; a trailing `*` matches any ending. Places are told by `observe.cursor`.
        types: Vec<String>,
        /// Whether deltas are wanted; by default if the handshake had `events.delta`.
        delta: bool,
        /// Whether events of the session's descendants are wanted too: those of their sessions, requests and turns.
        tree: bool,
        /// With `tree`: the places in descendants' logs up to which everything was seen. Of one that is not named all is told,
        /// or with `after: "now"` only what happens from now on.
        descendants: BTreeMap<SessionId, Cursor>,
    }
}

wire! {
    /// Reads a page of a log.
    struct LogParams {
        /// The session, or `all`.
        session_id: String,
    }
    optional {
        /// Events behind this cursor, oldest first.
        after: Cursor,
        /// Events before this cursor, oldest first, the newest of them.
        before: Cursor,
        /// At most so many, 1 to 1,000.
        limit: u64,
        /// Only events of these types.
        types: Vec<String>,
    }
}

wire! {
    /// A page: at most 1,000 events or 1 MiB.
    struct LogResult {
        /// The events.
        events: Vec<Json>,
        /// The first place that is kept.
        first: Cursor,
        /// The end of the log.
        head: Cursor,
    }
    optional {
        /// Where to go on, in the direction that was asked.
        next: Cursor,
    }
}
