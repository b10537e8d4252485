//! A workspace at one moment, by what the kernel says of each name: what comparing it with a later moment needs. Not here: the
//! comparison (`changes`), and contents.
use std::collections::BTreeMap;

use crate::workspace::identity::{Kind, Stat};
use crate::workspace::ignored::Ignored;
use crate::workspace::path::RelPath;
use crate::workspace::repository::{Part, is_data, part};
use crate::workspace::root::Root;

/// Names that are looked at: at some hundred bytes each more than most projects have, and less than a home folder.
const NAMES_MAX: usize = 200_000;

/// Names in a repository's own folder that are looked at, its records aside: configuration and hooks, of submodules too.
const CONTROL_MAX: usize = 1_024;

/// What is there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survey {
    /// Everything that no ignore file names, and what tells git what to do.
    pub(crate) entries: BTreeMap<RelPath, Stat>,
    /// Names that are passed by, with nothing of what is beneath them: what ignore files name, and repositories' own folders.
    pub(crate) passed: BTreeMap<RelPath, Stat>,
    /// There is more than was looked at.
    pub(crate) is_cut: bool,
}

impl Survey {
    /// Looks at a workspace. Blocks, by the number of its names.
    pub(crate) fn of(root: &Root) -> Self {
        let mut survey = Self::default();
        let ignored = Ignored::new(root);
        let mut folders = vec![RelPath::root()];
        while let Some(folder) = folders.pop() {
            // Gone since, or closed to us: then it is closed to most commands too.
            for entry in root.entries(&folder).unwrap_or_default() {
                if survey.entries.len() + survey.passed.len() == NAMES_MAX {
                    survey.is_cut = true;
                    return survey;
                }
                let is_folder = entry.stat.kind == Kind::Folder;
                if part(&entry.path) == Some(Part::Folder) && is_folder {
                    survey.control(root, &entry.path);
                }
                if part(&entry.path) == Some(Part::Folder) || ignored.is_ignored(&entry.path, is_folder) {
                    survey.passed.insert(entry.path, entry.stat);
                    continue;
                }
                if is_folder {
                    folders.push(entry.path.clone());
                }
                survey.entries.insert(entry.path, entry.stat);
            }
        }
        survey
    }

    /// Looks at what in a repository's folder tells git what to do.
    fn control(&mut self, root: &Root, repository: &RelPath) {
        let mut left = CONTROL_MAX;
        let mut folders = vec![repository.clone()];
        while let Some(folder) = folders.pop() {
            for entry in root.entries(&folder).unwrap_or_default() {
                let is_data = entry.path.names().next_back().is_some_and(is_data);
                if is_data || left == 0 {
                    continue;
                }
                left -= 1;
                if entry.stat.kind == Kind::Folder {
                    folders.push(entry.path.clone());
                }
                self.entries.insert(entry.path, entry.stat);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_ignored_is_named_and_passed_by() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".git/objects/aa", ".git/hooks", ".git/modules/m/objects", "src/deep", "target/debug"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        for (name, text) in [
            (".gitignore", "/target\n*.log\n"),
            ("src/a.rs", ""),
            ("src/deep/x.log", ""),
            (".git/config", ""),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let survey = Survey::of(&Root::open(folder.path()).unwrap());
        let names = |map: &BTreeMap<RelPath, Stat>| map.keys().map(ToString::to_string).collect::<Vec<_>>();
        let git = [".git/config", ".git/hooks", ".git/modules", ".git/modules/m"];
        assert_eq!(
            names(&survey.entries),
            [git.as_slice(), &[".gitignore", "src", "src/a.rs", "src/deep"]].concat()
        );
        assert_eq!(names(&survey.passed), [".git", "src/deep/x.log", "target"]);
        assert!(!survey.is_cut);
    }
}
