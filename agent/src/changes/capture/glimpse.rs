//! What a command that still runs has changed so far, by the names in its layer: shown, and forgotten. Not here: contents, and what
//! it did in the end (`look`).
use tenon_protocol::change::FileOp;
use tenon_protocol::signal::Provisional;

use crate::workspace::identity::Kind;
use crate::workspace::ignored::Ignored;
use crate::workspace::path::RelPath;
use crate::workspace::repository::part;
use crate::workspace::root::Root;

/// Names that are shown; the rest is counted.
const SHOWN_MAX: usize = 100;

/// Names that are looked at: a look is taken twice a second.
const LOOKED_AT_MAX: usize = 4_096;

/// Returns files that a command has changed, in the order of folders, and how many more there are. What ignore files name is passed
/// by, and so is git's own. Blocks, by the number of changed files.
pub(crate) fn glimpse(root: &Root, layer: &Root) -> (Vec<Provisional>, u64) {
    let ignored = Ignored::new(root);
    let (mut files, mut more, mut left) = (Vec::new(), 0, LOOKED_AT_MAX);
    let mut folders = vec![RelPath::root()];
    while let Some(folder) = folders.pop() {
        // What goes away at this moment is nothing to show.
        for entry in layer.entries(&folder).unwrap_or_default() {
            if left == 0 {
                return (files, more);
            }
            left -= 1;
            let there = root.stat(&entry.path).ok().flatten().map(|stat| stat.kind);
            let kind = if entry.is_hidden { there } else { Some(entry.stat.kind) };
            let is_folder = kind == Some(Kind::Folder);
            if part(&entry.path).is_some() || ignored.is_ignored(&entry.path, is_folder) {
                continue;
            }
            let op = match (kind, there) {
                (None, _) => continue,
                (Some(_), _) if entry.is_hidden => FileOp::Delete,
                (Some(Kind::Folder), _) => {
                    folders.push(entry.path);
                    continue;
                }
                (Some(_), Some(Kind::File | Kind::Link)) => FileOp::Modify,
                (Some(_), _) => FileOp::Add,
            };
            if files.len() == SHOWN_MAX {
                more += 1;
                continue;
            }
            let (path, encoded) = entry.path.to_wire();
            files.push(Provisional { op, path: path.into_owned(), path_encoded: encoded.then_some(true) });
        }
    }
    (files, more)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_are_named_and_counted_and_ignored_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let (root, layer) = (folder.path().join("root"), folder.path().join("layer"));
        for name in ["root/src", "layer/src", "layer/target", "layer/new/.git"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let files = ["root/src/a", "layer/src/a", "layer/src/b", "layer/target/x", "layer/new/.git/x"];
        for name in files {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::write(root.join(".gitignore"), "target\n").unwrap();
        let check = || glimpse(&Root::open(&root).unwrap(), &Root::open(&layer).unwrap());
        let (files, more) = check();
        let named: Vec<_> = files.iter().map(|file| (file.op, file.path.as_str())).collect();
        assert_eq!((named, more), (vec![(FileOp::Modify, "src/a"), (FileOp::Add, "src/b")], 0));
        for number in 0..SHOWN_MAX {
            fs::write(layer.join(format!("src/{number}")), "").unwrap();
        }
        let (files, more) = check();
        assert_eq!((files.len(), more), (SHOWN_MAX, 2));
    }
}
