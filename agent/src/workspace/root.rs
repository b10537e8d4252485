//! The workspace root: a path and an open handle on it. Not here: finding the root of a project (`cli`).
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, fsync, openat, statat};
use rustix::io::Errno;

use crate::workspace::error::FileError;
use crate::workspace::identity::Stat;
use crate::workspace::open::{self, Links};
use crate::workspace::path::{PathError, RelPath};
use crate::workspace::text;

/// The root of a workspace. Cheap to clone; the handle stays open as long as one clone lives, so the workspace stays the
/// same folder even if somebody renames it.
#[derive(Clone, Debug)]
pub(crate) struct Root(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Absolute, links resolved.
    path: PathBuf,
    /// As it was asked for, so that paths which begin with the unresolved name are understood too.
    given: PathBuf,
    /// Opened with `O_PATH`: every lookup begins here.
    dir: OwnedFd,
}

/// Why a folder cannot be a workspace.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RootError {
    /// The path is relative.
    #[error("the workspace `{0}` is not an absolute path")]
    Relative(String),
    /// The folder is absent, no folder, or closed to us.
    #[error("cannot open the workspace `{path}`")]
    Open {
        /// The folder.
        path: String,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
}

impl Root {
    /// Opens a folder as a workspace. Links in `path` are resolved now, once.
    ///
    /// # Errors
    /// The path is relative, or not a folder that can be opened.
    pub(crate) fn open(path: &Path) -> Result<Self, RootError> {
        let name = || text::escape(&path.to_string_lossy()).into_owned();
        if !path.is_absolute() {
            return Err(RootError::Relative(name()));
        }
        let canonical = path.canonicalize().map_err(|source| RootError::Open { path: name(), source })?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let dir = openat(CWD, &canonical, flags, Mode::empty())
            .map_err(|errno| RootError::Open { path: name(), source: errno.into() })?;
        Ok(Self(Arc::new(Inner { path: canonical, given: path.to_owned(), dir })))
    }

    /// Returns the absolute path, links resolved.
    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Returns the absolute name of a path, for people and for commands; never for opening it here.
    pub(crate) fn absolute(&self, path: &RelPath) -> PathBuf {
        if path.is_root() { self.0.path.clone() } else { self.0.path.join(path.as_path()) }
    }

    /// Turns what a model or a person wrote, absolute beneath the root or relative to it, into a path of the workspace. `..`
    /// is taken literally as "without the name before it". Nothing is looked up.
    ///
    /// # Errors
    /// The path lies outside, or is no path at all.
    pub(crate) fn resolve(&self, input: &str) -> Result<RelPath, PathError> {
        let outside = || PathError::Outside {
            path: text::escape(input).into_owned(),
            root: text::escape(&self.0.path.to_string_lossy()).into_owned(),
        };
        let path = Path::new(input);
        let relative = if path.is_absolute() {
            [&self.0.path, &self.0.given].into_iter().find_map(|root| path.strip_prefix(root).ok())
        } else {
            Some(path)
        };
        RelPath::parse(relative.ok_or_else(outside)?).map_err(|error| match error {
            PathError::Outside { .. } => outside(),
            other @ (PathError::Nul | PathError::TooLong | PathError::Encoding(_)) => other,
        })
    }

    /// Returns `path` with every link resolved: the name that rules and protected paths are checked against. What does not
    /// exist yet keeps its name.
    ///
    /// # Errors
    /// A link leads out of the workspace, or a folder on the way cannot be entered.
    pub(crate) fn canonical(&self, path: &RelPath) -> Result<RelPath, FileError> {
        open::canonical(self.dir(), self.path(), path)
            .map_err(|errno| FileError::from_errno(path, "look up", errno))
    }

    /// Returns what the kernel says about a name, without following a link at its end; `None` if there is nothing.
    ///
    /// # Errors
    /// The way there leads outside, or is closed to us.
    pub(crate) fn stat(&self, path: &RelPath) -> Result<Option<Stat>, FileError> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            let raw = statat(self.dir(), ".", AtFlags::SYMLINK_NOFOLLOW);
            return raw
                .map(|raw| Some(raw.into()))
                .map_err(|errno| FileError::from_errno(path, "look up", errno));
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let raw = self
            .open_with(&parent, flags, Links::Follow)
            .and_then(|parent| statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW));
        match raw {
            Ok(raw) => Ok(Some(raw.into())),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(FileError::from_errno(path, "look up", errno)),
        }
    }

    /// Makes what was renamed, created or removed in a folder last over a power failure.
    ///
    /// # Errors
    /// The folder is gone, or the disk fails.
    pub(crate) fn sync_folder(&self, folder: &RelPath) -> Result<(), FileError> {
        self.open_with(folder, OFlags::RDONLY | OFlags::DIRECTORY, Links::Refuse)
            .and_then(fsync)
            .map_err(|errno| FileError::from_errno(folder, "sync", errno))
    }

    pub(super) fn dir(&self) -> BorrowedFd<'_> {
        self.0.dir.as_fd()
    }

    pub(super) fn open_with(&self, path: &RelPath, flags: OFlags, links: Links) -> Result<OwnedFd, Errno> {
        open::open(self.dir(), self.path(), path, flags, links)
    }
}

#[cfg(test)]
mod tests;
