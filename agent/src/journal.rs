//! The only writer of durable state: writer, reader pool, ring, schema, migrations, blobs, chains.
//!
//! Not here: what events mean (`projections`), ephemeral deltas (`feed`).
//!
//! Imports: base, protocol
use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tenon_protocol::cursor::Cursor;
use tenon_protocol::event::Event;
use tenon_protocol::ids::SessionId;
use tokio::sync::{mpsc, oneshot, watch};

use crate::base::clock::SharedClock;
use crate::base::digest::Digest;
use crate::journal::ballast::{Ballast, Reserve};
use crate::journal::checkpoint::Checkpointer;
use crate::journal::executor::{Executor, Threads};
use crate::journal::head_file::HeadFile;
use crate::journal::live::LiveLogs;
use crate::journal::readers::Readers;
use crate::journal::verify::Progress;
use crate::journal::writer::{Command, QUEUE_LEN_MAX, Writer};

mod ballast;
mod batch;
mod blobs;
mod chain;
mod checkpoint;
mod claim;
mod collect;
mod connection;
mod error;
mod executor;
mod filesystem;
mod head_file;
mod items;
mod live;
mod log_id;
mod migrate;
mod page;
mod plan;
mod read;
mod readers;
pub(crate) mod refs;
mod replay;
mod schema;
pub(crate) mod state_dir;
#[cfg(test)]
mod tests;
mod verify;
mod write;
mod writer;

pub(crate) use crate::journal::batch::{Batch, Committed, Draft, ItemKind, ItemWrite};
pub(crate) use crate::journal::blobs::{Blobs, Piece};
pub(crate) use crate::journal::collect::Collected;
pub(crate) use crate::journal::error::{AppendError, BlobError, OpenError, ReadError};
pub(crate) use crate::journal::items::{ItemPage, ItemRank};
pub(crate) use crate::journal::log_id::LogId;
pub(crate) use crate::journal::page::{Ends, Page, PageLimits, Stored, TypeFilter};
pub(crate) use crate::journal::verify::Verified;

/// The database's name in the state directory.
const DATABASE: &str = "journal.db";

/// The journal of one state directory. Cloning shares it; when the last clone is dropped the writer commits what is queued
/// and ends.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    commands: mpsc::Sender<Command>,
    readers: Arc<Readers>,
    live: Arc<LiveLogs>,
    ballast: Arc<Ballast>,
    blobs: Blobs,
}

impl Journal {
    /// Opens the journal in a state directory, which is made if it is missing, and takes it over: a process that had it
    /// open before can write no more. Whoever calls this holds the directory's lock. Blocks for some milliseconds.
    pub(crate) fn open(directory: &Path, clock: SharedClock) -> Result<Self, OpenError> {
        let threads: Arc<dyn Executor + Send + Sync> = Arc::new(Threads);
        Self::open_with(directory, clock, &threads)
    }

    /// Opens the journal with another way of driving its writer.
    fn open_with(
        directory: &Path,
        clock: SharedClock,
        executor: &Arc<dyn Executor + Send + Sync>,
    ) -> Result<Self, OpenError> {
        let (journal, writer) = Self::assemble(directory, clock, executor)?;
        let io = |source| OpenError::Io { what: "cannot start a thread for", path: directory.into(), source };
        executor.start("journal", Box::new(writer)).map_err(io)?;
        // Off the way to the first answer.
        executor.start("ballast", Box::new(Reserve(Arc::clone(&journal.ballast)))).map_err(io)?;
        Ok(journal)
    }

    /// Takes the journal over and returns it beside its writer, which nobody drives yet.
    fn assemble(
        directory: &Path,
        clock: SharedClock,
        executor: &Arc<dyn Executor + Send + Sync>,
    ) -> Result<(Self, Writer), OpenError> {
        state_dir::prepare(directory)?;
        let database = directory.join(DATABASE);
        let wal = connection::wal_begins(&database);
        let connection = open_database(directory, &database)?;
        let head_file = HeadFile::open(directory).map_err(|source| created(directory, source))?;
        let claim = claim::claim(&connection, head_file.read(), wal)?;
        let (commands, queue) = mpsc::channel(QUEUE_LEN_MAX);
        let journal = Self {
            commands,
            readers: Readers::new(&database),
            live: Arc::default(),
            ballast: Arc::new(Ballast::new(directory)),
            blobs: Blobs::new(directory),
        };
        if let Some(loss) = claim.loss {
            tracing::error!(%loss, "the journal was damaged");
            let message = format!("the journal was damaged: {loss}; clients reopen their sessions");
            drop(journal.append(Batch::of(LogId::All, vec![writer::notice(message)])));
        }
        let writer = Writer {
            connection,
            queue,
            clock,
            live: Arc::clone(&journal.live),
            ballast: Arc::clone(&journal.ballast),
            blobs: journal.blobs.clone(),
            head_file,
            checkpointer: Checkpointer::new(&database, Arc::clone(executor)),
            last: claim.last,
            next_log: claim.next_log,
            heads: HashMap::new(),
            stopping: None,
        };
        Ok((journal, writer))
    }

    /// Commits a batch, and answers when it is on disk with the events of `batch.log`.
    ///
    /// The batch is queued when this is called, not when the future is first polled, so calls of one task commit in their
    /// order. Only when `QUEUE_LEN_MAX` batches wait does it queue on polling; an actor that awaits every append, as each
    /// does, keeps its order then too. Dropping the future does not take the batch back.
    pub(crate) fn append(
        &self,
        batch: Batch,
    ) -> impl Future<Output = Result<Committed<Vec<Event>>, AppendError>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        self.ask(Command::Append(batch, reply), answer)
    }

    /// Deletes a session's log with its events; tells the machine's log and the lists in the same transaction.
    pub(crate) fn delete_log(
        &self,
        session: &SessionId,
        machine: Vec<Draft>,
        items: Vec<ItemWrite>,
    ) -> impl Future<Output = Result<(), AppendError>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        let log = LogId::Session(session.clone());
        self.ask(Command::Delete { log, machine, items, reply }, answer)
    }

    fn ask<T: Send>(
        &self,
        command: Command,
        answer: oneshot::Receiver<Result<T, AppendError>>,
    ) -> impl Future<Output = Result<T, AppendError>> + Send + use<T> {
        let queued = self.commands.try_send(command);
        let commands = self.commands.clone();
        async move {
            match queued {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(command)) => {
                    commands.send(command).await.map_err(|_| AppendError::Closed)?;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => return Err(AppendError::Closed),
            }
            // The sender would keep the writer alive for as long as somebody forgets this future.
            drop(commands);
            answer.await.unwrap_or(Err(AppendError::Closed))
        }
    }

    /// Reads the events behind a cursor, oldest first: from memory if they are recent, else from the database.
    pub(crate) async fn read_after(
        &self,
        log: &LogId,
        cursor: Cursor,
        limits: PageLimits,
        types: Option<&TypeFilter>,
    ) -> Result<Page, ReadError> {
        if let Some(page) = self.live.after(log, cursor, limits, types) {
            return Ok(page);
        }
        let (log, types) = (log.clone(), types.cloned());
        self.readers.run(move |reader| read::after(reader, &log, cursor, limits, types.as_ref())).await
    }

    /// Reads the last events before a cursor, oldest first. The furthest cursor is the one behind the head.
    pub(crate) async fn read_before(
        &self,
        log: &LogId,
        cursor: Cursor,
        limits: PageLimits,
        types: Option<&TypeFilter>,
    ) -> Result<Page, ReadError> {
        let (log, types) = (log.clone(), types.cloned());
        self.readers.run(move |reader| read::before(reader, &log, cursor, limits, types.as_ref())).await
    }

    /// Visits every event behind `after`, with its private part, in order and in constant memory, and returns where the
    /// log ended. Verifies the end of the log first; what is damaged there is set aside, the log's epoch rises, and a
    /// notice says so.
    pub(crate) async fn replay(
        &self,
        log: &LogId,
        after: u64,
        mut visit: impl FnMut(Event, Option<Vec<u8>>) + Send,
    ) -> Result<Ends, ReadError> {
        self.heal(log).await?;
        let mut at = after;
        loop {
            let name = log.clone();
            let chunk = self.readers.run(move |reader| replay::chunk(reader, &name, at)).await?;
            for (event, private) in chunk.events {
                at = event.seq;
                visit(event, private);
            }
            if at >= chunk.ends.head.seq {
                return Ok(chunk.ends);
            }
        }
    }

    async fn heal(&self, log: &LogId) -> Result<(), ReadError> {
        let name = log.clone();
        let damaged = self.readers.run(move |reader| replay::damaged_behind(reader, &name)).await?;
        let Some(good) = damaged else { return Ok(()) };
        let (reply, answer) = oneshot::channel();
        let healed = self.ask(Command::Heal { log: log.clone(), good, reply }, answer).await;
        healed.map_err(|error| ReadError::Unhealed(log.clone(), error))
    }

    /// Returns the first and last place of a log.
    pub(crate) async fn ends(&self, log: &LogId) -> Result<Ends, ReadError> {
        if let Some(ends) = self.live.ends(log) {
            return Ok(ends);
        }
        let log = log.clone();
        self.readers.run(move |reader| read::locate(reader, &log).map(|located| located.ends)).await
    }

    /// Returns a receiver that every commit to the log wakes. Its value is the seq of the head, or 0 before the first
    /// commit in this process; it closes when the log is deleted.
    pub(crate) fn watch(&self, log: &LogId) -> watch::Receiver<u64> {
        self.live.watch(log)
    }

    /// Returns how many wait for commits to the log.
    pub(crate) fn watchers(&self, log: &LogId) -> usize {
        self.live.watchers(log)
    }

    /// Forgets what is kept in memory of a log, because its session is.
    pub(crate) fn unload(&self, log: &LogId) {
        self.live.unload(log);
    }

    /// Returns the store of large contents.
    pub(crate) const fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Removes the blobs that a daemon which was killed could not remove behind a deletion.
    pub(crate) async fn collect_left_behind(&self) -> Result<(), AppendError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Command::Collect(reply), answer).await
    }

    /// Removes every blob that no log needs, or with `dry` counts them. Looks at all blobs there are.
    pub(crate) async fn collect(&self, dry: bool) -> Result<Collected, ReadError> {
        let blobs = self.blobs.clone();
        self.readers.run(move |reader| Ok(collect::all(reader, &blobs, dry))).await
    }

    /// Tells whether somebody has a blob: a log that names it, or work under way that is to name it.
    pub(crate) async fn is_held(&self, digest: Digest) -> Result<bool, ReadError> {
        // In this order: a batch names a blob before it lets go of it.
        if self.blobs.is_kept(digest) {
            return Ok(true);
        }
        self.readers.run(move |reader| Ok(refs::is_needed(reader, digest)?)).await
    }

    /// Returns the blobs that a log names; not all of them need to be there.
    pub(crate) async fn blobs_of(&self, log: &LogId) -> Result<Vec<Digest>, ReadError> {
        let log = log.clone();
        self.readers.run(move |reader| refs::of_log(reader, &log)).await
    }

    /// Reads a page of a list, newest write first, and the seq of the machine's log that it is true at.
    pub(crate) async fn items(
        &self,
        kind: ItemKind,
        group: Option<&str>,
        after: Option<ItemRank>,
        limit: usize,
    ) -> Result<ItemPage, ReadError> {
        let group = group.map(str::to_owned);
        self.readers.run(move |reader| items::page(reader, kind, group.as_deref(), after, limit)).await
    }

    /// Reads one list item's JSON.
    pub(crate) async fn item(&self, kind: ItemKind, id: &str) -> Result<Option<String>, ReadError> {
        let id = id.to_owned();
        self.readers.run(move |reader| items::one(reader, kind, &id)).await
    }

    /// Tells whether the disk is full, so that nothing new should start. After that it looks whether there is room again.
    pub(crate) fn is_full(&self) -> bool {
        self.ballast.is_full()
    }

    /// Returns a receiver that is woken when the disk has become full, or has room again.
    pub(crate) fn fullness(&self) -> watch::Receiver<bool> {
        self.ballast.changes()
    }

    /// Returns the bytes that are free where the journal is; `None` where the file system does not say.
    pub(crate) fn free_bytes(&self) -> Option<u64> {
        self.ballast.free_bytes()
    }

    /// Walks the chains of one log, or of all logs and of the commits. Changes nothing.
    pub(crate) async fn verify(&self, log: Option<LogId>) -> Result<Verified, ReadError> {
        let mut found = Verified::default();
        if let Some(log) = log {
            self.verify_log(log, &mut found).await?;
            return Ok(found);
        }
        for log in self.readers.run(verify::logs).await? {
            match self.verify_log(log, &mut found).await {
                // Deleted since the names were read.
                Err(ReadError::NoLog(_)) => {}
                done => done?,
            }
        }
        let mut last = None;
        loop {
            (last, found) = self
                .readers
                .run(move |reader| verify::commits(reader, last, &mut found).map(|last| (last, found)))
                .await?;
            if last.is_none() {
                return Ok(found);
            }
        }
    }

    async fn verify_log(&self, log: LogId, found: &mut Verified) -> Result<(), ReadError> {
        let name = log.clone();
        let mut walk = self.readers.run(move |reader| verify::begin(reader, &name)).await?;
        found.logs += 1;
        while let Some(begin) = walk.take() {
            let name = log.clone();
            match self.readers.run(move |reader| verify::walk(reader, &name, begin)).await? {
                Progress::More(next) => {
                    found.events += next.seq - begin.seq;
                    walk = Some(next);
                }
                Progress::End(seq) => {
                    found.events += seq - begin.seq;
                    return Ok(());
                }
                Progress::Broken(seq) => {
                    found.events += seq - begin.seq;
                    found.broken.push(format!("log {log} breaks behind event {seq}"));
                    return Ok(());
                }
            }
        }
        found.broken.push(format!("log {log} has no beginning"));
        Ok(())
    }

    /// Commits what is queued and closes the database. Appends afterwards fail with `Closed`.
    pub(crate) async fn close(self) {
        self.readers.close().await;
        let (done, stopped) = oneshot::channel();
        if self.commands.send(Command::Stop(done)).await.is_ok() {
            // The writer drops the sender once its connection is closed; there is nothing else to hear.
            drop(stopped.await);
        }
    }
}

/// Opens the database for its writer, made and migrated if need be.
fn open_database(directory: &Path, database: &Path) -> Result<Connection, OpenError> {
    state_dir::create_file(database).map_err(|source| created(database, source))?;
    let connection = connection::open(database, connection::WRITER_CACHE_KIB)?;
    if !connection::is_wal(&connection)? {
        let why = "is on a file system without shared memory: set TENON_STATE_DIR to a local directory";
        return Err(OpenError::Refused { path: directory.to_path_buf(), why: why.to_owned() });
    }
    migrate::migrate(&connection, database, schema::STEPS)?;
    Ok(connection)
}

fn created(path: &Path, source: std::io::Error) -> OpenError {
    OpenError::Io { what: "cannot create a file in", path: path.to_path_buf(), source }
}
