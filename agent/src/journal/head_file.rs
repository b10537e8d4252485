//! The head file: the last commit, written beside the database after each. Not here: what a difference means (`recovery`).
//!
//! It is written without fsync. Behind the database is normal after a power cut; ahead of it means that the database lost
//! commits that had been acknowledged.
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::journal::chain::Link;

/// The file's name in the state directory, and its size.
const NAME: &str = "head";
const LEN: usize = 64;

/// The first bytes of the file; the digit counts formats.
const MAGIC: &[u8; 8] = b"tenonhd1";

/// The last commit: number, term and link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::journal) struct CommitHead {
    pub(in crate::journal) number: u64,
    pub(in crate::journal) term: u64,
    pub(in crate::journal) hash: Link,
}

/// The open file.
#[derive(Debug)]
pub(in crate::journal) struct HeadFile(File);

impl HeadFile {
    /// Opens the file, or makes it with mode 0600.
    pub(in crate::journal) fn open(directory: &Path) -> io::Result<Self> {
        let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(flags)
            .open(directory.join(NAME))?;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        Ok(Self(file))
    }

    /// Reads what the last owner wrote; `None` if there is nothing, or nothing whole.
    pub(in crate::journal) fn read(&self) -> Option<CommitHead> {
        let mut bytes = [0; LEN];
        self.0.read_exact_at(&mut bytes, 0).ok()?;
        decode(&bytes)
    }

    /// Writes the commit. A failure is not told: the file only ever helps to notice a loss.
    pub(in crate::journal) fn write(&self, head: &CommitHead) {
        if let Err(error) = self.0.write_all_at(&encode(head), 0) {
            tracing::debug!(%error, "the head file cannot be written");
        }
    }
}

fn encode(head: &CommitHead) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..16].copy_from_slice(&head.number.to_le_bytes());
    bytes[16..24].copy_from_slice(&head.term.to_le_bytes());
    bytes[24..56].copy_from_slice(&head.hash);
    let sum = blake3::hash(&bytes[..56]);
    bytes[56..].copy_from_slice(&sum.as_bytes()[..8]);
    bytes
}

fn decode(bytes: &[u8; LEN]) -> Option<CommitHead> {
    let sum = blake3::hash(&bytes[..56]);
    if &bytes[..8] != MAGIC || bytes[56..] != sum.as_bytes()[..8] {
        return None;
    }
    Some(CommitHead {
        number: u64::from_le_bytes(bytes[8..16].try_into().ok()?),
        term: u64::from_le_bytes(bytes[16..24].try_into().ok()?),
        hash: bytes[24..56].try_into().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_back_and_a_torn_one_is_not() {
        let head = CommitHead { number: 7, term: 2, hash: [9; 32] };
        let mut bytes = encode(&head);
        assert_eq!(decode(&bytes), Some(head));
        bytes[20] ^= 1;
        assert_eq!(decode(&bytes), None);
        assert_eq!(decode(&[0; LEN]), None);
    }
}
