//! Opens connections to the database: the one place. Not here: what they read and write.
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// Page cache of the writer: small, because the kernel caches the file anyway and an idle daemon should weigh nothing.
pub(in crate::journal) const WRITER_CACHE_KIB: i64 = 512;

/// Page cache of a reader; a page of a log is read once and forgotten.
pub(in crate::journal) const READER_CACHE_KIB: i64 = 256;

/// How long a statement waits for another process's lock. Six processes that start together stay far below.
pub(in crate::journal) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait before WAL mode is tried again.
const WAL_RETRY: Duration = Duration::from_millis(2);

/// The size that the WAL file is cut to when it starts over.
const WAL_KEPT_BYTES: i64 = 4 << 20;

/// Opens the database in WAL mode; commits reach the disk before they return, and checkpoints happen only on demand.
/// The file must exist: it is made with the right mode elsewhere, and `-wal` and `-shm` inherit that mode.
pub(in crate::journal) fn open(database: &Path, cache_kib: i64) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    // Before anything that locks: without it the first collision is an error.
    connection.busy_timeout(BUSY_TIMEOUT)?;
    wal(&connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", WAL_KEPT_BYTES)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    // What is deleted is gone from the file too.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// How a WAL is found before the database is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::journal) enum Wal {
    /// The last owner left in good order and nobody else has the database open: the file will be made, or was empty.
    New,
    /// There are frames in it, old or not.
    Old,
}

/// Looks how the WAL begins. Must be asked before the database is opened.
pub(in crate::journal) fn wal_begins(database: &Path) -> Wal {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    match std::fs::metadata(name) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Wal::New,
        Ok(wal) if wal.len() == 0 => Wal::New,
        Ok(_) | Err(_) => Wal::Old,
    }
}

/// Runs `work` without waiting for the disk: what it commits gets there with the next commit, at the latest.
///
/// Only over a WAL that begins: without a wait the header of one that starts over could reach the disk after the frames
/// behind it, and frames of before would be read as if they followed it.
pub(in crate::journal) fn without_waiting<T, E: From<rusqlite::Error>>(
    connection: &Connection,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    connection.pragma_update(None, "synchronous", "OFF")?;
    let done = work();
    connection.pragma_update(None, "synchronous", "FULL")?;
    done
}

/// Opens a connection that cannot change anything.
pub(in crate::journal) fn open_reader(database: &Path) -> rusqlite::Result<Connection> {
    let connection = open(database, READER_CACHE_KIB)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Turns WAL mode on. The switch wants the file alone and does not wait for it (`busy_timeout` does not reach it), so it is
/// tried again while other processes do the same.
fn wal(connection: &Connection) -> rusqlite::Result<()> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Ok(_) => return Ok(()),
            Err(error)
                if matches!(
                    error.sqlite_error_code(),
                    Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
                ) && Instant::now() < deadline =>
            {
                std::thread::sleep(WAL_RETRY);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Tells whether the database is in WAL mode; file systems without shared memory stay in another.
pub(in crate::journal) fn is_wal(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0)).map(|mode| mode == "wal")
}

/// Runs `work` in a write transaction: committed if it succeeds, rolled back if not.
pub(in crate::journal) fn transaction<T, E: From<rusqlite::Error>>(
    connection: &Connection,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let done = work().and_then(|value| {
        connection.execute_batch("COMMIT")?;
        Ok(value)
    });
    if done.is_err() && !connection.is_autocommit() {
        // The first error is the one worth telling; a failed rollback shows again at the next BEGIN.
        drop(connection.execute_batch("ROLLBACK"));
    }
    done
}

/// Runs `work` in a read transaction: everything it reads is of one moment. It must be short.
pub(in crate::journal) fn snapshot<T, E: From<rusqlite::Error>>(
    connection: &Connection,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let transaction = connection.unchecked_transaction()?;
    let value = work()?;
    transaction.finish()?;
    Ok(value)
}

/// Returns a number as the database holds it.
pub(in crate::journal) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns a number of the database; negative ones were never written.
pub(in crate::journal) fn uint(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
