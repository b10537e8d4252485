//! The project's standing instructions: `AGENTS.md` and `CLAUDE.md` of the root and of folders in use. Not here: where they
//! stand in a prompt.
use std::collections::BTreeSet;

use crate::base::digest::Digest;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// The file names, first the one that all agents share.
const NAMES: [&str; 2] = ["AGENTS.md", "CLAUDE.md"];

/// The longest part of one file that is used, in bytes: instructions beyond this crowd out the work.
const INSTRUCTION_BYTES_MAX: usize = 32 << 10;

/// The most files that are used.
const INSTRUCTIONS_MAX: usize = 16;

/// One file of instructions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    /// Where it is.
    pub(crate) path: RelPath,
    /// What it says; cut at 32 KiB.
    pub(crate) text: String,
    /// The digest of the whole file.
    pub(crate) digest: Digest,
    /// `text` is only the beginning.
    pub(crate) cut: bool,
}

/// Returns the instructions that hold for `folders`, the most general first: the root's, then those of each folder on the
/// way down; in one folder `AGENTS.md` before `CLAUDE.md`. The same contents twice (a link or a copy) count once. What is
/// absent, outside, or no regular file is left out.
pub(crate) fn instructions(root: &Root, folders: &[RelPath]) -> Vec<Instruction> {
    let mut levels = BTreeSet::from([(0, RelPath::root())]);
    for folder in folders {
        let mut next = Some(folder.clone());
        while let Some(level) = next {
            next = level.parent();
            levels.insert((level.names().count(), level));
        }
    }
    let mut seen = BTreeSet::new();
    levels
        .iter()
        .flat_map(|(_, folder)| NAMES.iter().filter_map(|name| folder.join(name).ok()))
        .filter_map(|path| instruction(root, path))
        .filter(|found| seen.insert(found.digest))
        .take(INSTRUCTIONS_MAX)
        .collect()
}

fn instruction(root: &Root, path: RelPath) -> Option<Instruction> {
    let file = root.read(&path).ok()?;
    let whole = String::from_utf8_lossy(&file.bytes);
    let mut end = whole.len().min(INSTRUCTION_BYTES_MAX);
    while !whole.is_char_boundary(end) {
        end -= 1;
    }
    let cut = end < whole.len();
    let text = whole[..end].trim_start_matches('\u{feff}').trim().to_owned();
    (!text.is_empty()).then_some(Instruction { path, text, digest: file.digest, cut })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_root_comes_first_and_twins_count_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        fs::write(at("AGENTS.md"), "root rules\n").unwrap();
        std::os::unix::fs::symlink("AGENTS.md", at("CLAUDE.md")).unwrap();
        fs::write(at("a/b/CLAUDE.md"), "deep rules").unwrap();
        fs::write(at("a/AGENTS.md"), "x".repeat(INSTRUCTION_BYTES_MAX + 1)).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", at("a/CLAUDE.md")).unwrap();
        let root = Root::open(folder.path()).unwrap();
        let check = |folders: &[&str]| {
            let folders: Vec<_> = folders.iter().map(|name| RelPath::parse(name).unwrap()).collect();
            instructions(&root, &folders).iter().map(|i| format!("{} {}", i.path, i.cut)).collect::<Vec<_>>()
        };
        assert_eq!(check(&[]), ["AGENTS.md false"]);
        assert_eq!(check(&["a/b", "a"]), ["AGENTS.md false", "a/AGENTS.md true", "a/b/CLAUDE.md false"]);
    }
}
