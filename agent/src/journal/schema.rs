//! The database's schema, as the steps that lead to it. Not here: reading and writing rows.
//!
//! A step is never edited once released; the next one is appended.

use rusqlite::Connection;

use crate::journal::refs;

/// A step: what it does to the tables, and what fills them.
#[derive(Clone, Copy, Debug)]
pub(in crate::journal) struct Step {
    pub(in crate::journal) sql: &'static str,
    pub(in crate::journal) fill: Option<fn(&Connection) -> rusqlite::Result<()>>,
}

/// Step N leads from schema N to N + 1. Schema 0 is the empty database.
pub(in crate::journal) const STEPS: &[Step] =
    &[Step { sql: V1, fill: None }, Step { sql: V2, fill: Some(refs::fill) }];

/// `refs` says which blobs the events of a log name, `orphans` which are to be removed.
const V2: &str = "
CREATE TABLE refs(
    log INTEGER NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (log, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX refs_digest ON refs(digest);
CREATE TABLE orphans(digest BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
";

/// `events.place` is `log << 40 | seq`: one clustered B-tree in order of reading, and unique (log, seq) by construction.
/// `items.rank` orders items by their last write.
const V1: &str = "
CREATE TABLE meta(
    one INTEGER PRIMARY KEY CHECK (one = 1),
    term INTEGER NOT NULL,
    next_log INTEGER NOT NULL
) STRICT;
INSERT INTO meta(one, term, next_log) VALUES (1, 0, 1);
CREATE TABLE logs(
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    epoch INTEGER NOT NULL,
    first INTEGER NOT NULL,
    head INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE events(
    place INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    kind TEXT NOT NULL,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL,
    private BLOB
) STRICT;
CREATE TABLE commits(
    number INTEGER PRIMARY KEY,
    term INTEGER NOT NULL,
    restart INTEGER NOT NULL,
    heads BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TABLE items(
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    grp TEXT NOT NULL,
    rank INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX items_newest ON items(kind, rank);
CREATE INDEX items_group ON items(kind, grp, rank);
CREATE TABLE lost(
    number INTEGER PRIMARY KEY,
    log TEXT NOT NULL,
    seq INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    hash BLOB NOT NULL,
    bytes BLOB NOT NULL,
    private BLOB
) STRICT;
";

/// Bits of `events.place` that hold the seq.
const SEQ_BITS: u32 = 40;

/// Returns `events.place` of an event. 2⁴⁰ events a log and 2²³ logs are beyond any machine's life.
pub(in crate::journal) const fn place(log: i64, seq: u64) -> i64 {
    (log << SEQ_BITS) | seq.cast_signed()
}

/// Returns the seq of a place.
pub(in crate::journal) const fn seq_of(place: i64) -> u64 {
    (place & ((1 << SEQ_BITS) - 1)).cast_unsigned()
}
