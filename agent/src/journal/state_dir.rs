//! The state directory: made private, and refused where it cannot be trusted. Not here: its path (`config`), its lock
//! (`daemon`).
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode};

use crate::journal::error::OpenError;
use crate::journal::filesystem;

/// The mode of our directories and files, whatever the umask.
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Makes the state directory, or checks the one that is there: a directory, not a link, ours, mode 0700, on a local file
/// system. Its parents are made with the usual mode.
pub(crate) fn prepare(path: &Path) -> Result<(), OpenError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|source| failed("cannot create", parent, source))?;
    }
    make_directory(path).map_err(|source| failed("cannot create", path, source))?;
    let refused = |why: &str| OpenError::Refused { path: path.to_path_buf(), why: why.to_owned() };
    let found = fs::symlink_metadata(path).map_err(|source| failed("cannot read", path, source))?;
    if found.is_symlink() {
        return Err(refused("is a symbolic link; name the directory itself"));
    }
    if !found.is_dir() {
        return Err(refused("is not a directory"));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused("belongs to another user"));
    }
    if found.mode() & 0o777 != DIRECTORY_MODE {
        fs::set_permissions(path, fs::Permissions::from_mode(DIRECTORY_MODE))
            .map_err(|source| failed("cannot make private", path, source))?;
    }
    filesystem::check(path)
}

/// Makes a directory with mode 0700; one that exists is left as it is.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
        // The umask may have taken bits away.
        Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(DIRECTORY_MODE)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Makes an empty file with mode 0600, or makes the one that is there private. Links and special files are refused.
///
/// The file is never opened: closing a descriptor of a database would drop the locks that the process holds on it
/// (<https://www.sqlite.org/howtocorrupt.html>, §2.2).
pub(in crate::journal) fn create_file(path: &Path) -> io::Result<()> {
    let mode = Mode::from_raw_mode(FILE_MODE);
    match rustix::fs::mknodat(CWD, path, FileType::RegularFile, mode, 0) {
        Ok(()) => return Ok(rustix::fs::chmodat(CWD, path, mode, AtFlags::empty())?),
        Err(rustix::io::Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let found = fs::symlink_metadata(path)?;
    if !found.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    if found.mode() & 0o777 != FILE_MODE {
        fs::set_permissions(path, fs::Permissions::from_mode(FILE_MODE))?;
    }
    Ok(())
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> OpenError {
    OpenError::Io { what, path: PathBuf::from(path), source }
}
