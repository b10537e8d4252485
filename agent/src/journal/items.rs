//! Lists that are kept beside the logs: sessions, requests, grants, workspaces. Not here: what the items mean.
use std::fmt;
use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension, params};

use crate::journal::batch::ItemKind;
use crate::journal::connection::{int, snapshot, uint};
use crate::journal::error::ReadError;
use crate::journal::log_id::LogId;
use crate::journal::read::locate;

/// A place in a list; higher is newer. Opaque on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ItemRank(u64);

impl fmt::Display for ItemRank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl FromStr for ItemRank {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// A list item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// Its id.
    pub(crate) id: String,
    /// What it was written with.
    pub(crate) json: String,
    /// Where it stands.
    pub(crate) rank: ItemRank,
}

/// A page of a list, newest write first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ItemPage {
    /// The items.
    pub(crate) items: Vec<Item>,
    /// The seq of the machine's log that they are true at.
    pub(crate) rev: u64,
    /// Where to go on, if there may be more.
    pub(crate) next: Option<ItemRank>,
}

/// Reads a page of at most `limit` items behind `after`.
pub(in crate::journal) fn page(
    connection: &Connection,
    kind: ItemKind,
    group: Option<&str>,
    after: Option<ItemRank>,
    limit: usize,
) -> Result<ItemPage, ReadError> {
    let below = after.map_or(i64::MAX, |rank| int(rank.0));
    let (kind, rows) = (kind as i64, i64::try_from(limit.max(1)).unwrap_or(i64::MAX));
    snapshot(connection, || {
        let rev = locate(connection, &LogId::All)?.ends.head.seq;
        let items = if let Some(group) = group {
            let sql = "SELECT id, json, rank FROM items WHERE kind = ?1 AND grp = ?2 AND rank < ?3 \
                           ORDER BY rank DESC LIMIT ?4";
            collect(connection, sql, params![kind, group, below, rows])?
        } else {
            let sql = "SELECT id, json, rank FROM items WHERE kind = ?1 AND rank < ?2 \
                           ORDER BY rank DESC LIMIT ?3";
            collect(connection, sql, params![kind, below, rows])?
        };
        let next = if items.len() >= limit.max(1) { items.last().map(|item| item.rank) } else { None };
        Ok(ItemPage { items, rev, next })
    })
}

fn collect(connection: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<Vec<Item>> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map(params, |row| {
        Ok(Item { id: row.get(0)?, json: row.get(1)?, rank: ItemRank(uint(row.get(2)?)) })
    })?;
    rows.collect()
}

/// Reads one item.
pub(in crate::journal) fn one(
    connection: &Connection,
    kind: ItemKind,
    id: &str,
) -> Result<Option<String>, ReadError> {
    let sql = "SELECT json FROM items WHERE kind = ?1 AND id = ?2";
    Ok(connection.query_row(sql, params![kind as i64, id], |row| row.get(0)).optional()?)
}
