//! Comparing, without any process: the disk is changed between the two looks.
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use tenon_protocol::change::FileOp;

use super::*;
use crate::changes::blobs::tests::Memory;

/// What was told: files by what was done, and what is not covered.
type Told = (Vec<(FileOp, String)>, Vec<(String, String)>);

fn check(room_bytes: u64, act: impl FnOnce(&Path)) -> Told {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    fs::create_dir_all(folder.path().join("target/debug")).unwrap();
    fs::create_dir_all(folder.path().join(".git/refs")).unwrap();
    for (name, text) in [("a", "one\n"), ("b", "b\n"), ("gone", "g\n"), (".gitignore", "target\n*.log\n")] {
        write(name, text);
    }
    symlink("a", folder.path().join("link")).unwrap();
    let root = Root::open(folder.path()).unwrap();
    // As late as all that was made so far.
    let since_ns = root.stat(&RelPath::parse("link").unwrap()).unwrap().map(|stat| stat.identity.changed_ns);
    let before = Before::look(&root, &[], room_bytes, since_ns);
    act(folder.path());
    let found = compare(&root, &before, &Memory::default(), &|path| path.to_string() == "b", None).unwrap();
    let files = found.files.into_iter().map(|file| (file.op, file.path)).collect();
    (files, found.uncovered.into_iter().map(|told| (told.path, told.reason)).collect())
}

fn names(told: &[(String, String)]) -> Vec<&str> {
    told.iter().map(|(path, _)| path.as_str()).collect()
}

#[test]
fn nothing_is_told_of_what_is_as_it_was() {
    let (files, uncovered) = check(1 << 20, |folder| {
        fs::read(folder.join("a")).unwrap();
        fs::write(folder.join("c"), "").unwrap();
        fs::remove_file(folder.join("c")).unwrap();
        // Written with what it held: no change.
        fs::write(folder.join("gone"), "g\n").unwrap();
    });
    assert_eq!((files, uncovered), (Vec::new(), Vec::new()));
}

#[test]
fn what_was_kept_is_a_change_and_the_rest_is_told() {
    let act = |folder: &Path| {
        fs::write(folder.join("a"), "two\n").unwrap();
        fs::write(folder.join("b"), "somebody edits this\n").unwrap();
        fs::remove_file(folder.join("gone")).unwrap();
        fs::remove_file(folder.join("link")).unwrap();
        symlink("b", folder.join("link")).unwrap();
        fs::create_dir_all(folder.join("new/empty")).unwrap();
        fs::write(folder.join("new/x"), "x\n").unwrap();
        fs::write(folder.join("x.log"), "log\n").unwrap();
        fs::write(folder.join("target/debug/x"), "x\n").unwrap();
        fs::write(folder.join(".git/refs/x"), "x\n").unwrap();
    };
    let (files, uncovered) = check(1 << 20, act);
    let expected =
        [(FileOp::Modify, "a"), (FileOp::Delete, "gone"), (FileOp::Modify, "link"), (FileOp::Add, "new/x")];
    assert_eq!(files, expected.map(|(op, path)| (op, path.to_owned())));
    assert_eq!(names(&uncovered), ["b", "new/empty", ".git", "target", "x.log"]);
    let (files, uncovered) = check(0, act);
    assert_eq!(
        files,
        [(FileOp::Add, "new/x".to_owned())],
        "what it held before is not known, and not guessed"
    );
    assert_eq!(names(&uncovered), ["a", "b", "gone", "link", "new/empty", ".git", "target", "x.log"]);
    assert!(uncovered[0].1.contains("was not kept"), "{uncovered:?}");
}

#[test]
fn permission_bits_alone_need_no_kept_contents() {
    let (files, uncovered) = check(0, |folder| {
        fs::set_permissions(folder.join("a"), fs::Permissions::from_mode(0o755)).unwrap();
    });
    assert_eq!((files, uncovered), (vec![(FileOp::Modify, "a".to_owned())], Vec::new()));
}
