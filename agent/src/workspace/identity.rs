//! What tells one state of a file from another without reading it. Not here: contents.
use rustix::fs::{FileType, Stat as RawStat};
use serde::{Deserialize, Serialize};

/// What stands for the permission bits of a symbolic link, which has none that count; its contents are its target. The
/// number is git's for the same.
pub(crate) const LINK_MODE: u32 = 0o120_000;

/// The stat identity of a file: if any part differs, the file may have changed; if all are the same it very likely has
/// not. Contents are decided by digest, never by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    /// The device the file is on.
    pub(crate) device: u64,
    /// The inode number.
    pub(crate) inode: u64,
    /// The length in bytes.
    pub(crate) size_bytes: u64,
    /// Last modification, nanoseconds since the Unix epoch.
    pub(crate) modified_ns: i128,
    /// Last status change, nanoseconds since the Unix epoch.
    pub(crate) changed_ns: i128,
}

/// What kind of thing a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// A regular file: the only kind that is read or written.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A FIFO, socket or device.
    Special,
}

/// What the kernel says about a name, without following a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its permission bits, 0–07777.
    pub(crate) mode: u32,
    /// Its owner.
    pub(crate) uid: u32,
    /// Its group.
    pub(crate) gid: u32,
    /// Its identity.
    pub(crate) identity: Identity,
}

impl From<RawStat> for Stat {
    #[expect(clippy::useless_conversion, clippy::unnecessary_cast, reason = "widths differ between targets")]
    fn from(raw: RawStat) -> Self {
        let nanoseconds = |seconds: i64, rest: u64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            kind: match FileType::from_raw_mode(raw.st_mode) {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Folder,
                FileType::Symlink => Kind::Link,
                FileType::Fifo
                | FileType::Socket
                | FileType::CharacterDevice
                | FileType::BlockDevice
                | FileType::Unknown => Kind::Special,
            },
            mode: u32::from(raw.st_mode) & 0o7777,
            uid: raw.st_uid,
            gid: raw.st_gid,
            identity: Identity {
                device: raw.st_dev as u64,
                inode: raw.st_ino as u64,
                size_bytes: u64::try_from(raw.st_size).unwrap_or(0),
                modified_ns: nanoseconds(raw.st_mtime as i64, raw.st_mtime_nsec as u64),
                changed_ns: nanoseconds(raw.st_ctime as i64, raw.st_ctime_nsec as u64),
            },
        }
    }
}
