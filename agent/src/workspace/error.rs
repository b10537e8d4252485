//! Why a file of the workspace could not be read or written. Not here: bad paths (`path`).
use rustix::io::Errno;

use crate::base::digest::Digest;
use crate::workspace::path::{PathError, RelPath};

/// Why an access to a file failed. Every message names the path and, where there is one, the way on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// The path itself is bad.
    #[error(transparent)]
    Path(#[from] PathError),
    /// Nothing has this name.
    #[error("`{0}` does not exist")]
    NotFound(RelPath),
    /// The name leads out of the workspace, over a link.
    #[error("`{0}` leads out of the workspace through a link")]
    Outside(RelPath),
    /// It is a folder.
    #[error("`{0}` is a folder")]
    Folder(RelPath),
    /// It is no folder.
    #[error("`{0}` is not a folder")]
    NotFolder(RelPath),
    /// It is a FIFO, a socket or a device.
    #[error("`{0}` is a FIFO, socket or device; only regular files are read and written")]
    Special(RelPath),
    /// The file is over the limit.
    #[error("`{path}` has {size_bytes} bytes; the limit is {bytes_max}")]
    TooLarge {
        /// The file.
        path: RelPath,
        /// Its length.
        size_bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// A write would go through a link.
    #[error("`{0}` is a link or lies behind one; links are never written through, name the file itself")]
    Link(RelPath),
    /// The operating system denies it.
    #[error("no permission for `{0}`")]
    Denied(RelPath),
    /// The file is not what the caller had seen; nothing was written.
    #[error("`{path}` changed in the meantime; nothing was written to it")]
    Changed {
        /// The file.
        path: RelPath,
        /// The digest of what is there now; `None` if there is nothing.
        found: Option<Digest>,
    },
    /// A write found another name in its way that could not be put back; the person's bytes lie in the named file.
    #[error("`{path}` was edited during the write; the edited bytes are in `{kept}`")]
    Displaced {
        /// The file.
        path: RelPath,
        /// Where the bytes are.
        kept: RelPath,
    },
    /// Anything else.
    #[error("cannot {action} `{path}`")]
    Io {
        /// The file.
        path: RelPath,
        /// What was tried.
        action: &'static str,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
}

impl FileError {
    /// Returns the error for what the kernel answered when `action` was tried on `path`.
    pub(super) fn from_errno(path: &RelPath, action: &'static str, errno: Errno) -> Self {
        let path = path.clone();
        match errno {
            Errno::NOENT => Self::NotFound(path),
            Errno::XDEV => Self::Outside(path),
            Errno::LOOP => Self::Link(path),
            Errno::ISDIR => Self::Folder(path),
            Errno::NOTDIR => Self::NotFolder(path),
            Errno::ACCESS | Errno::PERM | Errno::ROFS => Self::Denied(path),
            other => Self::Io { path, action, source: other.into() },
        }
    }

    /// Returns the error for a failed read or write of an open file.
    pub(super) fn from_io(path: &RelPath, action: &'static str, source: std::io::Error) -> Self {
        match source.raw_os_error() {
            Some(code) => Self::from_errno(path, action, Errno::from_raw_os_error(code)),
            None => Self::Io { path: path.clone(), action, source },
        }
    }
}
