//! Takes the journal over: the next term, and a look at whether commits were lost since the last owner. Not here: the ends
//! of single logs, which are looked at when they are loaded (`replay`).
//!
//! A loss that shows in the chain of commits or in the head file says nothing about which logs it hit, so the epoch of
//! every log rises: a client whose cursor could be wrong is told, and one whose cursor is right reopens once.
use rusqlite::{Connection, OptionalExtension, params};

use crate::journal::chain::{self, Link, Moved};
use crate::journal::connection::{self, Wal, int, uint};
use crate::journal::error::OpenError;
use crate::journal::head_file::CommitHead;
use crate::journal::log_id::LogId;
use crate::journal::plan::Head;
use crate::journal::write;

/// Commits that are verified at every start.
const TAIL_LEN: i64 = 64;

/// What the new owner begins with.
#[derive(Debug)]
pub(in crate::journal) struct Claim {
    /// The last commit, with the new term.
    pub(in crate::journal) last: CommitHead,
    /// The number of the next log.
    pub(in crate::journal) next_log: i64,
    /// What was lost, as a sentence.
    pub(in crate::journal) loss: Option<String>,
}

/// A row of the chain of commits.
#[derive(Debug)]
pub(in crate::journal) struct CommitRow {
    pub(in crate::journal) number: u64,
    pub(in crate::journal) term: u64,
    /// Whether the chain begins again here.
    pub(in crate::journal) restart: bool,
    pub(in crate::journal) heads: Vec<u8>,
    pub(in crate::journal) hash: Link,
}

impl CommitRow {
    pub(in crate::journal) fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: uint(row.get(0)?),
            term: uint(row.get(1)?),
            restart: row.get(2)?,
            heads: row.get(3)?,
            hash: row.get(4)?,
        })
    }

    /// Tells whether this row follows the one before; `None` is the beginning.
    pub(in crate::journal) fn follows(&self, previous: Option<&CommitHead>) -> bool {
        let (number, link) = match previous {
            _ if self.restart => (self.number, chain::ZERO),
            Some(previous) => (previous.number + 1, previous.hash),
            None => (1, chain::ZERO),
        };
        self.number == number && self.hash == chain::commit(&link, number, self.term, &self.heads)
    }

    pub(in crate::journal) const fn head(&self) -> CommitHead {
        CommitHead { number: self.number, term: self.term, hash: self.hash }
    }
}

/// Claims the next term and verifies the last commits against each other, the logs and the head file.
///
/// Over a new WAL it does not wait for the disk, which is most of what a start takes: the term keeps apart processes, and
/// a power cut, which alone could take it back, ends them all. What rises because of a loss is on disk when this returns.
pub(in crate::journal) fn claim(
    connection: &Connection,
    seen: Option<CommitHead>,
    wal: Wal,
) -> Result<Claim, OpenError> {
    if wal == Wal::Old {
        return take(connection, seen);
    }
    let claim = connection::without_waiting(connection, || take(connection, seen))?;
    if claim.loss.is_some() {
        // Any commit waits for all before it.
        connection.execute("UPDATE meta SET term = term", [])?;
    }
    Ok(claim)
}

fn take(connection: &Connection, seen: Option<CommitHead>) -> Result<Claim, OpenError> {
    connection::transaction(connection, || {
        let (term, next_log) =
            connection.query_row("UPDATE meta SET term = term + 1 RETURNING term, next_log", [], |row| {
                Ok((uint(row.get(0)?), row.get::<_, i64>(1)?))
            })?;
        let next_log = next_log.max(machine_log(connection, next_log)?);
        let (last, loss) = verify_tail(connection, seen)?;
        let last = CommitHead { term, ..last };
        let Some(loss) = loss else { return Ok(Claim { last, next_log, loss: None }) };
        let number = last.number.max(seen.map_or(0, |seen| seen.number)) + 1;
        let last = restart(connection, number, term)?;
        Ok(Claim { last, next_log, loss: Some(loss) })
    })
}

/// Makes the machine's log if there is none. Returns the number that follows it.
fn machine_log(connection: &Connection, next: i64) -> Result<i64, OpenError> {
    if crate::journal::read::find(connection, &LogId::All)?.is_some() {
        return Ok(next);
    }
    write::create(connection, &LogId::All, &Head::origin(next, &LogId::All)).map_err(OpenError::Claim)?;
    Ok(next + 1)
}

/// Returns the last commit, and what is wrong if something is.
fn verify_tail(
    connection: &Connection,
    seen: Option<CommitHead>,
) -> Result<(CommitHead, Option<String>), OpenError> {
    let rows = tail(connection)?;
    let none = CommitHead { number: 0, term: 0, hash: chain::ZERO };
    let last = rows.last().map_or(none, CommitRow::head);
    if let Some(broken) = broken_link(&rows) {
        return Ok((last, Some(format!("commit {broken} does not follow the one before it"))));
    }
    if let Some(seen) = seen {
        // A commit that is missing below the last one was set aside by an owner that noticed.
        let found = link(connection, seen.number)?;
        if seen.number > last.number || found.is_some_and(|found| found != seen.hash) {
            let (had, has) = (seen.number, last.number);
            return Ok((last, Some(format!("commit {had} was acknowledged, the database ends at {has}"))));
        }
    }
    Ok((last, moved_otherwise(connection, &rows)?))
}

/// Reads the last commits, and one more that they follow.
fn tail(connection: &Connection) -> rusqlite::Result<Vec<CommitRow>> {
    let sql = "SELECT number, term, restart, heads, hash FROM commits ORDER BY number DESC LIMIT ?1";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([TAIL_LEN + 1], CommitRow::read)?;
    let mut rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    rows.reverse();
    Ok(rows)
}

/// Returns the first commit that does not follow the one before it.
fn broken_link(rows: &[CommitRow]) -> Option<u64> {
    let first = rows.first().filter(|row| row.number == 1 && !row.follows(None));
    let later = rows.windows(2).find(|pair| !pair[1].follows(Some(&pair[0].head()))).map(|pair| &pair[1]);
    first.or(later).map(|row| row.number)
}

fn link(connection: &Connection, number: u64) -> rusqlite::Result<Option<Link>> {
    connection
        .query_row("SELECT hash FROM commits WHERE number = ?1", [int(number)], |row| row.get(0))
        .optional()
}

/// Compares the last move of every log in these commits with where the log is now.
fn moved_otherwise(connection: &Connection, rows: &[CommitRow]) -> Result<Option<String>, OpenError> {
    let mut latest: Vec<Moved> = Vec::new();
    for row in rows.iter().rev() {
        let Some(heads) = chain::decode(&row.heads) else {
            return Ok(Some(format!("commit {} is damaged", row.number)));
        };
        for head in heads {
            if !latest.iter().any(|later| later.log == head.log) {
                latest.push(head);
            }
        }
    }
    for head in latest {
        if !stands(connection, &head)? {
            return Ok(Some(format!("log number {} is not where its last commit left it", head.log)));
        }
    }
    Ok(None)
}

/// Tells whether a log is where a commit left it.
pub(in crate::journal) fn stands(connection: &Connection, moved: &Moved) -> rusqlite::Result<bool> {
    let found = connection
        .query_row("SELECT epoch, head, hash FROM logs WHERE id = ?1", [moved.log], |row| {
            Ok((uint(row.get(0)?), uint(row.get(1)?), row.get::<_, Link>(2)?))
        })
        .optional()?;
    let deleted = moved.seq == 0 && moved.hash == chain::ZERO;
    Ok(found.map_or(deleted, |found| found == (moved.epoch, moved.seq, moved.hash)))
}

/// Begins the chain of commits again: sets broken rows aside, raises every epoch, and binds every log's head.
fn restart(connection: &Connection, number: u64, term: u64) -> Result<CommitHead, OpenError> {
    let rows = tail(connection)?;
    if let Some(broken) = broken_link(&rows) {
        let from = int(broken);
        connection.execute(
            "INSERT INTO lost(log, seq, epoch, hash, bytes) \
             SELECT 'commits', number, term, hash, heads FROM commits WHERE number >= ?1",
            [from],
        )?;
        connection.execute("DELETE FROM commits WHERE number >= ?1", [from])?;
    }
    connection.execute("UPDATE logs SET epoch = epoch + 1", [])?;
    let mut statement = connection.prepare("SELECT id, epoch, head, hash FROM logs ORDER BY id")?;
    let heads = statement.query_map(params![], |row| {
        Ok(Moved { log: row.get(0)?, epoch: uint(row.get(1)?), seq: uint(row.get(2)?), hash: row.get(3)? })
    })?;
    let heads = heads.collect::<rusqlite::Result<Vec<_>>>()?;
    write::insert_commit(connection, &chain::ZERO, number, term, true, &heads).map_err(OpenError::Claim)
}
