//! Refuses network file systems: the database's locks and shared memory do not hold there. Not here: any other check of the
//! directory.
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::journal::error::OpenError;

/// A table: numbers of `statfs(2)` and what people call them. 9p is not in it: sandboxed kernels serve local disks that
/// way, and where its shared memory does not work the database does not enter WAL mode, which is refused then.
const NETWORK: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xfe53_4d42, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x564c, "NCP"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
];

/// FUSE serves both local and network file systems; the mount's type tells.
const FUSE: u32 = 0x6573_5546;

/// Types of FUSE mounts that go over a network, without `fuse.`.
const NETWORK_FUSE: &[&str] = &[
    "sshfs",
    "rclone",
    "s3fs",
    "glusterfs",
    "davfs",
    "gcsfuse",
    "goofys",
    "blobfuse",
    "curlftpfs",
    "juicefs",
];

/// Refuses the directory if it lies on a network file system.
pub(in crate::journal) fn check(directory: &Path) -> Result<(), OpenError> {
    // A file system that does not answer statfs is judged by what SQLite can do on it.
    let Ok(found) = rustix::fs::statfs(directory) else { return Ok(()) };
    let magic = u32::try_from(found.f_type & 0xffff_ffff).unwrap_or(0);
    let name = if magic == FUSE { network_fuse(directory) } else { network(magic).map(str::to_owned) };
    name.map_or(Ok(()), |name| {
        Err(OpenError::Refused {
            path: directory.to_path_buf(),
            why: format!(
                "is on a network file system ({name}), where locks do not hold and the journal would be damaged: \
                 set TENON_STATE_DIR to a local directory"
            ),
        })
    })
}

fn network(magic: u32) -> Option<&'static str> {
    NETWORK.iter().find(|(number, _)| *number == magic).map(|(_, name)| *name)
}

fn network_fuse(directory: &Path) -> Option<String> {
    let device = std::fs::metadata(directory).ok()?.dev();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    fuse_type(&mounts, &format!("{major}:{minor}"))
}

/// Returns the type of the FUSE mount of that device if it is one that goes over a network. Format: proc(5), mountinfo.
fn fuse_type(mounts: &str, device: &str) -> Option<String> {
    let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some(device))?;
    let kind = line.split_once(" - ")?.1.split(' ').next()?;
    NETWORK_FUSE.contains(&kind.strip_prefix("fuse.")?).then(|| kind.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_mounts_are_known_and_local_ones_pass() {
        assert_eq!(network(0x6969), Some("NFS"));
        assert_eq!(network(0xef53), None, "ext4");
        let mounts =
            "41 29 0:36 / /home rw shared:1 - fuse.sshfs host:/ rw\n42 29 0:37 / /x rw - fuse.overlay o rw\n";
        assert_eq!(fuse_type(mounts, "0:36").as_deref(), Some("fuse.sshfs"));
        assert_eq!(fuse_type(mounts, "0:37"), None);
        assert_eq!(fuse_type(mounts, "0:99"), None);
    }

    #[test]
    fn a_temporary_directory_passes() {
        let directory = tempfile::tempdir().unwrap();
        assert!(check(directory.path()).is_ok());
    }
}
