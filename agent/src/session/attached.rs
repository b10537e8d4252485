//! What the model is shown of a folder that a message mentions. Not here: files (`turns`).
use std::fmt::Write as _;
use std::time::Duration;

use crate::workspace::identity::Kind;
use crate::workspace::list::list;
use crate::workspace::root::Root;
use crate::workspace::stop::Stop;
use crate::workspace::text::escape;

/// Names that are shown; the model lists the rest with its tool.
const NAMES_MAX: usize = 200;

/// The session waits for it: a folder on a slow disk is shown as far as was read.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Returns the names in a folder, without what ignore files name; `None` if it is none.
pub(super) fn folder(root: &Root, named: &str) -> Option<String> {
    let path = root.resolve(named).ok()?;
    let listing = list(root, &path, 1, NAMES_MAX, &Stop::after(TIMEOUT)).ok()?;
    let mut shown = format!("{path}/:\n");
    for entry in &listing.entries {
        let name = entry.path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let slash = if entry.kind == Kind::Folder { "/" } else { "" };
        // Writing to a string cannot fail.
        let _infallible = writeln!(shown, "  {}{slash}", escape(&name));
    }
    if listing.truncated || listing.stopped {
        shown.push_str("… (list the rest with your tool)\n");
    }
    Some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_its_names() {
        let at = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(at.path().join("src/deep/er")).unwrap();
        for name in ["src/a.rs", "src/.env"] {
            std::fs::write(at.path().join(name), "").unwrap();
        }
        let root = Root::open(at.path()).unwrap();
        assert_eq!(folder(&root, "src/").unwrap(), "src/:\n  .env\n  a.rs\n  deep/\n");
        assert_eq!(folder(&root, "src/deep/er").unwrap(), "src/deep/er/:\n");
        assert_eq!((folder(&root, "src/a.rs"), folder(&root, "none")), (None, None));
    }
}
