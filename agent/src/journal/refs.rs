//! Which blobs a log needs: every digest that its events name, found in their bytes. Not here: removing blobs (`collect`).
//!
//! A digest is taken to be a reference where it stands behind `b3:` or is a whole JSON text. That finds some that name no
//! blob, which costs a row, and misses none.
use rusqlite::{Connection, OptionalExtension, params};

use crate::base::digest::Digest;
use crate::journal::log_id::LogId;
use crate::journal::read;
use crate::journal::schema::place;

/// Hex digits of a digest.
const LEN: usize = 64;

/// Returns the digests that some JSON refers to, each once.
pub(crate) fn digests(bytes: &[u8]) -> Vec<Digest> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let run = bytes[at..].iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
        if run == LEN && refers(bytes, at) {
            let text = std::str::from_utf8(&bytes[at..at + LEN]).unwrap_or_default();
            found.extend(text.parse::<Digest>().ok());
        }
        at += run + 1;
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn refers(bytes: &[u8], at: usize) -> bool {
    let before = &bytes[..at];
    // In a text that holds JSON the quotes are escaped.
    before.ends_with(b"b3:") || (before.ends_with(b"\"") && bytes.get(at + LEN) == Some(&b'"'))
}

/// Writes what a log refers to.
pub(in crate::journal) fn insert(
    connection: &Connection,
    log: i64,
    digests: &[Digest],
) -> rusqlite::Result<()> {
    if digests.is_empty() {
        return Ok(());
    }
    let mut insert = connection.prepare("INSERT OR IGNORE INTO refs(log, digest) VALUES (?1, ?2)")?;
    for digest in digests {
        insert.execute(params![log, digest.as_bytes()])?;
    }
    Ok(())
}

/// Deletes what a log refers to; what no other log does is noted as an orphan, to be removed when this is committed.
pub(in crate::journal) fn delete(connection: &Connection, log: i64) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT OR IGNORE INTO orphans(digest) SELECT digest FROM refs AS own WHERE log = ?1 \
         AND NOT EXISTS (SELECT 1 FROM refs WHERE digest = own.digest AND log <> ?1)",
        [log],
    )?;
    connection.execute("DELETE FROM refs WHERE log = ?1", [log])?;
    Ok(())
}

/// Tells whether any log refers to a blob.
pub(in crate::journal) fn is_needed(connection: &Connection, digest: Digest) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM refs WHERE digest = ?1 LIMIT 1";
    Ok(connection.prepare(sql)?.query_row([digest.as_bytes()], |_| Ok(())).optional()?.is_some())
}

/// Returns what a log refers to.
pub(in crate::journal) fn of_log(
    connection: &Connection,
    log: &LogId,
) -> Result<Vec<Digest>, crate::journal::ReadError> {
    let id = read::locate(connection, log)?.id;
    let mut statement = connection.prepare("SELECT digest FROM refs WHERE log = ?1 ORDER BY digest")?;
    let rows = statement.query_map([id], |row| row.get::<_, [u8; 32]>(0).map(Digest::from_bytes))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Finds the references of all events there are: once, when the table is made.
pub(in crate::journal) fn fill(connection: &Connection) -> rusqlite::Result<()> {
    let mut logs = connection.prepare("SELECT id FROM logs WHERE name <> ?1 ORDER BY id")?;
    let logs = logs.query_map([LogId::All.as_str()], |row| row.get::<_, i64>(0))?;
    for log in logs.collect::<rusqlite::Result<Vec<_>>>()? {
        let sql = "SELECT bytes, private FROM events WHERE place >= ?1 AND place < ?2 ORDER BY place";
        let mut events = connection.prepare(sql)?;
        let mut rows = events.query([place(log, 0), place(log + 1, 0)])?;
        while let Some(row) = rows.next()? {
            insert(connection, log, &digests(row.get_ref(0)?.as_blob()?))?;
            if let Some(private) = row.get_ref(1)?.as_blob_or_null()? {
                insert(connection, log, &digests(private))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_and_checksums_in_texts_are_none() {
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        let check =
            |text: String, expected: &[Digest]| assert_eq!(digests(text.as_bytes()), expected, "{text}");
        check(format!(r#"{{"ref":"b3:{one}","text":"read b3:{one}, then go on"}}"#), &[one]);
        let mut both = [one, two];
        both.sort_unstable();
        check(format!(r#"{{"before":"{one}","after":"{two}"}}"#), &both);
        check(format!(r#"{{"text":"checksum = \"{one}\" {two}"}}"#), &[]);
        check(format!(r#"["{one}0","0{one}","{}"]"#, &one.to_string()[1..]), &[]);
        check(one.to_string(), &[]);
        check(String::new(), &[]);
    }
}
