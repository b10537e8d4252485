//! Moves the WAL into the database, on a thread of its own that lives for one checkpoint. Not here: the commits.
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use crate::journal::connection;
use crate::journal::executor::{Executor, Work};

/// Written since the last checkpoint before the next one is started, about 1,000 pages: recovery after a crash reads the
/// WAL, and that has to stay far below the time a start may take.
const WAL_BYTES: usize = 4 << 20;

/// Pages a commit touches besides its own bytes: leaves of events, logs, commits and items.
const COMMIT_BYTES: usize = 5 * 4_096;

/// WAL pages above which a checkpoint waits for readers, so that the file starts over.
const RESTART_PAGES: i64 = 4_096;

/// How long it waits for them. Readers hold a page's transaction only, so that is plenty.
const RESTART_WAIT: Duration = Duration::from_millis(200);

/// Counts what was written and starts checkpoints.
pub(in crate::journal) struct Checkpointer {
    database: PathBuf,
    executor: Arc<dyn Executor + Send + Sync>,
    written: usize,
    running: Arc<AtomicBool>,
}

impl fmt::Debug for Checkpointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpointer").field("written", &self.written).finish_non_exhaustive()
    }
}

impl Checkpointer {
    pub(in crate::journal) fn new(database: &Path, executor: Arc<dyn Executor + Send + Sync>) -> Self {
        Self { database: database.to_path_buf(), executor, written: 0, running: Arc::default() }
    }

    /// Counts a commit; starts a checkpoint if it is time and none runs.
    pub(in crate::journal) fn committed(&mut self, bytes: usize) {
        self.written += bytes + COMMIT_BYTES;
        if self.written < WAL_BYTES || self.running.swap(true, Ordering::AcqRel) {
            return;
        }
        self.written = 0;
        let work = Checkpoint { database: self.database.clone(), running: Arc::clone(&self.running) };
        if let Err(error) = self.executor.start("checkpoint", Box::new(work)) {
            self.running.store(false, Ordering::Release);
            tracing::warn!(%error, "a checkpoint cannot be started");
        }
    }
}

/// Moves all of the WAL and empties it, so that nothing of a deleted log stays in it. As good as it gets: a reader that
/// holds on for longer leaves it to the next time.
pub(in crate::journal) fn scrub(connection: &Connection) {
    let scrubbed = connection
        .busy_timeout(RESTART_WAIT)
        .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
        .and_then(|()| connection.busy_timeout(connection::BUSY_TIMEOUT));
    if let Err(error) = scrubbed {
        tracing::warn!(%error, "the write-ahead log was not emptied after a deletion");
    }
}

/// One checkpoint.
#[derive(Debug)]
struct Checkpoint {
    database: PathBuf,
    running: Arc<AtomicBool>,
}

impl Work for Checkpoint {
    fn step(&mut self) -> ControlFlow<()> {
        if let Err(error) = run(&self.database) {
            tracing::warn!(%error, "a checkpoint failed");
        }
        ControlFlow::Break(())
    }
}

impl Drop for Checkpoint {
    fn drop(&mut self) {
        self.running.store(false, Ordering::Release);
    }
}

/// Moves what readers allow; when the WAL has grown long all the same, waits for them and lets it start over.
fn run(database: &Path) -> rusqlite::Result<()> {
    let connection = connection::open(database, connection::READER_CACHE_KIB)?;
    let pages: i64 = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))?;
    if pages > RESTART_PAGES {
        connection.busy_timeout(RESTART_WAIT)?;
        connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))?;
    }
    Ok(())
}
