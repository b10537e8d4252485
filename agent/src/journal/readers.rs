//! The pool of reading connections. Not here: what they read (`read`, `items`).
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::journal::connection;
use crate::journal::error::ReadError;

#[expect(
    clippy::disallowed_types,
    reason = "blocking threads hand connections back; held for a push or a pop"
)]
type Lock<T> = std::sync::Mutex<T>;

/// Connections at most: reading a page takes well under a millisecond, and each costs a cache.
const READERS_MAX: usize = 2;

/// Connections that only read, opened when they are first needed.
#[derive(Debug)]
pub(in crate::journal) struct Readers {
    database: PathBuf,
    idle: Lock<Vec<Connection>>,
    /// Readers wait here, in order, rather than on a thread.
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(in crate::journal) fn new(database: &Path) -> Arc<Self> {
        Arc::new(Self {
            database: database.to_path_buf(),
            idle: Lock::default(),
            permits: Arc::new(Semaphore::new(READERS_MAX)),
        })
    }

    /// Runs `work` on a thread that may block. Dropping the future lets the work end unseen.
    pub(in crate::journal) async fn run<T: Send + 'static, E: From<ReadError> + Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let closed = |_| E::from(ReadError::Closed);
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(closed)?;
        let readers = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let connection = readers.take().map_err(|error| E::from(ReadError::from(error)))?;
            let result = work(&connection);
            readers.give_back(connection);
            drop(permit);
            result
        });
        done.await.map_err(|_| E::from(ReadError::Closed))?
    }

    /// Waits for running readers, lets nobody in any more and closes the connections.
    pub(in crate::journal) async fn close(&self) {
        let all = self.permits.acquire_many(u32::try_from(READERS_MAX).unwrap_or(1)).await;
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        drop(all);
    }

    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| connection::open_reader(&self.database), Ok)
    }

    fn give_back(&self, connection: Connection) {
        // One that a failed read left in a transaction would hold up every checkpoint.
        if connection.is_autocommit() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
