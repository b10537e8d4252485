//! Opening beneath the root, and nowhere else. Not here: reading or writing what was opened.
//!
//! The kernel does the confinement where it can (`openat2`, Linux 5.6). Where it cannot, and for absolute links whose target
//! lies inside, the same rules are walked here, one component at a time, each opened without following links from the
//! handle of its parent. Paths are never checked as strings: that loses against whoever swaps a folder for a link.
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2, readlinkat};
use rustix::io::Errno;

use crate::workspace::path::RelPath;

/// How often a lookup that raced with a rename is tried again before it is given up.
const RACES_MAX: usize = 16;

/// How many links one path may lead over; the kernel's own limit.
const LINKS_MAX: usize = 40;

/// What happens at a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Links {
    /// It is followed, if it stays inside.
    Follow,
    /// The lookup fails with `LOOP`. With `O_PATH | O_NOFOLLOW` a last component that is a link is opened itself.
    Refuse,
}

/// Opens `path` beneath `dir`. `root` is the name of `dir`, for links that name it absolutely.
pub(super) fn open(
    dir: BorrowedFd<'_>,
    root: &Path,
    path: &RelPath,
    flags: OFlags,
    links: Links,
) -> Result<OwnedFd, Errno> {
    let mut resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    if links == Links::Refuse {
        resolve |= ResolveFlags::NO_SYMLINKS;
    }
    let name = if path.is_root() { Path::new(".") } else { path.as_path() };
    for _ in 0..RACES_MAX {
        match openat2(dir, name, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            // No such call, or a container's filter that denies calls it does not know: walk by hand.
            Err(Errno::NOSYS | Errno::PERM) => return walk(dir, root, path, flags, links),
            Err(Errno::XDEV) if links == Links::Follow => return walk(dir, root, path, flags, links),
            result => return result,
        }
    }
    Err(Errno::AGAIN)
}

/// As [`open`], by hand.
pub(super) fn walk(
    dir: BorrowedFd<'_>,
    root: &Path,
    path: &RelPath,
    flags: OFlags,
    links: Links,
) -> Result<OwnedFd, Errno> {
    for _ in 0..RACES_MAX {
        let mut place = Place::at(dir, root, path);
        place.descend(links, flags.contains(OFlags::NOFOLLOW))?;
        match place.reopen(flags) {
            Err(Errno::AGAIN) => {}
            result => return result,
        }
    }
    Err(Errno::AGAIN)
}

/// Returns `path` with every link resolved. What does not exist yet is kept as it was written.
pub(super) fn canonical(dir: BorrowedFd<'_>, root: &Path, path: &RelPath) -> Result<RelPath, Errno> {
    let mut place = Place::at(dir, root, path);
    match place.descend(Links::Follow, false) {
        Ok(()) => {}
        // `missing` holds the rest, the absent name first; a `..` behind an absent name leads nowhere.
        Err(Errno::NOENT) if !place.missing.iter().any(|name| name == "..") => {}
        Err(errno) => return Err(errno),
    }
    let names = place.stack.iter().map(|(name, _)| name).chain(place.missing.iter());
    let joined = names.map(OsString::as_os_str).collect::<Vec<_>>().join(OsStr::new("/"));
    RelPath::parse(joined).map_err(|_| Errno::XDEV)
}

/// A walk in progress: the open handles from the root down to here, and the names still to go.
struct Place<'a> {
    dir: BorrowedFd<'a>,
    root: &'a Path,
    stack: Vec<(OsString, OwnedFd)>,
    missing: VecDeque<OsString>,
}

impl<'a> Place<'a> {
    fn at(dir: BorrowedFd<'a>, root: &'a Path, path: &RelPath) -> Self {
        Self { dir, root, stack: Vec::new(), missing: path.names().map(OsStr::to_owned).collect() }
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.stack.last().map_or(self.dir, |(_, fd)| fd.as_fd())
    }

    fn descend(&mut self, links: Links, keep_last_link: bool) -> Result<(), Errno> {
        let mut hops = 0;
        while let Some(name) = self.missing.pop_front() {
            if name == ".." {
                // Never the kernel's `..`: our own stack of handles cannot lead above the root.
                self.stack.pop().ok_or(Errno::XDEV)?;
                continue;
            }
            let opened = openat(
                self.here(),
                name.as_os_str(),
                OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
                Mode::empty(),
            );
            let fd = match opened {
                Ok(fd) => fd,
                Err(errno) => {
                    self.missing.push_front(name);
                    return Err(errno);
                }
            };
            let last = self.missing.is_empty();
            let kind = FileType::from_raw_mode(fstat(&fd)?.st_mode);
            if kind == FileType::Symlink && !(last && keep_last_link) {
                hops += 1;
                if links == Links::Refuse || hops > LINKS_MAX {
                    return Err(Errno::LOOP);
                }
                self.follow(&fd)?;
                continue;
            }
            if kind != FileType::Directory && !last {
                return Err(Errno::NOTDIR);
            }
            self.stack.push((name, fd));
        }
        Ok(())
    }

    /// Puts the target of a link in front of the names still to go.
    fn follow(&mut self, link: &OwnedFd) -> Result<(), Errno> {
        let target = OsString::from_vec(readlinkat(link, "", Vec::new())?.into_bytes());
        let relative = if target.as_bytes().starts_with(b"/") {
            self.stack.clear();
            Path::new(&target).strip_prefix(self.root).map_err(|_| Errno::XDEV)?.as_os_str()
        } else {
            target.as_os_str()
        };
        for name in relative.as_bytes().split(|byte| *byte == b'/').rev() {
            if !matches!(name, b"" | b".") {
                self.missing.push_front(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(())
    }

    /// Opens the end of the walk with the flags that were asked for; `AGAIN` if it was swapped meanwhile.
    fn reopen(mut self, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CLOEXEC;
        let Some((name, found)) = self.stack.pop() else {
            return openat(self.dir, ".", flags, Mode::empty());
        };
        if flags.contains(OFlags::PATH) {
            let folder = FileType::from_raw_mode(fstat(&found)?.st_mode) == FileType::Directory;
            return if flags.contains(OFlags::DIRECTORY) && !folder { Err(Errno::NOTDIR) } else { Ok(found) };
        }
        let opened = openat(self.here(), name.as_os_str(), flags | OFlags::NOFOLLOW, Mode::empty());
        let opened = opened.map_err(|errno| if errno == Errno::LOOP { Errno::AGAIN } else { errno })?;
        let (expected, got) = (fstat(&found)?, fstat(&opened)?);
        let same = expected.st_dev == got.st_dev && expected.st_ino == got.st_ino;
        if same { Ok(opened) } else { Err(Errno::AGAIN) }
    }
}
