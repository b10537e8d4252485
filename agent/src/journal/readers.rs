//! The pool of reading connections. Not here: what they read (`read`, `items`).
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::base::task;
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
    ///
    /// A permit is never kept by whoever asked: waiting for one is a task of its own, since a connection whose peer takes nothing
    /// does not go on with what it reads, and would keep everybody else from reading.
    pub(in crate::journal) async fn run<T: Send + 'static, E: From<ReadError> + Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let readers = Arc::clone(self);
        let work = move |permit: OwnedSemaphorePermit| {
            tokio::task::spawn_blocking(move || {
                let connection = readers.take().map_err(|error| E::from(ReadError::from(error)))?;
                let result = work(&connection);
                readers.give_back(connection);
                drop(permit);
                result
            })
        };
        let permits = Arc::clone(&self.permits);
        let done = if let Ok(permit) = Arc::clone(&permits).try_acquire_owned() {
            work(permit).await
        } else {
            let waiting = task::spawn(async move {
                let permit = permits.acquire_owned().await.ok()?;
                Some(work(permit).await)
            });
            waiting.await.ok().flatten().ok_or_else(|| E::from(ReadError::Closed))?
        };
        done.map_err(|_| E::from(ReadError::Closed))?
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    fn answer(readers: &Arc<Readers>, number: u32) -> impl Future<Output = Result<u32, ReadError>> {
        let readers = Arc::clone(readers);
        async move { readers.run(move |_| Ok(number)).await }
    }

    #[tokio::test]
    async fn whoever_stops_in_the_middle_of_a_read_keeps_nobody_from_reading() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("journal.db");
        std::fs::File::create(&database).unwrap();
        let readers = Readers::new(&database);
        let all = Arc::clone(&readers.permits).acquire_many_owned(2).await.unwrap();
        // They ask, and are not asked to go on.
        let (mut first, mut second) = (pin!(answer(&readers, 1)), pin!(answer(&readers, 2)));
        poll_fn(|context| {
            assert!(first.as_mut().poll(context).is_pending() && second.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(all);
        assert_eq!(answer(&readers, 3).await.unwrap(), 3);
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (1, 2));
    }
}
