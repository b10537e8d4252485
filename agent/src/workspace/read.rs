//! Reading whole regular files, bounded. Not here: paging and numbering lines (`text`).
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use rustix::fs::{OFlags, fstat, readlinkat};

use crate::base::digest::Digest;
use crate::workspace::error::FileError;
use crate::workspace::identity::{Identity, Kind, Stat};
use crate::workspace::open::Links;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// The largest file that is read or written, in bytes: more than any source file, little enough to hold a few in memory.
pub(crate) const FILE_BYTES_MAX: u64 = 32 << 20;

/// A file as it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileRead {
    /// The contents.
    pub(crate) bytes: Vec<u8>,
    /// The digest of `bytes`.
    pub(crate) digest: Digest,
    /// The permission bits, 0–07777.
    pub(crate) mode: u32,
    /// The stat identity from just before the first byte was read: a write during the read shows as a difference.
    pub(crate) identity: Identity,
}

impl Root {
    /// Reads a regular file whole. Links are followed as long as they stay inside.
    ///
    /// # Errors
    /// Absent, outside, a folder, a FIFO, socket or device (at once, without opening it), over [`FILE_BYTES_MAX`], or
    /// unreadable.
    pub(crate) fn read(&self, path: &RelPath) -> Result<FileRead, FileError> {
        let (fd, stat) = self.open_regular(path, Links::Follow)?;
        read_open(fd, stat, path)
    }

    /// Returns the target of a symbolic link, as it is written there.
    ///
    /// # Errors
    /// Absent, outside, no link, or behind one.
    pub(crate) fn read_link(&self, path: &RelPath) -> Result<Vec<u8>, FileError> {
        let failed = |errno| FileError::from_errno(path, "read", errno);
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        let link = self.open_with(path, flags, Links::Refuse).map_err(failed)?;
        // An empty name is the link itself; of anything else it is EINVAL or ENOENT.
        readlinkat(&link, "", Vec::new()).map(std::ffi::CString::into_bytes).map_err(failed)
    }

    /// Opens a regular file for reading. It is looked at through a handle that opens nothing first, so that no FIFO's
    /// writer wakes up and no device is touched.
    pub(super) fn open_regular(&self, path: &RelPath, links: Links) -> Result<(OwnedFd, Stat), FileError> {
        let failed = |errno| FileError::from_errno(path, "open", errno);
        let seen = self.open_with(path, OFlags::PATH, links).map_err(failed)?;
        refuse_irregular(path, fstat(&seen).map_err(failed)?.into())?;
        // NONBLOCK: if the name became a FIFO in between, this still returns, and the second look refuses it.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = self.open_with(path, flags, links).map_err(failed)?;
        let stat = Stat::from(fstat(&fd).map_err(failed)?);
        refuse_irregular(path, stat)?;
        Ok((fd, stat))
    }
}

/// Reads an open regular file whole.
pub(super) fn read_open(fd: OwnedFd, stat: Stat, path: &RelPath) -> Result<FileRead, FileError> {
    let size_bytes = stat.identity.size_bytes;
    let mut bytes = Vec::with_capacity(usize::try_from(size_bytes.min(FILE_BYTES_MAX)).unwrap_or(0) + 1);
    // One byte over the limit is enough to know that a file has grown past it.
    File::from(fd)
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| FileError::from_io(path, "read", source))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(too_large(path, bytes.len() as u64));
    }
    Ok(FileRead { digest: Digest::of(&bytes), bytes, mode: stat.mode, identity: stat.identity })
}

fn refuse_irregular(path: &RelPath, stat: Stat) -> Result<(), FileError> {
    match stat.kind {
        Kind::File if stat.identity.size_bytes > FILE_BYTES_MAX => {
            Err(too_large(path, stat.identity.size_bytes))
        }
        Kind::File => Ok(()),
        Kind::Folder => Err(FileError::Folder(path.clone())),
        Kind::Link => Err(FileError::Link(path.clone())),
        Kind::Special => Err(FileError::Special(path.clone())),
    }
}

fn too_large(path: &RelPath, size_bytes: u64) -> FileError {
    FileError::TooLarge { path: path.clone(), size_bytes, bytes_max: FILE_BYTES_MAX }
}
