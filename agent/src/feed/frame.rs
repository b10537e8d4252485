//! What a subscription delivers: the `result` of an `agent/event`. Not here: the notification around it.
use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use tenon_protocol::cursor::Cursor;
use tenon_protocol::event::observe::{ObserveClosed, ObserveCursor, ObserveLive, ObserveOpened};
use tenon_protocol::ids::SessionId;
use tenon_protocol::signal::Delta;

use crate::journal::{Ends, Stored};

/// One delivery.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Frame {
    /// A durable event's JSON, marked if it was read as history.
    Event(Bytes),
    /// The JSON of an `observe.*` event of the subscription itself.
    Local(Bytes),
    /// Text of an item that is still growing; may be left out.
    Delta(Delta),
}

impl Frame {
    /// Returns the JSON object that goes out.
    pub(crate) fn into_json(self) -> Bytes {
        match self {
            Self::Event(bytes) | Self::Local(bytes) => bytes,
            // A delta has three plain members; serialising it cannot fail.
            Self::Delta(delta) => serde_json::to_vec(&delta).unwrap_or_default().into(),
        }
    }
}

/// Returns an event as it happens.
pub(in crate::feed) fn live(event: &Stored) -> Frame {
    Frame::Event(event.bytes().clone())
}

/// Returns an event with the mark of history, put into its serialised form.
pub(in crate::feed) fn replayed(event: &Stored) -> Frame {
    const MARK: &[u8] = b",\"replay\":true}";
    let open = event.bytes().strip_suffix(b"}").unwrap_or(event.bytes());
    let mut bytes = BytesMut::with_capacity(open.len() + MARK.len());
    bytes.put_slice(open);
    bytes.put_slice(MARK);
    Frame::Event(bytes.freeze())
}

/// Returns `observe.opened`.
pub(in crate::feed) fn opened(ends: Ends, descendants: Option<BTreeMap<SessionId, Cursor>>) -> Frame {
    let Ends { first, head } = ends;
    let data = ObserveOpened { first, head, epoch: head.epoch, descendants };
    local("observe.opened", &data, &format!("observing a log of {first} to {head}"))
}

/// Returns `observe.live`.
pub(in crate::feed) fn went_live() -> Frame {
    local("observe.live", &ObserveLive {}, "what follows happens now")
}

/// Returns `observe.cursor`.
pub(in crate::feed) fn read_to(cursor: Cursor) -> Frame {
    local("observe.cursor", &ObserveCursor { cursor }, &format!("read up to {cursor}"))
}

/// Returns `observe.closed`: the subscription ends, and goes on at the cursor.
pub(crate) fn closed(reason: &str, cursor: Cursor) -> Frame {
    let data = ObserveClosed { reason: reason.to_owned(), cursor };
    local("observe.closed", &data, &format!("the subscription ended at {cursor}: {reason}"))
}

#[derive(Serialize)]
struct Local<'a, T> {
    r#type: &'a str,
    data: &'a T,
    text: &'a str,
}

fn local<T: Serialize>(kind: &str, data: &T, text: &str) -> Frame {
    let event = Local { r#type: kind, data, text };
    // Strings and numbers only; serialising them cannot fail.
    Frame::Local(serde_json::to_vec(&event).unwrap_or_default().into())
}
