//! Writing and deleting beneath the root, atomically and never over what the caller has not seen. Only `changes` may name
//! this module: every write belongs to a change whose pre-image is stored. Not here: that bookkeeping.
//!
//! A file is never opened for writing. New bytes go to a temporary file in the same folder, which then *changes places*
//! with the file; only when the displaced bytes are those that were expected are they removed, else the two change back.
//! So an edit that a person saves at the last moment is found after the fact and not lost. Links are never written
//! through, not even on the way.
pub(crate) mod carry;

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{
    AtFlags, Dir, Mode, OFlags, RenameFlags, fchmod, fchown, fstat, linkat, mkdirat, openat, readlinkat,
    renameat, renameat_with, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;

use crate::base::digest::Digest;
use crate::base::ids::{self, SystemEntropy};
use crate::workspace::error::FileError;
use crate::workspace::identity::{Kind, LINK_MODE, Stat};
use crate::workspace::open::Links;
use crate::workspace::path::RelPath;
use crate::workspace::read::{FILE_BYTES_MAX, FileRead, read_open};
use crate::workspace::root::Root;

/// How our temporary files are named, so that what a crash left behind can be told from everything else.
const TEMPORARY: &str = ".tenon-tmp-";

/// Permission bits of a new file: 0666 under the usual umask. The process has a stricter one for its own state.
const FILE_MODE: u32 = 0o644;

/// Permission bits of a new folder.
const FOLDER_MODE: u32 = 0o755;

/// What must be at a path for a write to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Nothing.
    Absent,
    /// A regular file with these contents.
    Contents(Digest),
    /// A symbolic link with this target.
    Link(Digest),
}

/// A finished write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// The folders that had to be created, outermost first.
    pub(crate) created: Vec<RelPath>,
}

/// Writes a whole file, with these permission bits or else those of the file it replaces (a new one: 0644), and creates the
/// folders above it. With [`LINK_MODE`] it makes a symbolic link whose target the bytes are. The owner is kept where the system allows it. Durable only after [`Root::sync_folder`].
///
/// # Errors
/// What is there is not what was expected; a link on the way; no permission; the disk fails. In every case nothing has
/// changed, except as [`FileError::Displaced`] says.
pub(crate) fn confined_write(
    root: &Root,
    path: &RelPath,
    bytes: &[u8],
    mode: Option<u32>,
    expected: Expected,
) -> Result<Written, FileError> {
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let (path, size_bytes) = (path.clone(), bytes.len() as u64);
        return Err(FileError::TooLarge { path, size_bytes, bytes_max: FILE_BYTES_MAX });
    }
    let place = Place::open(root, path, expected == Expected::Absent)?;
    let outcome = place.write(bytes, mode, expected);
    let written = Written { created: place.created };
    match outcome {
        Ok(()) => Ok(written),
        Err(error) => {
            confined_remove_folders(root, &written.created);
            Err(error)
        }
    }
}

/// Deletes a regular file or a link whose contents are those expected.
///
/// # Errors
/// As [`confined_write`].
pub(crate) fn confined_delete(root: &Root, path: &RelPath, expected: Expected) -> Result<(), FileError> {
    let place = Place::open(root, path, false)?;
    place.require(place.name, expected)?;
    let aside = temporary_name();
    rename_new(place.folder.as_fd(), place.name, OsStr::new(&aside))
        .map_err(|errno| place.failed("delete", errno))?;
    let aside = OsStr::new(&aside);
    if place.holds(aside, expected) {
        return unlinkat(&place.folder, aside, AtFlags::empty())
            .map_err(|errno| place.failed("delete", errno));
    }
    match rename_new(place.folder.as_fd(), aside, place.name) {
        Ok(()) => Err(place.changed()),
        Err(_) => Err(place.displaced(aside)),
    }
}

/// Removes folders, given outermost first, as far as they are empty. Never fails: a folder that is in use stays.
pub(crate) fn confined_remove_folders(root: &Root, folders: &[RelPath]) {
    for folder in folders.iter().rev() {
        if let (Some(parent), Some(name)) = (folder.parent(), folder.file_name())
            && let Ok(parent) = root.open_with(&parent, OFlags::PATH | OFlags::DIRECTORY, Links::Refuse)
        {
            // ENOTEMPTY is the point.
            let _ = unlinkat(parent, name, AtFlags::REMOVEDIR);
        }
    }
}

/// Removes from a folder what a write that a crash cut short left behind: temporary files of ours whose contents `is_known`
/// knows to be stored elsewhere. Anything else stays. Of a link the target is what it contains.
///
/// # Errors
/// The folder cannot be read.
pub(crate) fn confined_sweep(
    root: &Root,
    folder: &RelPath,
    is_known: &dyn Fn(&[u8]) -> bool,
) -> Result<(), FileError> {
    let failed = |errno| FileError::from_errno(folder, "sweep", errno);
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let fd = root.open_with(folder, flags, Links::Refuse).map_err(failed)?;
    for entry in Dir::read_from(&fd).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name.as_bytes().starts_with(TEMPORARY.as_bytes())
            && let Ok(path) = folder.join(name)
            && contents(root, &path).is_some_and(|bytes| is_known(&bytes))
        {
            unlinkat(&fd, name, AtFlags::empty()).map_err(failed)?;
        }
    }
    Ok(())
}

/// Returns what a temporary file or link contains.
fn contents(root: &Root, path: &RelPath) -> Option<Vec<u8>> {
    match root.stat(path).ok()??.kind {
        Kind::Link => root.read_link(path).ok(),
        Kind::File => root.read(path).ok().map(|file| file.bytes),
        Kind::Folder | Kind::Special => None,
    }
}

/// A name in an open folder.
struct Place<'a> {
    path: &'a RelPath,
    name: &'a OsStr,
    folder: OwnedFd,
    created: Vec<RelPath>,
}

impl<'a> Place<'a> {
    fn open(root: &Root, path: &'a RelPath, create: bool) -> Result<Self, FileError> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(FileError::Folder(path.clone()));
        };
        let (folder, created) = open_folder(root, &parent, create)
            .map_err(|errno| FileError::from_errno(path, "open the folder of", errno))?;
        Ok(Self { path, name, folder, created })
    }

    fn write(&self, bytes: &[u8], mode: Option<u32>, expected: Expected) -> Result<(), FileError> {
        let temporary = temporary_name();
        let temporary = OsStr::new(&temporary);
        let outcome = self.fill(temporary, bytes, mode, expected).and_then(|()| match expected {
            Expected::Absent => self.place_new(temporary),
            Expected::Contents(_) | Expected::Link(_) => {
                let digest = Digest::of(bytes);
                let is_link = is_link(mode, expected);
                let ours = if is_link { Expected::Link(digest) } else { Expected::Contents(digest) };
                self.exchange(temporary, expected, ours)
            }
        });
        if !matches!(outcome, Ok(()) | Err(FileError::Displaced { .. })) {
            // It may never have been made.
            let _ = unlinkat(&self.folder, temporary, AtFlags::empty());
        }
        outcome
    }

    /// Makes the temporary file, complete and on the disk.
    fn fill(
        &self,
        temporary: &OsStr,
        bytes: &[u8],
        mode: Option<u32>,
        expected: Expected,
    ) -> Result<(), FileError> {
        let replaced = match expected {
            Expected::Absent => None,
            Expected::Contents(_) | Expected::Link(_) => Some(self.require(self.name, expected)?),
        };
        let failed = |errno| self.failed("write", errno);
        if is_link(mode, expected) {
            return symlinkat(OsStr::from_bytes(bytes), &self.folder, temporary).map_err(failed);
        }
        let replaced = replaced.filter(|stat| stat.kind == Kind::File);
        let mode = mode.or(replaced.map(|stat| stat.mode)).unwrap_or(FILE_MODE);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&self.folder, temporary, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
        if let Some(stat) = replaced {
            let mine = Stat::from(fstat(&fd).map_err(failed)?);
            if (mine.uid, mine.gid) != (stat.uid, stat.gid) {
                // Only root may give files away; whoever may not keeps the file as their own, as every editor does.
                let (uid, gid) = (rustix::fs::Uid::from_raw(stat.uid), rustix::fs::Gid::from_raw(stat.gid));
                let _ = fchown(&fd, Some(uid), Some(gid));
            }
        }
        // After the owner: a change of owner clears bits.
        fchmod(&fd, Mode::from_raw_mode(mode)).map_err(failed)?;
        let mut file = File::from(fd);
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .map_err(|source| FileError::from_io(self.path, "write", source))
    }

    fn place_new(&self, temporary: &OsStr) -> Result<(), FileError> {
        match rename_new(self.folder.as_fd(), temporary, self.name) {
            Ok(()) => Ok(()),
            Err(Errno::EXIST) => Err(self.changed()),
            Err(errno) => Err(self.failed("create", errno)),
        }
    }

    /// Changes places with the file, looks at what was displaced, and changes back if that is not what was expected.
    fn exchange(&self, temporary: &OsStr, expected: Expected, ours: Expected) -> Result<(), FileError> {
        // In this order, which is the kernel's for what it tells: whoever watches the name sees a file go and one come. The other
        // way round a file comes and goes, and some editors then believe that there is none.
        let swap = || renameat_with(&self.folder, self.name, &self.folder, temporary, RenameFlags::EXCHANGE);
        match swap() {
            Ok(()) => {}
            // A file system without exchange: look once more and replace. The window is microseconds, not none.
            Err(Errno::INVAL | Errno::NOSYS) => {
                self.require(self.name, expected)?;
                return renameat(&self.folder, temporary, &self.folder, self.name)
                    .map_err(|errno| self.failed("replace", errno));
            }
            Err(Errno::NOENT) => return Err(self.changed()),
            Err(errno) => return Err(self.failed("replace", errno)),
        }
        if self.holds(temporary, expected) {
            return unlinkat(&self.folder, temporary, AtFlags::empty())
                .map_err(|errno| self.failed("replace", errno));
        }
        // Back; and if the name was taken yet again meanwhile, what came out is not ours and stays where it is.
        if swap().is_ok() && self.holds(temporary, ours) {
            Err(self.changed())
        } else {
            Err(self.displaced(temporary))
        }
    }

    /// Tells whether a name holds this.
    fn holds(&self, name: &OsStr, expected: Expected) -> bool {
        match expected {
            Expected::Absent => false,
            Expected::Contents(digest) => self.read(name).is_ok_and(|file| file.digest == digest),
            Expected::Link(digest) => self.link(name).is_ok_and(|found| found == digest),
        }
    }

    /// Returns the digest of a link's target.
    fn link(&self, name: &OsStr) -> Result<Digest, Errno> {
        readlinkat(&self.folder, name, Vec::new()).map(|target| Digest::of(target.as_bytes()))
    }

    /// Requires that a name holds this.
    fn require(&self, name: &OsStr, expected: Expected) -> Result<Stat, FileError> {
        let expected = match expected {
            Expected::Contents(digest) => digest,
            Expected::Link(digest) => {
                return match self.link(name) {
                    Ok(found) if found == digest => {
                        let stat = statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW);
                        stat.map(Stat::from).map_err(|errno| self.failed("read", errno))
                    }
                    // Another link, or none at all.
                    Ok(_) | Err(Errno::INVAL | Errno::NOENT) => Err(self.changed()),
                    Err(errno) => Err(self.failed("read", errno)),
                };
            }
            Expected::Absent => return Err(self.changed()),
        };
        let (file, stat) = match self.read_stat(name) {
            Ok(found) => found,
            Err(FileError::NotFound(path)) => return Err(FileError::Changed { path, found: None }),
            Err(error) => return Err(error),
        };
        if file.digest == expected {
            Ok(stat)
        } else {
            Err(FileError::Changed { path: self.path.clone(), found: Some(file.digest) })
        }
    }

    fn read(&self, name: &OsStr) -> Result<FileRead, FileError> {
        self.read_stat(name).map(|(file, _)| file)
    }

    fn read_stat(&self, name: &OsStr) -> Result<(FileRead, Stat), FileError> {
        let failed = |errno| self.failed("read", errno);
        let open =
            |flags| openat(&self.folder, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty());
        // As in `open_regular`: a handle that opens nothing first.
        let refuse = |stat: Stat| match stat.kind {
            Kind::File => Ok(stat),
            Kind::Folder => Err(FileError::Folder(self.path.clone())),
            Kind::Link => Err(FileError::Link(self.path.clone())),
            Kind::Special => Err(FileError::Special(self.path.clone())),
        };
        refuse(fstat(open(OFlags::PATH).map_err(failed)?).map_err(failed)?.into())?;
        let fd = open(OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY).map_err(failed)?;
        let stat = refuse(fstat(&fd).map_err(failed)?.into())?;
        Ok((read_open(fd, stat, self.path)?, stat))
    }

    fn failed(&self, action: &'static str, errno: Errno) -> FileError {
        FileError::from_errno(self.path, action, errno)
    }

    fn changed(&self) -> FileError {
        let found = self.read(self.name).ok().map(|file| file.digest);
        FileError::Changed { path: self.path.clone(), found }
    }

    fn displaced(&self, kept: &OsStr) -> FileError {
        let kept = self.path.parent().and_then(|folder| folder.join(kept).ok());
        FileError::Displaced { path: self.path.clone(), kept: kept.unwrap_or_else(RelPath::root) }
    }
}

/// Opens a folder, and with `create` makes it and those above it first; returns the ones made, outermost first.
fn open_folder(root: &Root, folder: &RelPath, create: bool) -> Result<(OwnedFd, Vec<RelPath>), Errno> {
    let mut missing = Vec::new();
    let mut at = folder.clone();
    let mut fd = loop {
        match root.open_with(&at, OFlags::PATH | OFlags::DIRECTORY, Links::Refuse) {
            Ok(fd) => break fd,
            Err(Errno::NOENT) if create => {
                let parent = at.parent().ok_or(Errno::NOENT)?;
                missing.push(std::mem::replace(&mut at, parent));
            }
            Err(errno) => return Err(errno),
        }
    };
    let mut created = Vec::new();
    for folder in missing.into_iter().rev() {
        match make_folder(fd.as_fd(), &folder) {
            Ok((made, new)) => {
                fd = made;
                if new {
                    created.push(folder);
                }
            }
            Err(errno) => {
                confined_remove_folders(root, &created);
                return Err(errno);
            }
        }
    }
    Ok((fd, created))
}

fn make_folder(parent: BorrowedFd<'_>, folder: &RelPath) -> Result<(OwnedFd, bool), Errno> {
    let name = folder.file_name().ok_or(Errno::INVAL)?;
    let new = match mkdirat(parent, name, Mode::from_raw_mode(FOLDER_MODE)) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(errno) => return Err(errno),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = openat(parent, name, flags, Mode::empty())?;
    if new {
        // The umask of the process has taken bits away.
        fchmod(&fd, Mode::from_raw_mode(FOLDER_MODE))?;
    }
    Ok((fd, new))
}

/// Tells whether a link is to be written: where no mode is given, what was there stays what it is.
const fn is_link(mode: Option<u32>, expected: Expected) -> bool {
    match mode {
        Some(mode) => mode == LINK_MODE,
        None => matches!(expected, Expected::Link(_)),
    }
}

/// Renames without ever replacing.
fn rename_new(folder: BorrowedFd<'_>, from: &OsStr, to: &OsStr) -> Result<(), Errno> {
    match renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE) {
        // A file system without it: a hard link refuses an existing name just the same.
        Err(Errno::INVAL | Errno::NOSYS) => {
            linkat(folder, from, folder, to, AtFlags::empty())?;
            unlinkat(folder, from, AtFlags::empty())
        }
        result => result,
    }
}

fn temporary_name() -> String {
    format!("{TEMPORARY}{}", ids::unique(&SystemEntropy))
}

#[cfg(test)]
mod tests;
