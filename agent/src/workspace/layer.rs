//! The upper layer of an overlay file system, read: what was written, hidden and made above a folder. Not here: what that
//! means (`changes`), and mounting one (`process`).
//!
//! The form is the kernel's (Documentation/filesystems/overlayfs.rst): a character device 0:0 hides the name beneath it, a
//! folder with the attribute `user.overlay.opaque` hides all that lies in the folder of its name.
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{AtFlags, Dir, FileType, OFlags, fgetxattr, statat};

use crate::workspace::error::FileError;
use crate::workspace::identity::Stat;
use crate::workspace::open::Links;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// The attribute of a folder that hides what lies beneath it.
pub(crate) const OPAQUE: &str = "user.overlay.opaque";

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where it is.
    pub(crate) path: RelPath,
    /// What the kernel says about it.
    pub(crate) stat: Stat,
    /// How many names it has.
    pub(crate) links: u64,
    /// In a layer: the name is hidden, and nothing else.
    pub(crate) is_hidden: bool,
}

impl Root {
    /// Returns the names in a folder, in byte order. No link is followed.
    ///
    /// # Errors
    /// It is absent, no folder, or cannot be read.
    pub(crate) fn entries(&self, folder: &RelPath) -> Result<Vec<Entry>, FileError> {
        let failed = |errno| FileError::from_errno(folder, "read", errno);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let fd = self.open_with(folder, flags, Links::Refuse).map_err(failed)?;
        let mut found = Vec::new();
        for entry in Dir::read_from(&fd).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if matches!(name.as_bytes(), b"." | b"..") {
                continue;
            }
            // Gone since.
            let Ok(raw) = statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let is_device = FileType::from_raw_mode(raw.st_mode) == FileType::CharacterDevice;
            let Ok(path) = folder.join(name) else { continue };
            #[expect(clippy::unnecessary_cast, reason = "its width differs between targets")]
            let links = raw.st_nlink as u64;
            found.push(Entry { path, links, is_hidden: is_device && raw.st_rdev == 0, stat: raw.into() });
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Tells whether a folder of a layer hides what lies beneath it.
    pub(crate) fn is_opaque(&self, folder: &RelPath) -> bool {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let mut value = [0; 1];
        self.open_with(folder, flags, Links::Refuse)
            .and_then(|fd| fgetxattr(fd, OPAQUE, &mut value))
            .is_ok_and(|length| value[..length] == *b"y")
    }
}
