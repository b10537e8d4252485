//! What was found out about the sandbox, remembered over starts: finding it out takes some processes, and nobody should wait for
//! that again. Not here: finding it out (`probe`).
//!
//! What is remembered counts for this boot of the machine, this build, this user and these programs alone. Where it is wrong all
//! the same, because something was switched off meanwhile, a command that needs it is not run: never is one confined less.
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::sandbox::level::{Level, Missing};

/// The name of the file in the state directory.
const NAME: &str = "sandbox.json";

/// What was found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sandbox) struct Remembered {
    /// What it holds for.
    pub(in crate::sandbox) of: String,
    /// The highest level.
    pub(in crate::sandbox) level: Level,
    /// What is missing.
    pub(in crate::sandbox) missing: Vec<Missing>,
}

/// Returns what it depends on, as a text that is another one when any of it is.
pub(in crate::sandbox) fn dependence(build: &str, bubblewrap: Option<&Path>) -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let user = rustix::process::geteuid().as_raw();
    let program = bubblewrap.and_then(|path| {
        let metadata = fs::metadata(path).ok()?;
        Some(format!("{} {} {} {}", path.display(), metadata.ino(), metadata.size(), metadata.mtime_nsec()))
    });
    format!("{} {build} {user} {}", boot.trim(), program.unwrap_or_default())
}

/// Returns what is remembered, if it depends on the same.
pub(in crate::sandbox) fn recall(folder: &Path, of: &str) -> Option<Remembered> {
    let text = fs::read_to_string(folder.join(NAME)).ok()?;
    let found: Remembered = serde_json::from_str(&text).ok()?;
    (found.of == of).then_some(found)
}

/// Remembers; where that fails it is found out again.
pub(in crate::sandbox) fn remember(folder: &Path, found: &Remembered) {
    let whole = || -> std::io::Result<()> {
        let beside: PathBuf = folder.join(format!("{NAME}.new"));
        fs::write(&beside, serde_json::to_string(found)?)?;
        fs::rename(&beside, folder.join(NAME))
    };
    if let Err(error) = whole() {
        tracing::debug!(%error, "what the sandbox can do is not remembered");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_depends_on_something_else_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let missing = vec![Missing { name: "bubblewrap".into(), level: Level::Isolated, reason: "x".into() }];
        let found = Remembered { of: "one".to_owned(), level: Level::Confined, missing };
        assert_eq!(recall(folder.path(), "one"), None);
        remember(folder.path(), &found);
        assert_eq!(recall(folder.path(), "one"), Some(found));
        assert_eq!(recall(folder.path(), "two"), None);
        fs::write(folder.path().join(NAME), "{").unwrap();
        assert_eq!(recall(folder.path(), "one"), None);
        assert_ne!(dependence("a", None), dependence("b", None));
        assert_ne!(dependence("a", None), dependence("a", Some(Path::new("/proc/self/exe"))));
    }
}
