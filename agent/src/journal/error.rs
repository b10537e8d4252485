//! What can go wrong with the journal. Not here: which code a client gets.
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tenon_protocol::cursor::Cursor;
use tenon_protocol::version::EVENT_BYTES_MAX;

use crate::base::digest::Digest;
use crate::journal::log_id::LogId;

/// Why the state directory or the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// A file or directory could not be made or read.
    #[error("{what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The directory, or the database in it, is not what it should be.
    #[error("state directory {} {why}", path.display())]
    Refused {
        /// The state directory.
        path: PathBuf,
        /// What is wrong, to follow its name.
        why: String,
    },
    /// A newer version of the program wrote the database.
    #[error(
        "the state directory was written by a newer tenon (its journal has schema {found}, this one knows up to {known}): use the newer one; nothing was changed"
    )]
    Newer {
        /// The database's schema.
        found: u32,
        /// The newest this program knows.
        known: u32,
    },
    /// The journal could not be taken over.
    #[error("the journal cannot be taken over")]
    Claim(#[source] AppendError),
    /// The database refused.
    #[error("the journal cannot be opened")]
    Storage(#[source] Arc<rusqlite::Error>),
}

/// Why a batch was not committed. None of it is on disk then.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum AppendError {
    /// Another process owns the state directory now; this one never writes again.
    #[error("another process owns the journal now")]
    Fenced,
    /// The disk is full, the reserve included.
    #[error("the disk is full")]
    StorageFull,
    /// Another process holds the database for too long.
    #[error("the journal is busy")]
    StorageBusy,
    /// The log does not exist.
    #[error("log {0} does not exist")]
    NoLog(LogId),
    /// The log was to be created and exists.
    #[error("log {0} exists already")]
    LogExists(LogId),
    /// An event could not be serialised.
    #[error("an event of log {0} cannot be serialised")]
    Unserialisable(LogId, #[source] Arc<serde_json::Error>),
    /// An event is larger than a message may be.
    #[error("an event {kind} of log {log} takes {bytes} bytes, and may take {EVENT_BYTES_MAX}")]
    TooLarge {
        /// The log.
        log: LogId,
        /// The event's type.
        kind: &'static str,
        /// What it takes as JSON.
        bytes: usize,
    },
    /// A large content that an event refers to could not be stored.
    #[error("a large content cannot be stored: {0}")]
    Content(String),
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// The database refused.
    #[error("the journal cannot be written")]
    Storage(#[source] Arc<rusqlite::Error>),
}

/// Why a log could not be read.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The log does not exist.
    #[error("log {0} does not exist")]
    NoLog(LogId),
    /// The cursor is older than the log, of another epoch, or beyond its head.
    #[error("the cursor does not fit the log: it holds {first} to {head}")]
    CursorExpired {
        /// The first event that is kept.
        first: Cursor,
        /// The last event.
        head: Cursor,
    },
    /// An event that this program cannot read: a newer one wrote it, or the disk damaged it.
    #[error("event {seq} of log {log} cannot be read")]
    Unreadable {
        /// The log.
        log: LogId,
        /// The event.
        seq: u64,
        /// Why.
        #[source]
        source: Arc<serde_json::Error>,
    },
    /// The damaged end of the log could not be set aside.
    #[error("the end of log {0} is damaged and cannot be set aside")]
    Unhealed(LogId, #[source] AppendError),
    /// The reading thread was ended.
    #[error("the journal is closed")]
    Closed,
    /// The database refused.
    #[error("the journal cannot be read")]
    Storage(#[source] Arc<rusqlite::Error>),
}

/// Why a blob was not stored or found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlobError {
    /// No blob of that digest.
    #[error("no content with digest {0}")]
    NotFound(Digest),
    /// What is stored under the digest is something else.
    #[error("the stored content of {0} is damaged")]
    Damaged(Digest),
    /// Larger than `BLOB_BYTES_MAX`.
    #[error("content of {0} bytes is too large to be stored")]
    TooLarge(usize),
    /// The disk is full.
    #[error("the disk is full")]
    StorageFull,
    /// The file system refused.
    #[error("content cannot be stored or read")]
    Io(#[from] io::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(Arc::new(error))
    }
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(Arc::new(error))
    }
}

impl From<rusqlite::Error> for AppendError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::StorageFull,
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                Self::StorageBusy
            }
            _ => Self::Storage(Arc::new(error)),
        }
    }
}
