//! Ownership of the state directory: one kernel lock for the life of the process. Not here: the term in the database, which fences
//! an owner that was paused (`journal`).
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

/// The most of a lock file that is read: it holds one line of ours.
const LOCK_BYTES_MAX: u64 = 4096;

/// How often, and with what pause, one who lost the lock looks for the winner's name: 200 ms in all, since only a person waits for it.
const NAMING_TRIES: u32 = 40;
const NAMING_PAUSE: Duration = Duration::from_millis(5);

/// Who holds the lock, as it says itself; for people, the lock alone decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Holder {
    /// Its process.
    pub(crate) pid: u32,
    /// When it took the lock.
    pub(crate) since: String,
    /// The kernel's boot, so that a process id of an earlier one is not believed.
    pub(crate) boot: String,
    /// Its version.
    pub(crate) version: String,
}

/// The lock, held until this is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct Owner {
    /// Holds the lock: closing it releases.
    _file: File,
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OwnerError {
    /// Somebody has it.
    #[error("{}", taken(.holder.as_ref(), .directory))]
    Taken {
        /// Who, if it says so.
        holder: Option<Holder>,
        /// The state directory.
        directory: PathBuf,
    },
    /// The file cannot be used.
    #[error("cannot lock {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
}

fn taken(holder: Option<&Holder>, directory: &Path) -> String {
    let who = holder.map_or_else(|| "another process".to_owned(), |holder| format!("process {}", holder.pid));
    format!("{who} owns {}: `tenon attach` connects to it", directory.display())
}

impl Owner {
    /// Takes the lock of a state directory that exists, without waiting.
    pub(crate) fn take(path: &Path, since: &str) -> Result<Self, OwnerError> {
        let io = |source| OwnerError::Io { path: path.to_owned(), source };
        let open =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let mut file = open.map_err(io)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let directory = path.parent().unwrap_or(path).to_owned();
            return Err(OwnerError::Taken { holder: who(&mut file), directory });
        }
        let holder = Holder {
            pid: std::process::id(),
            since: since.to_owned(),
            boot: boot_id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let mut line = serde_json::to_string(&holder).unwrap_or_default();
        line.push('\n');
        write(&file, line.as_bytes()).map_err(io)?;
        Ok(Self { _file: file })
    }
}

/// Returns who holds the lock. A winner of a race has taken it a moment before it says its name: until then the file is empty, or
/// names an owner that is dead.
fn who(file: &mut File) -> Option<Holder> {
    for _ in 0..NAMING_TRIES {
        let lives = |holder: &Holder| Path::new("/proc").join(holder.pid.to_string()).exists();
        if let Some(holder) = read(file).filter(lives) {
            return Some(holder);
        }
        std::thread::sleep(NAMING_PAUSE);
    }
    None
}

/// Writes over what the last holder left. It is cut only where it was longer: emptying a file waits for the disk.
fn write(file: &File, line: &[u8]) -> std::io::Result<()> {
    file.write_all_at(line, 0)?;
    let length = line.len() as u64;
    if file.metadata()?.len() > length { file.set_len(length) } else { Ok(()) }
}

fn read(file: &mut File) -> Option<Holder> {
    file.rewind().ok()?;
    let mut text = String::new();
    file.take(LOCK_BYTES_MAX).read_to_string(&mut text).ok()?;
    serde_json::from_str(text.trim()).ok()
}

fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_lock_excludes_and_says_who() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let first = Owner::take(&path, "2026-01-02T03:04:05.678Z").unwrap();
        let second = Owner::take(&path, "later").unwrap_err();
        assert!(second.to_string().contains(&format!("process {} owns", std::process::id())), "{second}");
        drop(first);
        Owner::take(&path, "later").unwrap();
    }

    #[test]
    fn a_winner_that_has_not_said_its_name_yet_is_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let mut winner = File::create(&path).unwrap();
        flock(&winner, FlockOperation::NonBlockingLockExclusive).unwrap();
        let nameless = Owner::take(&path, "later").unwrap_err();
        assert!(nameless.to_string().starts_with("another process owns"), "{nameless}");
        let pid = std::process::id();
        let naming = std::thread::spawn(move || {
            writeln!(winner, r#"{{"pid":{pid},"since":"","boot":"","version":""}}"#).unwrap();
            winner
        });
        let named = Owner::take(&path, "later").unwrap_err();
        assert!(named.to_string().starts_with(&format!("process {pid} owns")), "{named}");
        drop(naming.join().unwrap());
    }
}
