//! What a command at level 3 does not see: the places of a person's secrets, and the agent's own. Not here: hiding them
//! (`bubblewrap`).
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Deserialize;

/// The table of places, `agent/data/secrets.toml`, beneath the home folder.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

/// `None` for a table that does not parse; a test reads it.
static TABLE: LazyLock<Option<Table>> =
    LazyLock::new(|| toml::from_str(include_str!("../../data/secrets.toml")).ok());

/// Something that exists and is not seen. Links in its path are resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sandbox) enum Hidden {
    /// Seen as an empty folder.
    Folder(PathBuf),
    /// Seen as an empty file.
    File(PathBuf),
}

impl Hidden {
    pub(in crate::sandbox) fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::File(path) => path,
        }
    }
}

/// Returns what is hidden from a command: of a home folder what the table names, and these folders.
///
/// A table that cannot be read hides the whole home folder.
pub(in crate::sandbox) fn hidden(home: Option<&Path>, own: &[PathBuf]) -> Vec<Hidden> {
    let all = Table { folders: vec![PathBuf::new()], files: Vec::new() };
    let table = TABLE.as_ref().unwrap_or(&all);
    let at_home = |places: &[PathBuf]| -> Vec<PathBuf> {
        home.map(|home| places.iter().map(|place| home.join(place)).collect()).unwrap_or_default()
    };
    let folders = at_home(&table.folders).into_iter().chain(own.iter().cloned());
    let folders = folders.filter_map(|path| path.canonicalize().ok()).filter(|path| path.is_dir());
    let files = at_home(&table.files).into_iter().filter_map(|path| path.canonicalize().ok());
    let files = files.filter(|path| path.is_file());
    let mut hidden: Vec<Hidden> = folders.map(Hidden::Folder).chain(files.map(Hidden::File)).collect();
    // Outer ones first; a folder within one that is hidden is hidden already.
    hidden.sort_by_key(|hidden| hidden.path().to_owned());
    hidden.dedup_by(|next, before| next.path().starts_with(before.path()));
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_exists_of_the_table_is_hidden_and_nothing_else() {
        let table = TABLE.as_ref().unwrap();
        assert!(table.folders.iter().chain(&table.files).all(|place| place.is_relative()));
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        std::fs::create_dir_all(home.join(".ssh")).unwrap();
        std::fs::create_dir_all(home.join("state/inner")).unwrap();
        std::fs::create_dir_all(home.join("elsewhere")).unwrap();
        std::fs::write(home.join(".netrc"), "x").unwrap();
        std::os::unix::fs::symlink(home.join("elsewhere"), home.join(".aws")).unwrap();
        let own = [home.join("state"), home.join("state/inner"), home.join("absent")];
        let expected = [
            Hidden::File(home.join(".netrc")),
            Hidden::Folder(home.join(".ssh")),
            Hidden::Folder(home.join("elsewhere")),
            Hidden::Folder(home.join("state")),
        ];
        assert_eq!(hidden(Some(&home), &own), expected);
        assert_eq!(hidden(None, &[]), []);
    }
}
