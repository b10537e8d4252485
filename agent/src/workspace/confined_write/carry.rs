//! Carrying over what a command left in a layer and no change holds: large files, ignored folders, times and modes. Not here:
//! which that is (`changes`).
//!
//! Where the layer lies on the workspace's file system everything is renamed into place, so its size does not count and
//! names of one file stay names of one file; elsewhere it is copied, and each file still appears whole.
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, Timespec, Timestamps, chmodat, fchmod, fremovexattr, futimens,
    mkdirat, openat, readlinkat, renameat, renameat_with, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;

use crate::workspace::confined_write::{open_folder, temporary_name};
use crate::workspace::error::FileError;
use crate::workspace::identity::{Kind, Stat};
use crate::workspace::layer::{Entry, OPAQUE};
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// How deep folders are followed; the kernel's longest path has no more.
const DEPTH_MAX: usize = 2_048;

/// Brings a name of a layer, and all beneath it, into the workspace as the layer shows it. `keep_out` tells which names stay
/// where they are.
///
/// # Errors
/// The disk refuses; what was carried before stays.
pub(crate) fn confined_carry(
    layer: &Root,
    root: &Root,
    entry: &Entry,
    keep_out: &dyn Fn(&RelPath) -> bool,
) -> Result<(), FileError> {
    Carrier { layer, root, keep_out }.carry(entry, DEPTH_MAX)
}

/// Sets the time of last modification, in nanoseconds since the Unix epoch, of a file, a link or a folder.
///
/// # Errors
/// It is gone, or the system refuses.
pub(crate) fn confined_times(root: &Root, path: &RelPath, modified_ns: i128) -> Result<(), FileError> {
    let (folder, name) = place(root, path, false)?;
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    utimensat(folder, name, &times(modified_ns), flags)
        .map_err(|errno| FileError::from_errno(path, "set the time of", errno))
}

/// Makes a folder with these permission bits, those above it included, or gives one that is there these bits.
///
/// # Errors
/// Something else is there, or the system refuses.
pub(crate) fn confined_folder(root: &Root, path: &RelPath, mode: u32) -> Result<(), FileError> {
    let failed = |errno| FileError::from_errno(path, "make", errno);
    let (folder, name) = place(root, path, true)?;
    match mkdirat(&folder, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(errno) => return Err(failed(errno)),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made = openat(&folder, name, flags, Mode::empty()).map_err(failed)?;
    fchmod(made, Mode::from_raw_mode(mode)).map_err(failed)
}

/// Gives a file these permission bits and this time, as it is.
fn dress(fd: &OwnedFd, stat: &Stat) -> Result<(), Errno> {
    fchmod(fd, Mode::from_raw_mode(stat.mode))?;
    futimens(fd, &times(stat.identity.modified_ns))
}

fn times(modified_ns: i128) -> Timestamps {
    let second = 1_000_000_000;
    let modified = Timespec {
        tv_sec: i64::try_from(modified_ns.div_euclid(second)).unwrap_or(0),
        tv_nsec: i64::try_from(modified_ns.rem_euclid(second)).unwrap_or(0),
    };
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
        last_modification: modified,
    }
}

fn place<'p>(root: &Root, path: &'p RelPath, create: bool) -> Result<(OwnedFd, &'p OsStr), FileError> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(FileError::Folder(path.clone()));
    };
    let (folder, _) = open_folder(root, &parent, create)
        .map_err(|errno| FileError::from_errno(path, "open the folder of", errno))?;
    Ok((folder, name))
}

struct Carrier<'a> {
    layer: &'a Root,
    root: &'a Root,
    keep_out: &'a dyn Fn(&RelPath) -> bool,
}

impl Carrier<'_> {
    fn carry(&self, entry: &Entry, depth: usize) -> Result<(), FileError> {
        let path = &entry.path;
        if (self.keep_out)(path) || depth == 0 {
            return Ok(());
        }
        let there = self.root.stat(path)?.map(|stat| stat.kind);
        if entry.is_hidden {
            return if there.is_some() { self.remove(path, depth) } else { Ok(()) };
        }
        if entry.stat.kind != Kind::Folder {
            if there == Some(Kind::Folder) {
                self.remove(path, depth)?;
            }
            return self.rename(entry, depth);
        }
        let is_opaque = self.layer.is_opaque(path);
        match there {
            Some(Kind::Folder) if !is_opaque => {}
            Some(_) => {
                self.remove(path, depth)?;
                return self.rename(entry, depth);
            }
            None => return self.rename(entry, depth),
        }
        for beneath in self.layer.entries(path)? {
            self.carry(&beneath, depth - 1)?;
        }
        confined_folder(self.root, path, entry.stat.mode)?;
        confined_times(self.root, path, entry.stat.identity.modified_ns)
    }

    /// Moves a name as a whole. A folder in which something has to stay behind is made and filled name by name.
    fn rename(&self, entry: &Entry, depth: usize) -> Result<(), FileError> {
        let path = &entry.path;
        let failed = |errno| FileError::from_errno(path, "carry over", errno);
        let is_folder = entry.stat.kind == Kind::Folder;
        if is_folder && self.has_kept_out(path, depth)? {
            return self.fill(entry, depth);
        }
        let (from, name) = place(self.layer, path, false)?;
        let (to, _) = place(self.root, path, true)?;
        let flags = if is_folder { RenameFlags::NOREPLACE } else { RenameFlags::empty() };
        match renameat_with(&from, name, &to, name, flags) {
            Ok(()) => {
                if is_folder {
                    // What marks a folder of a layer means nothing outside of one.
                    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                    let moved = openat(&to, name, flags, Mode::empty()).map_err(failed)?;
                    let _unmarked = fremovexattr(moved, OPAQUE);
                }
                Ok(())
            }
            Err(Errno::XDEV | Errno::INVAL) if is_folder => self.fill(entry, depth),
            Err(Errno::XDEV | Errno::INVAL) => self.copy(entry),
            Err(errno) => Err(failed(errno)),
        }
    }

    fn has_kept_out(&self, folder: &RelPath, depth: usize) -> Result<bool, FileError> {
        for entry in self.layer.entries(folder)? {
            let beneath = || self.has_kept_out(&entry.path, depth - 1);
            let is_folder = entry.stat.kind == Kind::Folder && depth > 1;
            if (self.keep_out)(&entry.path) || (is_folder && beneath()?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn fill(&self, entry: &Entry, depth: usize) -> Result<(), FileError> {
        // Open until it is full, whatever its own bits say.
        confined_folder(self.root, &entry.path, entry.stat.mode | 0o700)?;
        for beneath in self.layer.entries(&entry.path)? {
            self.carry(&beneath, depth - 1)?;
        }
        confined_folder(self.root, &entry.path, entry.stat.mode)?;
        confined_times(self.root, &entry.path, entry.stat.identity.modified_ns)
    }

    /// Copies a file or a link to a temporary name and renames it.
    fn copy(&self, entry: &Entry) -> Result<(), FileError> {
        let path = &entry.path;
        let failed = |errno| FileError::from_errno(path, "copy", errno);
        let (from, name) = place(self.layer, path, false)?;
        let (to, _) = place(self.root, path, true)?;
        let temporary = temporary_name();
        let temporary = OsStr::new(&temporary);
        match entry.stat.kind {
            Kind::Link => {
                let target = readlinkat(&from, name, Vec::new()).map_err(failed)?;
                symlinkat(OsStr::from_bytes(target.as_bytes()), &to, temporary).map_err(failed)?;
            }
            Kind::File => {
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let mut source = File::from(openat(&from, name, flags, Mode::empty()).map_err(failed)?);
                let flags =
                    OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let made = openat(&to, temporary, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
                let mut copy = File::from(made);
                let copied = std::io::copy(&mut source, &mut copy)
                    .map_err(|error| FileError::from_io(path, "copy", error))
                    .and_then(|_| dress(&OwnedFd::from(copy), &entry.stat).map_err(failed));
                if let Err(error) = copied {
                    let _ = unlinkat(&to, temporary, AtFlags::empty());
                    return Err(error);
                }
            }
            Kind::Folder => return Err(FileError::Folder(path.clone())),
            Kind::Special => return Err(FileError::Special(path.clone())),
        }
        renameat(&to, temporary, &to, name).map_err(failed)
    }

    /// Removes a name of the workspace, and all beneath it.
    fn remove(&self, path: &RelPath, depth: usize) -> Result<(), FileError> {
        let failed = |errno| FileError::from_errno(path, "remove", errno);
        if (self.keep_out)(path) || depth == 0 {
            return Ok(());
        }
        let (folder, name) = place(self.root, path, false)?;
        match unlinkat(&folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(errno) => return Err(failed(errno)),
        }
        // As the command did that removed it: a folder closed to its owner is opened first.
        let _theirs = chmodat(&folder, name, Mode::RWXU, AtFlags::empty());
        for entry in self.root.entries(path)? {
            self.remove(&entry.path, depth - 1)?;
        }
        match unlinkat(&folder, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(()),
            Err(errno) => Err(failed(errno)),
        }
    }
}
