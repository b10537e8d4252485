//! What ignore files say about single paths, from the root downwards. Not here: walks, which have the same rules (`walk`).
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::workspace::path::RelPath;
use crate::workspace::root::Root;
use crate::workspace::walk::{IGNORE_FILES, has_trap};

/// Folders of what other programs made and can make again; they are passed by also where no ignore file names them.
const HEAVY: [&str; 4] = ["node_modules", "__pycache__", ".venv", ".tox"];

/// The file that marks a folder as a cache, by a convention of its own (<https://bford.info/cachedir/>).
const CACHE_TAG: &str = "CACHEDIR.TAG";

/// The rules of a workspace, read as they are needed. Whoever asks goes from the root downwards: what lies beneath an ignored
/// folder is not asked about.
#[derive(Debug)]
pub(crate) struct Ignored<'a> {
    root: &'a Root,
    /// The rules above the root, nearest first, where the workspace is a part of a repository.
    above: Vec<Gitignore>,
    folders: RefCell<BTreeMap<RelPath, Rc<Gitignore>>>,
}

impl<'a> Ignored<'a> {
    /// Reads the rules that lie above the root.
    pub(crate) fn new(root: &'a Root) -> Self {
        let own = root.path().join(".git").exists();
        let repository = root.path().ancestors().skip(1).find(|folder| folder.join(".git").exists());
        let above = match repository.filter(|_| !own) {
            None => Vec::new(),
            Some(top) => {
                let between = root.path().ancestors().skip(1).take_while(|folder| folder.starts_with(top));
                between.filter(|folder| !has_trap(folder)).map(rules).collect()
            }
        };
        Self { root, above, folders: RefCell::default() }
    }

    /// Tells whether a path is ignored, given that the folder it lies in is not.
    pub(crate) fn is_ignored(&self, path: &RelPath, is_folder: bool) -> bool {
        if is_folder && (is_heavy(path) || self.root.absolute(path).join(CACHE_TAG).is_file()) {
            return true;
        }
        let absolute = self.root.absolute(path);
        let mut at = path.parent();
        while let Some(folder) = at {
            let rules = self.rules_of(&folder);
            let found = rules.matched(&absolute, is_folder);
            if !found.is_none() {
                return found.is_ignore();
            }
            at = folder.parent();
        }
        let mut found = self.above.iter().map(|rules| rules.matched(&absolute, is_folder));
        found.find(|found| !found.is_none()).is_some_and(|found| found.is_ignore())
    }

    fn rules_of(&self, folder: &RelPath) -> Rc<Gitignore> {
        let mut folders = self.folders.borrow_mut();
        let made = folders.entry(folder.clone()).or_insert_with(|| {
            let absolute = self.root.absolute(folder);
            Rc::new(if has_trap(&absolute) { Gitignore::empty() } else { rules(&absolute) })
        });
        Rc::clone(made)
    }
}

/// Tells whether a folder is, by its name, one of what other programs made and can make again.
pub(crate) fn is_heavy(path: &RelPath) -> bool {
    path.file_name().is_some_and(|name| HEAVY.iter().any(|heavy| name == *heavy))
}

/// Returns the rules that a folder holds itself.
fn rules(folder: &Path) -> Gitignore {
    let mut rules = GitignoreBuilder::new(folder);
    for name in IGNORE_FILES {
        // Absent in most folders; a bad line is passed over, as git does.
        let _absent_or_bad = rules.add(folder.join(name));
    }
    // What a repository leaves out for one person alone.
    let exclude = folder.join(".git/info/exclude");
    if exclude.is_file() {
        let _bad = rules.add(exclude);
    }
    rules.build().unwrap_or_else(|_| Gitignore::empty())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn rules_hold_from_the_nearest_folder_upwards() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(".git/info/exclude", "mine\n");
        write(".gitignore", "above\n");
        write("w/.gitignore", "target/\n*.log\n");
        write("w/a/.gitignore", "!keep.log\n");
        write("w/cache/CACHEDIR.TAG", "");
        let check = |root: &str, path: &str, is_folder: bool| {
            let root = Root::open(&folder.path().join(root)).unwrap();
            Ignored::new(&root).is_ignored(&RelPath::parse(path).unwrap(), is_folder)
        };
        assert!(check("w", "target", true) && !check("w", "target", false));
        assert!(check("w", "a/x.log", false) && !check("w", "a/keep.log", false));
        assert!(check("w", "a/above", false) && check("w", "mine", false));
        assert!(check("w", "cache", true) && check("w", "a/node_modules", true));
        assert!(!check("w", "src", true) && !check(".", "w/a/b", false));
    }
}
