//! Walks every chain from its beginning and tells what does not follow. It changes nothing. Not here: setting damage aside
//! (`replay`, `claim`).
use std::ops::ControlFlow;

use rusqlite::Connection;

use crate::journal::chain;
use crate::journal::claim::{CommitRow, stands};
use crate::journal::connection::{int, snapshot};
use crate::journal::error::ReadError;
use crate::journal::head_file::CommitHead;
use crate::journal::log_id::LogId;
use crate::journal::read;
use crate::journal::replay::Walk;

/// Rows that are read in one transaction, so that a long walk never holds up a checkpoint.
const CHUNK_LEN: u64 = 2_000;

/// What was looked at, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verified {
    /// Logs that were walked.
    pub(crate) logs: u64,
    /// Their events.
    pub(crate) events: u64,
    /// Commits that were walked.
    pub(crate) commits: u64,
    /// One sentence a break; empty if everything follows.
    pub(crate) broken: Vec<String>,
}

/// Where a walk over events stands between two chunks.
#[derive(Debug)]
pub(in crate::journal) enum Progress {
    /// Go on from here.
    More(Walk),
    /// The log was walked to its head.
    End(u64),
    /// It breaks behind this event.
    Broken(u64),
}

/// Returns where the walk over a log begins; `None` if its first link is missing.
pub(in crate::journal) fn begin(connection: &Connection, log: &LogId) -> Result<Option<Walk>, ReadError> {
    let located = read::locate(connection, log)?;
    let before = located.ends.first.seq - 1;
    let link = if before == 0 {
        Some(chain::origin(log.as_str()))
    } else {
        read::link_at(connection, located.id, before)?
    };
    Ok(link.map(|link| Walk { seq: before, link }))
}

/// Walks the next events of a log.
pub(in crate::journal) fn walk(
    connection: &Connection,
    log: &LogId,
    mut walk: Walk,
) -> Result<Progress, ReadError> {
    snapshot(connection, || {
        let located = read::locate(connection, log)?;
        let head = located.ends.head.seq;
        let to = head.min(walk.seq + CHUNK_LEN);
        let broken = read::visit(connection, located.id, (walk.seq + 1, to), |whole| {
            if walk.step(&whole) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if broken.is_some() || walk.seq < to {
            return Ok(Progress::Broken(walk.seq));
        }
        if walk.seq < head {
            return Ok(Progress::More(walk));
        }
        Ok(if walk.link == located.hash { Progress::End(walk.seq) } else { Progress::Broken(walk.seq) })
    })
}

/// Returns the names of all logs.
pub(in crate::journal) fn logs(connection: &Connection) -> Result<Vec<LogId>, ReadError> {
    let mut statement = connection.prepare("SELECT name FROM logs ORDER BY id")?;
    let names = statement.query_map([], |row| row.get::<_, String>(0).map(|name| LogId::from_wire(&name)))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// Walks the next commits behind `last`. Returns where to go on, or `None` at the end.
pub(in crate::journal) fn commits(
    connection: &Connection,
    last: Option<CommitHead>,
    found: &mut Verified,
) -> Result<Option<CommitHead>, ReadError> {
    snapshot(connection, || {
        let sql = "SELECT number, term, restart, heads, hash FROM commits WHERE number > ?1 \
                   ORDER BY number LIMIT ?2";
        let mut statement = connection.prepare(sql)?;
        let behind = last.map_or(0, |last| last.number);
        let rows = statement.query_map((int(behind), int(CHUNK_LEN)), CommitRow::read)?;
        let mut last = last;
        let mut read = 0;
        let mut latest = None;
        for row in rows {
            let row = row?;
            if !row.follows(last.as_ref()) {
                found.broken.push(format!("commit {} does not follow the one before it", row.number));
            }
            last = Some(row.head());
            latest = Some(row);
            read += 1;
        }
        found.commits += read;
        if read == CHUNK_LEN {
            return Ok(last);
        }
        if let Some(row) = latest {
            heads(connection, &row, found)?;
        }
        Ok(None)
    })
}

/// Compares what the last commit moved with the logs.
fn heads(connection: &Connection, row: &CommitRow, found: &mut Verified) -> Result<(), ReadError> {
    let Some(moved) = chain::decode(&row.heads) else {
        found.broken.push(format!("commit {} is damaged", row.number));
        return Ok(());
    };
    for head in moved {
        if !stands(connection, &head)? {
            found.broken.push(format!("log number {} is not where its last commit left it", head.log));
        }
    }
    Ok(())
}
