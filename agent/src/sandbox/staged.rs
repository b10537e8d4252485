//! Staged files in the form of a layer, so that a command finds them over the workspace. Not here: what is staged (`changes`),
//! mounting (`process`), and what the command makes of them (`tools`).
use std::ffi::OsStr;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, XattrFlags, mknodat, setxattr};

use crate::sandbox::capture::remove;
use crate::workspace::identity::LINK_MODE;
use crate::workspace::layer::OPAQUE;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// Permission bits of a folder that only staged files have.
const FOLDER_MODE: u32 = 0o755;

/// What is staged for a file: its bytes and mode, or that it goes.
pub(crate) type StagedFile = Option<(Vec<u8>, u32)>;

/// Puts a staged file into the folder of a layer, in place of what is there. Files come in the order of their paths. Blocks.
///
/// # Errors
/// The disk refuses.
pub(super) fn put(folder: &Path, root: &Root, path: &RelPath, file: &StagedFile) -> io::Result<()> {
    let place = folder.join(path.as_path());
    match file {
        None => {
            if !make_above(folder, root, path, false)? {
                return Ok(());
            }
            clear(&place)?;
            hide(&place)
        }
        Some((bytes, mode)) => {
            make_above(folder, root, path, true)?;
            clear(&place)?;
            if *mode == LINK_MODE {
                return symlink(OsStr::from_bytes(bytes), &place);
            }
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&place)?.write_all(bytes)?;
            fs::set_permissions(&place, Permissions::from_mode(*mode))
        }
    }
}

/// Moves what lies in one layer into another; what only hides a name hides it there. Blocks.
///
/// # Errors
/// The disk refuses.
pub(super) fn hand_on(
    from: &Path,
    folder: &Path,
    root: &Root,
    path: &RelPath,
    is_hidden: bool,
) -> io::Result<()> {
    make_above(folder, root, path, true)?;
    let place = folder.join(path.as_path());
    if is_hidden { hide(&place) } else { fs::rename(from.join(path.as_path()), &place) }
}

/// Makes a folder in a layer, or gives the one that is there these permission bits. Blocks.
///
/// # Errors
/// The disk refuses.
pub(super) fn make_folder(folder: &Path, root: &Root, path: &RelPath, mode: u32) -> io::Result<()> {
    make_above(folder, root, path, true)?;
    let place = folder.join(path.as_path());
    if !place.is_dir() {
        clear(&place)?;
        fs::DirBuilder::new().mode(0o700).create(&place)?;
    }
    fs::set_permissions(&place, Permissions::from_mode(mode))
}

/// Hides a name, as the kernel does.
fn hide(place: &Path) -> io::Result<()> {
    mknodat(CWD, place, FileType::CharacterDevice, Mode::empty(), 0).map_err(io::Error::from)
}

fn clear(place: &Path) -> io::Result<()> {
    match place.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => remove(place),
        Ok(_) => fs::remove_file(place),
        Err(_) => Ok(()),
    }
}

/// Makes the folders above a file, with the bits that they have in the workspace; tells whether they are there. A name that goes
/// and becomes a folder hides what it was.
fn make_above(folder: &Path, root: &Root, path: &RelPath, is_file: bool) -> io::Result<bool> {
    let mut above: Vec<RelPath> = Vec::new();
    let mut at = path.parent();
    while let Some(parent) = at.filter(|parent| !parent.is_root()) {
        at = parent.parent();
        above.push(parent);
    }
    for parent in above.iter().rev() {
        let place = folder.join(parent.as_path());
        let there = place.symlink_metadata().ok();
        if there.as_ref().is_some_and(fs::Metadata::is_dir) {
            continue;
        }
        if there.is_some() {
            // A file stands there now, or nothing does: what was beneath it is gone with it.
            if !is_file {
                return Ok(false);
            }
            fs::remove_file(&place)?;
        }
        let mode = root.stat(parent).ok().flatten().map_or(FOLDER_MODE, |stat| stat.mode);
        fs::DirBuilder::new().mode(0o700).create(&place)?;
        if there.is_some() {
            setxattr(&place, OPAQUE, b"y", XattrFlags::empty())?;
        }
        fs::set_permissions(&place, Permissions::from_mode(mode))?;
    }
    Ok(true)
}
