//! Brings a database to this program's schema. Not here: the steps themselves (`schema`).
//!
//! Several processes may try at once: each takes the write lock first and looks then, so that one applies the steps and
//! the others find them done.
use std::path::Path;

use rusqlite::Connection;

use crate::journal::connection;
use crate::journal::error::OpenError;
use crate::journal::schema::Step;
use crate::journal::state_dir;

/// Applies the missing steps in one transaction. From schema 1 on, a copy of the database is kept as
/// `journal.db.schema-N` first.
///
/// # Errors
/// `Newer` if the database has more steps than these; nothing is changed then.
pub(in crate::journal) fn migrate(
    connection: &Connection,
    database: &Path,
    steps: &[Step],
) -> Result<(), OpenError> {
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    if !needed(version(connection)?, known)? {
        return Ok(());
    }
    connection::transaction(connection, || {
        let found = version(connection)?;
        if !needed(found, known)? {
            return Ok(());
        }
        if found > 0 {
            back_up(database, found)?;
        }
        for step in steps.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
            connection.execute_batch(step.sql)?;
            if let Some(fill) = step.fill {
                fill(connection)?;
            }
        }
        connection.pragma_update(None, "user_version", known)?;
        Ok(())
    })
}

fn needed(found: u32, known: u32) -> Result<bool, OpenError> {
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    Ok(found < known)
}

fn version(connection: &Connection) -> Result<u32, rusqlite::Error> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Copies the database as it is now. A second connection does it: the first holds the write lock, and `VACUUM INTO` may
/// not run inside a transaction. A copy left by a try that failed is replaced.
fn back_up(database: &Path, found: u32) -> Result<(), OpenError> {
    let copy = database.with_extension(format!("db.schema-{found}"));
    let io = |source| OpenError::Io { what: "cannot back up to", path: copy.clone(), source };
    match std::fs::remove_file(&copy) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
        _ => {}
    }
    state_dir::create_file(&copy).map_err(io)?;
    let reader = connection::open(database, connection::READER_CACHE_KIB)?;
    reader.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    Ok(())
}
