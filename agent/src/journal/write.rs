//! Writes planned changes inside one transaction. Not here: planning (`plan`), grouping (`writer`).
use rusqlite::{Connection, params};

use crate::journal::batch::{ItemKind, ItemWrite};
use crate::journal::chain::{self, Moved};
use crate::journal::connection::{self, int, uint};
use crate::journal::error::AppendError;
use crate::journal::head_file::CommitHead;
use crate::journal::log_id::LogId;
use crate::journal::plan::{Head, Placed};
use crate::journal::refs;
use crate::journal::schema::place;

/// One change of one log, ready to be written.
#[derive(Debug)]
pub(in crate::journal) enum Change {
    /// The log begins.
    Create(LogId, Head),
    /// Events behind the head; the head afterwards.
    Append(LogId, Vec<Placed>, Head),
    /// The log goes, events and all.
    Delete(LogId, i64),
    /// Events behind this head are set aside; the log goes on in a new epoch.
    SetAside(LogId, Head),
    /// A list item, and where it stands then.
    Item(ItemWrite, ItemPlace),
}

/// Where an item stands in its list once it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::journal) enum ItemPlace {
    /// First: it is the newest.
    First,
    /// Where it was; first where it is new.
    Kept,
}

/// Items written by one transaction at most, as bits of their rank.
const RANK_BITS: u32 = 20;

/// Writes changes and the commit that binds them, if the term is still ours. Returns the commit.
pub(in crate::journal) fn commit<'a>(
    connection: &Connection,
    last: &CommitHead,
    changes: impl Iterator<Item = &'a Change>,
) -> Result<CommitHead, AppendError> {
    connection::transaction(connection, || {
        fence(connection, last.term)?;
        let number = last.number + 1;
        let mut moved: Vec<Moved> = Vec::new();
        for (index, change) in changes.enumerate() {
            let rank = (number << RANK_BITS) | u64::try_from(index).unwrap_or(u64::MAX);
            if let Some(head) = apply(connection, change, rank)? {
                moved.retain(|earlier| earlier.log != head.log);
                moved.push(head);
            }
        }
        insert_commit(connection, &last.hash, number, last.term, false, &moved)
    })
}

/// Writes the row of a commit.
pub(in crate::journal) fn insert_commit(
    connection: &Connection,
    previous: &chain::Link,
    number: u64,
    term: u64,
    restart: bool,
    moved: &[Moved],
) -> Result<CommitHead, AppendError> {
    let heads = chain::encode(moved);
    let hash = chain::commit(previous, number, term, &heads);
    connection.execute(
        "INSERT INTO commits(number, term, restart, heads, hash) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![int(number), int(term), restart, heads, hash],
    )?;
    Ok(CommitHead { number, term, hash })
}

/// Refuses to write for an owner that was replaced.
pub(in crate::journal) fn fence(connection: &Connection, term: u64) -> Result<(), AppendError> {
    let present = connection.query_row("SELECT term FROM meta", [], |row| row.get(0)).map(uint)?;
    if present == term { Ok(()) } else { Err(AppendError::Fenced) }
}

fn apply(connection: &Connection, change: &Change, rank: u64) -> Result<Option<Moved>, AppendError> {
    match change {
        Change::Create(log, head) => create(connection, log, head).map(|()| None),
        Change::Append(_, events, head) => append(connection, events, head).map(|()| Some(head.moved())),
        Change::Delete(_, log) => delete(connection, *log).map(Some),
        Change::SetAside(log, head) => set_aside(connection, log, head).map(|()| Some(head.moved())),
        Change::Item(item, place) => write_item(connection, item, *place, rank).map(|()| None),
    }
}

/// Writes the row of a new log, and takes its number.
pub(in crate::journal) fn create(
    connection: &Connection,
    log: &LogId,
    head: &Head,
) -> Result<(), AppendError> {
    connection.execute(
        "INSERT INTO logs(id, name, epoch, first, head, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![head.log, log.as_str(), int(head.epoch), int(head.first), int(head.seq), head.hash],
    )?;
    connection.execute("UPDATE meta SET next_log = max(next_log, ?1)", [head.log + 1])?;
    Ok(())
}

fn append(connection: &Connection, events: &[Placed], head: &Head) -> Result<(), AppendError> {
    let mut insert = connection.prepare(
        "INSERT INTO events(place, epoch, kind, hash, bytes, private) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for placed in events {
        insert.execute(params![
            place(head.log, placed.event.seq),
            int(placed.event.epoch),
            placed.event.body.type_name(),
            placed.hash,
            &placed.bytes[..],
            placed.private,
        ])?;
        refs::insert(connection, head.log, &placed.refs)?;
    }
    move_head(connection, head)
}

fn move_head(connection: &Connection, head: &Head) -> Result<(), AppendError> {
    connection.execute(
        "UPDATE logs SET epoch = ?2, first = ?3, head = ?4, hash = ?5 WHERE id = ?1",
        params![head.log, int(head.epoch), int(head.first), int(head.seq), head.hash],
    )?;
    Ok(())
}

fn delete(connection: &Connection, log: i64) -> Result<Moved, AppendError> {
    connection.execute("DELETE FROM lost WHERE log = (SELECT name FROM logs WHERE id = ?1)", [log])?;
    connection
        .execute("DELETE FROM events WHERE place >= ?1 AND place < ?2", [place(log, 0), place(log + 1, 0)])?;
    connection.execute(
        "DELETE FROM items WHERE kind IN (?1, ?2) AND grp = (SELECT name FROM logs WHERE id = ?3)",
        [ItemKind::Answered as i64, ItemKind::Untold as i64, log],
    )?;
    refs::delete(connection, log)?;
    connection.execute("DELETE FROM logs WHERE id = ?1", [log])?;
    Ok(Moved { log, epoch: 0, seq: 0, hash: chain::ZERO })
}

fn set_aside(connection: &Connection, log: &LogId, head: &Head) -> Result<(), AppendError> {
    let behind = (place(head.log, head.seq), place(head.log + 1, 0));
    connection.execute(
        "INSERT INTO lost(log, seq, epoch, hash, bytes, private) \
         SELECT ?1, place - ?2, epoch, hash, bytes, private FROM events WHERE place > ?3 AND place < ?4",
        params![log.as_str(), place(head.log, 0), behind.0, behind.1],
    )?;
    connection.execute("DELETE FROM events WHERE place > ?1 AND place < ?2", behind)?;
    move_head(connection, head)
}

fn write_item(
    connection: &Connection,
    item: &ItemWrite,
    place: ItemPlace,
    rank: u64,
) -> Result<(), AppendError> {
    let kind = item.kind as i64;
    match &item.json {
        Some(json) => connection.execute(
            "INSERT INTO items(kind, id, grp, rank, json) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT(kind, id) DO UPDATE SET grp = excluded.grp, json = excluded.json, \
             rank = CASE WHEN ?6 THEN rank ELSE excluded.rank END",
            params![kind, item.id, item.group, int(rank), json, place == ItemPlace::Kept],
        )?,
        None => {
            connection.execute("DELETE FROM items WHERE kind = ?1 AND id = ?2", params![kind, item.id])?
        }
    };
    Ok(())
}
