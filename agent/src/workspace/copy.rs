//! A copy of a workspace's files, for commands that must not touch the workspace. Not here: what runs there.
//!
//! Caches are left out, told by the tag that build tools put into theirs (`CACHEDIR.TAG`): they are large, and made again. Times
//! are kept, so that tools which compare them see what they saw. Where the file system can share contents, the kernel does.
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The most files of a copy: some seconds of copying, and more than most projects have without their caches.
const FILES_MAX: usize = 20_000;

/// The most bytes of a copy.
const BYTES_MAX: u64 = 512 << 20;

/// The file that says that a folder is a cache (<https://bford.info/cachedir/>).
const CACHE_TAG: &str = "CACHEDIR.TAG";

/// Why there is no copy. What was copied by then is still there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// It would be too large.
    #[error("it has more than {FILES_MAX} files, or {} MiB, without its caches", BYTES_MAX >> 20)]
    TooLarge,
    /// A file cannot be read or written.
    #[error("`{}` cannot be copied", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Copies a tree into a folder that there is not yet. A link stays a link, and one that leads into the tree by an absolute path
/// leads into the copy. Pipes, sockets and devices are left out. Blocks.
///
/// # Errors
/// See [`CopyError`].
pub(crate) fn copy_tree(from: &Path, to: &Path) -> Result<(), CopyError> {
    let (mut files, mut bytes) = (0, 0);
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let (source, target) = (from.join(&folder), to.join(&folder));
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| CopyError::Io { path, source }
        };
        fs::create_dir_all(&target).map_err(failed(&target))?;
        for entry in fs::read_dir(&source).map_err(failed(&source))? {
            let entry = entry.map_err(failed(&source))?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed(&entry.path()))?);
            let copy = target.join(entry.file_name());
            files += 1;
            if files > FILES_MAX {
                return Err(CopyError::TooLarge);
            }
            if kind.is_dir() {
                if !path.join(CACHE_TAG).is_file() {
                    folders.push(folder.join(entry.file_name()));
                }
            } else if kind.is_symlink() {
                copy_link(from, to, &path, &copy).map_err(failed(&path))?;
            } else if kind.is_file() {
                bytes += entry.metadata().map_err(failed(&path))?.len();
                if bytes > BYTES_MAX {
                    return Err(CopyError::TooLarge);
                }
                copy_file(&path, &copy).map_err(failed(&path))?;
            }
        }
    }
    Ok(())
}

fn copy_link(from: &Path, to: &Path, path: &Path, copy: &Path) -> io::Result<()> {
    let leads = fs::read_link(path)?;
    let leads = leads.strip_prefix(from).map_or_else(|_| leads.clone(), |below| to.join(below));
    std::os::unix::fs::symlink(leads, copy)
}

fn copy_file(path: &Path, copy: &Path) -> io::Result<()> {
    let modified = fs::metadata(path)?.modified()?;
    fs::copy(path, copy)?;
    // Of a file that may not be written the time is not set; nothing that compares times was made of it.
    File::options()
        .write(true)
        .open(copy)
        .and_then(|file| file.set_modified(modified))
        .or_else(|error| if error.kind() == io::ErrorKind::PermissionDenied { Ok(()) } else { Err(error) })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_copy_has_everything_but_caches_and_leads_nowhere_else() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (from, to) = (from.path(), to.path().join("copy"));
        fs::create_dir_all(from.join("src/deep")).unwrap();
        fs::create_dir_all(from.join("target/debug")).unwrap();
        fs::write(from.join("target").join(CACHE_TAG), "Signature: 8a477f597d28d172789f06886806bc55")
            .unwrap();
        fs::write(from.join("src/deep/run"), "x").unwrap();
        fs::set_permissions(from.join("src/deep/run"), fs::Permissions::from_mode(0o755)).unwrap();
        let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        File::options().write(true).open(from.join("src/deep/run")).unwrap().set_modified(old).unwrap();
        symlink("src/deep", from.join("near")).unwrap();
        symlink(from.join("src"), from.join("whole")).unwrap();
        symlink("/nowhere", from.join("away")).unwrap();
        copy_tree(from, &to).unwrap();
        let copied = fs::metadata(to.join("src/deep/run")).unwrap();
        assert_eq!((copied.permissions().mode() & 0o777, copied.modified().unwrap()), (0o755, old));
        assert!(!to.join("target").exists());
        let leads = |name: &str| fs::read_link(to.join(name)).unwrap();
        assert_eq!(leads("near"), Path::new("src/deep"));
        assert_eq!((leads("whole"), leads("away")), (to.join("src"), PathBuf::from("/nowhere")));
    }

    #[test]
    fn a_tree_that_is_too_large_is_refused() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        File::create(from.path().join("huge")).unwrap().set_len(BYTES_MAX + 1).unwrap();
        assert!(matches!(copy_tree(from.path(), &to.path().join("copy")), Err(CopyError::TooLarge)));
    }
}
