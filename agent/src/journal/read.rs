//! Reads logs from the database, one page at a time, each in a transaction of its own. Not here: connections (`readers`).
use std::ops::ControlFlow;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row};
use tenon_protocol::cursor::Cursor;

use crate::journal::chain::Link;
use crate::journal::connection::{snapshot, uint};
use crate::journal::error::ReadError;
use crate::journal::log_id::LogId;
use crate::journal::page::{Ends, Filling, Page, PageLimits, Stored, TypeFilter, intern};
use crate::journal::schema::{place, seq_of};

/// A log's row.
#[derive(Clone, Copy, Debug)]
pub(in crate::journal) struct Located {
    pub(in crate::journal) id: i64,
    pub(in crate::journal) ends: Ends,
    /// The link of the head, or the log's origin.
    pub(in crate::journal) hash: Link,
}

/// Finds a log.
pub(in crate::journal) fn find(connection: &Connection, log: &LogId) -> rusqlite::Result<Option<Located>> {
    connection
        .query_row("SELECT id, epoch, first, head, hash FROM logs WHERE name = ?1", [log.as_str()], |row| {
            let epoch = uint(row.get(1)?);
            let ends = Ends {
                first: Cursor { epoch, seq: uint(row.get(2)?) },
                head: Cursor { epoch, seq: uint(row.get(3)?) },
            };
            Ok(Located { id: row.get(0)?, ends, hash: row.get(4)? })
        })
        .optional()
}

/// Finds a log that must be there.
pub(in crate::journal) fn locate(connection: &Connection, log: &LogId) -> Result<Located, ReadError> {
    find(connection, log)?.ok_or_else(|| ReadError::NoLog(log.clone()))
}

/// Reads the events behind a cursor.
pub(in crate::journal) fn after(
    connection: &Connection,
    log: &LogId,
    cursor: Cursor,
    limits: PageLimits,
    filter: Option<&TypeFilter>,
) -> Result<Page, ReadError> {
    snapshot(connection, || {
        let located = locate(connection, log)?;
        located.ends.check(cursor)?;
        let mut page = Filling::new(limits, filter);
        let sql = "SELECT place, kind, bytes FROM events WHERE place > ?1 AND place <= ?2 ORDER BY place";
        let range = (place(located.id, cursor.seq), place(located.id, located.ends.head.seq));
        fill(connection, sql, range, &mut page, cursor.seq + 1, 1)?;
        let page = page.forwards(located.ends, cursor.seq);
        if page.scanned == 0 && page.more { Err(missing(log, cursor.seq + 1)) } else { Ok(page) }
    })
}

/// Reads the last events before a cursor; `head` + 1 is the furthest that may be asked.
pub(in crate::journal) fn before(
    connection: &Connection,
    log: &LogId,
    cursor: Cursor,
    limits: PageLimits,
    filter: Option<&TypeFilter>,
) -> Result<Page, ReadError> {
    snapshot(connection, || {
        let located = locate(connection, log)?;
        let behind = Cursor { epoch: cursor.epoch, seq: cursor.seq.saturating_sub(1) };
        located.ends.check(behind)?;
        let mut page = Filling::new(limits, filter);
        let sql =
            "SELECT place, kind, bytes FROM events WHERE place >= ?1 AND place < ?2 ORDER BY place DESC";
        let range = (place(located.id, located.ends.first.seq), place(located.id, cursor.seq));
        fill(connection, sql, range, &mut page, behind.seq, -1)?;
        let page = page.backwards(located.ends, cursor.seq);
        if page.scanned == 0 && page.more { Err(missing(log, behind.seq)) } else { Ok(page) }
    })
}

/// Returns the error for an event that should be there.
pub(in crate::journal) fn missing(log: &LogId, seq: u64) -> ReadError {
    let source = <serde_json::Error as serde::de::Error>::custom("it is missing from the database");
    ReadError::Unreadable { log: log.clone(), seq, source: source.into() }
}

/// Fills the page with the rows of a range, from `expected` in steps of `by`. It ends before a hole, so that whoever reads
/// on meets the hole at the beginning of a page and is told.
fn fill(
    connection: &Connection,
    sql: &str,
    range: (i64, i64),
    page: &mut Filling<'_>,
    mut expected: u64,
    by: i64,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(range)?;
    while let Some(row) = rows.next()? {
        let seq = seq_of(row.get(0)?);
        if seq != expected {
            break;
        }
        expected = expected.saturating_add_signed(by);
        let kind = row.get_ref(1)?.as_str()?;
        // The bytes of an event that is not wanted are never read from the disk.
        let kept = if page.wants(kind) {
            page.take(Stored::new(seq, intern(kind), Bytes::copy_from_slice(row.get_ref(2)?.as_blob()?)))
        } else {
            page.skip(seq)
        };
        if !kept {
            break;
        }
    }
    Ok(())
}

/// An event with everything that is stored of it.
#[derive(Debug)]
pub(in crate::journal) struct Whole<'row> {
    pub(in crate::journal) seq: u64,
    pub(in crate::journal) epoch: u64,
    pub(in crate::journal) hash: Link,
    pub(in crate::journal) bytes: &'row [u8],
    pub(in crate::journal) private: Option<&'row [u8]>,
}

/// Visits whole events of places `from..=to` in order, until `visit` breaks. A damaged row ends as an error.
pub(in crate::journal) fn visit<B>(
    connection: &Connection,
    log: i64,
    seqs: (u64, u64),
    mut visit: impl FnMut(Whole<'_>) -> ControlFlow<B>,
) -> rusqlite::Result<Option<B>> {
    let sql = "SELECT place, epoch, hash, bytes, private FROM events WHERE place >= ?1 AND place <= ?2 \
               ORDER BY place";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query((place(log, seqs.0), place(log, seqs.1)))?;
    while let Some(row) = rows.next()? {
        if let ControlFlow::Break(value) = visit(whole(row)?) {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn whole<'row>(row: &'row Row<'_>) -> rusqlite::Result<Whole<'row>> {
    Ok(Whole {
        seq: seq_of(row.get(0)?),
        epoch: uint(row.get(1)?),
        hash: row.get(2)?,
        bytes: row.get_ref(3)?.as_blob()?,
        private: row.get_ref(4)?.as_blob_or_null()?,
    })
}

/// Returns the link of an event, or the origin before the first. `None` if the row is missing.
pub(in crate::journal) fn link_at(
    connection: &Connection,
    log: i64,
    seq: u64,
) -> rusqlite::Result<Option<Link>> {
    connection
        .query_row("SELECT hash FROM events WHERE place = ?1", [place(log, seq)], |row| row.get(0))
        .optional()
}
