//! Removes blobs that no log needs any more. Not here: which those are (`refs`), and what keeps one that is not committed yet
//! (`blobs`).
//!
//! A deletion notes its orphans in the transaction that makes them ones. Their files go behind it, and then the notes: whatever
//! moment a crash comes at, what is noted is tried again, and nothing that a log needs is ever removed.
use rusqlite::Connection;

use crate::base::digest::Digest;
use crate::journal::blobs::{Blobs, Removal};
use crate::journal::error::AppendError;
use crate::journal::{connection, refs, write};

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Collected {
    /// Blobs.
    pub(crate) blobs: u64,
    /// Their bytes on the disk.
    pub(crate) bytes: u64,
}

impl Collected {
    fn add(&mut self, bytes: u64) {
        self.blobs += 1;
        self.bytes += bytes;
    }
}

/// Removes the orphans that are noted. One that is kept for a batch under way stays noted.
pub(in crate::journal) fn orphans(
    connection: &Connection,
    term: u64,
    blobs: &Blobs,
) -> Result<(), AppendError> {
    let mut statement = connection.prepare("SELECT digest FROM orphans")?;
    let noted = statement.query_map([], |row| row.get::<_, [u8; 32]>(0).map(Digest::from_bytes))?;
    let noted = noted.collect::<rusqlite::Result<Vec<_>>>()?;
    if noted.is_empty() {
        return Ok(());
    }
    write::fence(connection, term)?;
    let mut done = Vec::new();
    for digest in noted {
        match blobs.remove(digest, || refs::is_needed(connection, digest).unwrap_or(true)) {
            Ok(Removal::Kept) => {}
            Ok(Removal::Needed | Removal::Gone(_)) => done.push(digest),
            Err(error) => tracing::warn!(%digest, %error, "a blob cannot be removed"),
        }
    }
    connection::transaction(connection, || {
        write::fence(connection, term)?;
        let mut delete = connection.prepare("DELETE FROM orphans WHERE digest = ?1")?;
        for digest in &done {
            delete.execute([digest.as_bytes()])?;
        }
        Ok(())
    })
}

/// Removes all blobs that no log needs, such as those of a batch that a crash cut off; `dry` only counts them.
pub(in crate::journal) fn all(connection: &Connection, blobs: &Blobs, dry: bool) -> Collected {
    let mut collected = Collected::default();
    for digest in blobs.all() {
        let needed = || refs::is_needed(connection, digest).unwrap_or(true);
        let removal = if dry { blobs.would_remove(digest, needed) } else { blobs.remove(digest, needed) };
        match removal {
            Ok(Removal::Gone(bytes)) => collected.add(bytes),
            Ok(Removal::Kept | Removal::Needed) => {}
            Err(error) => tracing::warn!(%digest, %error, "a blob cannot be removed"),
        }
    }
    collected
}
