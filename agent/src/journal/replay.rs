//! Reads whole events, private parts included, to fold a session; looks first whether the log's end is what was written.
//! Not here: pages for clients (`read`).
use std::ops::ControlFlow;
use std::sync::Arc;

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::value::RawValue;
use tenon_protocol::event::{Event, EventBody};
use tenon_protocol::ids::TurnId;

use crate::journal::chain::{self, Link};
use crate::journal::connection::snapshot;
use crate::journal::error::ReadError;
use crate::journal::log_id::LogId;
use crate::journal::page::Ends;
use crate::journal::read::{self, Whole, locate};

/// Events that are verified when a log is loaded: what a lost or torn WAL can have hit.
const TAIL_LEN: u64 = 256;

/// Events and bytes that are in memory at once while a log is replayed.
const CHUNK_EVENTS_MAX: usize = 512;
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// Some events of a replay.
#[derive(Debug)]
pub(in crate::journal) struct Chunk {
    pub(in crate::journal) events: Vec<(Event, Option<Vec<u8>>)>,
    pub(in crate::journal) ends: Ends,
}

/// Reads the next events behind `after`.
pub(in crate::journal) fn chunk(
    connection: &Connection,
    log: &LogId,
    after: u64,
) -> Result<Chunk, ReadError> {
    snapshot(connection, || {
        let located = locate(connection, log)?;
        let head = located.ends.head.seq;
        let mut events: Vec<(Event, Option<Vec<u8>>)> = Vec::new();
        let mut bytes = 0;
        let mut expected = after + 1;
        let failed = read::visit(connection, located.id, (after + 1, head), |whole| {
            if whole.seq != expected {
                return ControlFlow::Break(Some(read::missing(log, expected)));
            }
            match parse(whole.bytes) {
                Ok(event) => events.push((event, whole.private.map(<[u8]>::to_vec))),
                Err(error) => return ControlFlow::Break(Some(unreadable(log, whole.seq, error))),
            }
            expected += 1;
            bytes += whole.bytes.len() + whole.private.map_or(0, <[u8]>::len);
            if events.len() >= CHUNK_EVENTS_MAX || bytes >= CHUNK_BYTES_MAX {
                return ControlFlow::Break(None);
            }
            ControlFlow::Continue(())
        })?;
        match failed {
            Some(Some(error)) => Err(error),
            _ if events.is_empty() && after < head => Err(read::missing(log, expected)),
            _ => Ok(Chunk { events, ends: located.ends }),
        }
    })
}

/// A stored event with its data as it stands.
#[derive(Deserialize)]
struct Outer<'a> {
    seq: u64,
    epoch: u64,
    at: String,
    session: String,
    turn: Option<TurnId>,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
    text: String,
}

/// Reads a stored event: the envelope first, then its data as what its type says.
fn parse(bytes: &[u8]) -> Result<Event, serde_json::Error> {
    let Outer { seq, epoch, at, session, turn, kind, data, text } = serde_json::from_slice(bytes)?;
    let body = EventBody::read(kind, data.get())?;
    Ok(Event { seq, epoch, at, session, turn, body, text })
}

fn unreadable(log: &LogId, seq: u64, error: serde_json::Error) -> ReadError {
    ReadError::Unreadable { log: log.clone(), seq, source: Arc::new(error) }
}

/// Verifies the last events of a log. Returns the last good one, with its link, if something behind it is damaged.
pub(in crate::journal) fn damaged_behind(
    connection: &Connection,
    log: &LogId,
) -> Result<Option<(u64, Link)>, ReadError> {
    snapshot(connection, || {
        let located = locate(connection, log)?;
        let Ends { first, head } = located.ends;
        let before = head.seq.saturating_sub(TAIL_LEN).max(first.seq - 1);
        let origin = if before == 0 {
            Some(chain::origin(log.as_str()))
        } else {
            read::link_at(connection, located.id, before)?
        };
        // A hole before the tail: nothing in it can be trusted, and the chain goes on from nothing.
        let Some(origin) = origin else { return Ok(Some((before, chain::ZERO))) };
        let mut walk = Walk { seq: before, link: origin };
        let broken = read::visit(connection, located.id, (before + 1, head.seq), |whole| {
            if walk.step(&whole) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let whole = broken.is_none() && walk.seq == head.seq && walk.link == located.hash;
        Ok((!whole).then_some((walk.seq, walk.link)))
    })
}

/// A walk along a log's chain.
#[derive(Clone, Copy, Debug)]
pub(in crate::journal) struct Walk {
    /// The last event that was good.
    pub(in crate::journal) seq: u64,
    /// Its link.
    pub(in crate::journal) link: Link,
}

impl Walk {
    /// Goes on to the next event; `false`, and it stays, if that does not follow.
    pub(in crate::journal) fn step(&mut self, whole: &Whole<'_>) -> bool {
        let link = chain::event(&self.link, whole.epoch, whole.seq, whole.bytes, whole.private);
        if whole.seq != self.seq + 1 || link != whole.hash {
            return false;
        }
        (self.seq, self.link) = (whole.seq, link);
        true
    }
}
