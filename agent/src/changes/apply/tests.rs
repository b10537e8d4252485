//! A change is applied whole or not at all, keeps what it replaces, and is settled by digest after a crash.
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use proptest::prelude::*;

use super::*;
use crate::changes::blobs::tests::Memory;
use crate::changes::change::{FileEdit, Version};
use crate::changes::settle::{Recovered, Settled, recover, settle};
use crate::changes::slow;

struct Case {
    folder: tempfile::TempDir,
    root: Root,
    blobs: Memory,
}

impl Case {
    fn new(files: &[(&str, &str)]) -> Self {
        // Where there is a file system in memory, thousands of cases do not wait for a disk.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let root = Root::open(folder.path()).unwrap();
        let case = Self { folder, root, blobs: Memory::default() };
        for (name, text) in files {
            fs::create_dir_all(case.at(name).parent().unwrap()).unwrap();
            fs::write(case.at(name), text).unwrap();
        }
        case
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn edit(&self, name: &str, before: Option<&str>, after: Option<&str>) -> FileEdit {
        // Contents to write are stored beforehand; those to be replaced are not: storing them is what is tested.
        let version = |text: &str| Version { digest: Digest::of(text.as_bytes()), mode: 0o644 };
        if let Some(text) = after {
            self.blobs.put(text.as_bytes()).unwrap();
        }
        FileEdit { path: path(name), from: None, before: before.map(version), after: after.map(version) }
    }

    fn apply(&self, change: &ChangeSet) -> Result<Applied, ApplyError> {
        apply(&self.root, change, &self.blobs)
    }

    /// All files below the root with contents; temporary files would show.
    fn tree(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.folder.path()).unwrap().to_str().unwrap().to_owned();
                    found.push((name, fs::read_to_string(path).unwrap()));
                }
            }
        }
        found.sort();
        found
    }
}

fn path(name: &str) -> RelPath {
    RelPath::parse(name).unwrap()
}

fn change(edits: Vec<FileEdit>) -> ChangeSet {
    ChangeSet::new(edits).unwrap()
}

fn tree(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn a_change_is_applied_whole_and_what_it_replaced_is_stored() {
    let case = Case::new(&[("mod", "1"), ("del", "2"), ("from", "3")]);
    fs::set_permissions(case.at("mod"), fs::Permissions::from_mode(0o600)).unwrap();
    let moved = FileEdit { from: Some(path("from")), ..case.edit("to", Some("3"), Some("4")) };
    let all = change(vec![
        case.edit("mod", Some("1"), Some("one")),
        case.edit("del", Some("2"), None),
        case.edit("new/deep", None, Some("five")),
        moved,
    ]);
    assert_eq!(settle(&case.root, &all), Settled::Before);
    assert_eq!(case.apply(&all).unwrap().created, [path("new")]);
    assert_eq!(case.tree(), tree(&[("mod", "one"), ("new/deep", "five"), ("to", "4")]));
    assert_eq!(
        fs::metadata(case.at("mod")).unwrap().mode() & 0o777,
        0o600,
        "a mode that is no part of the change"
    );
    for text in ["1", "2", "3"] {
        assert_eq!(case.blobs.get(Digest::of(text.as_bytes())).unwrap(), text.as_bytes());
    }
    assert_eq!(settle(&case.root, &all), Settled::After);
    assert!(matches!(case.apply(&all), Err(ApplyError::Conflict(conflicts)) if conflicts.len() == 5));
}

#[test]
fn one_file_that_is_not_as_expected_stops_the_whole_change() {
    let case = Case::new(&[("a", "1"), ("human", "edited"), ("there", "x")]);
    symlink("a", case.at("link")).unwrap();
    let edits = [
        case.edit("a", Some("1"), Some("2")),
        case.edit("human", Some("seen"), Some("agent")),
        case.edit("there", None, Some("agent")),
        case.edit("gone", Some("seen"), None),
        case.edit("link", Some("1"), Some("agent")),
    ];
    let before = case.tree();
    let ApplyError::Conflict(conflicts) = case.apply(&change(edits.to_vec())).unwrap_err() else { panic!() };
    let found: Vec<_> = conflicts.iter().map(|c| (c.path.to_string(), c.found)).collect();
    let contents = |text: &str| Found::Contents(Digest::of(text.as_bytes()));
    assert_eq!(
        found,
        [
            ("human".to_owned(), contents("edited")),
            ("there".to_owned(), contents("x")),
            ("gone".to_owned(), Found::Absent),
            ("link".to_owned(), Found::Link(Digest::of(b"a"))),
        ]
    );
    assert_eq!(case.tree(), before);
}

#[test]
fn a_failure_half_way_takes_back_what_was_written() {
    let case = Case::new(&[("a", "1"), ("b", "2"), ("file", "x")]);
    let edits = vec![
        case.edit("a", Some("1"), Some("one")),
        case.edit("b", Some("2"), None),
        case.edit("new/c", None, Some("three")),
        // A folder cannot be made where a file is: this one fails after the others are written.
        case.edit("file/below", None, Some("four")),
    ];
    let before = case.tree();
    assert!(matches!(case.apply(&change(edits)).unwrap_err(), ApplyError::File(_)));
    assert_eq!(case.tree(), before);
    assert!(!case.at("new").exists());
}

#[test]
fn contents_that_are_not_stored_are_not_written() {
    let case = Case::new(&[("a", "1")]);
    let lost = Version { digest: Digest::of(b"never stored"), mode: 0o644 };
    let edits = vec![
        case.edit("a", Some("1"), Some("2")),
        FileEdit { after: Some(lost), ..case.edit("b", None, Some("")) },
    ];
    assert!(matches!(case.apply(&change(edits)).unwrap_err(), ApplyError::Blob(_)));
    assert_eq!(case.tree(), tree(&[("a", "1")]));
}

#[test]
fn what_a_crash_cut_short_is_finished_once_or_left_to_a_person() {
    let case = Case::new(&[("a", "1"), ("b", "2"), ("c", "3")]);
    let all = change(vec![
        case.edit("a", Some("1"), Some("one")),
        case.edit("b", Some("2"), Some("two")),
        case.edit("c", Some("3"), None),
    ]);
    // After the first rename, with the second file's temporary beside it.
    fs::write(case.at("a"), "one").unwrap();
    fs::write(case.at(".tenon-tmp-x"), "two").unwrap();
    assert_eq!(
        settle(&case.root, &all),
        Settled::Mixed { after: vec![path("a")], before: vec![path("b"), path("c")], other: vec![] }
    );
    for _ in 0..2 {
        assert!(matches!(recover(&case.root, &all, &case.blobs).unwrap(), Recovered::Done(_)));
        assert_eq!(case.tree(), tree(&[("a", "one"), ("b", "two")]));
    }
    fs::write(case.at("a"), "1").unwrap();
    fs::write(case.at("b"), "human").unwrap();
    let before = case.tree();
    assert!(matches!(
        recover(&case.root, &all, &case.blobs).unwrap(),
        Recovered::Unknown(Settled::Mixed { .. })
    ));
    assert_eq!(case.tree(), before);
}

#[test]
fn what_was_just_being_written_when_it_was_cut_goes_and_nothing_else() {
    let case = Case::new(&[("a", "1")]);
    let all = change(vec![case.edit("a", Some("1"), Some("one"))]);
    for (name, text) in [("1", ""), ("2", "o"), ("3", "one"), ("4", "one more"), ("5", "ne")] {
        fs::write(case.at(&format!(".tenon-tmp-{name}")), text).unwrap();
    }
    assert!(matches!(recover(&case.root, &all, &case.blobs).unwrap(), Recovered::Done(_)));
    let left = [(".tenon-tmp-4", "one more"), (".tenon-tmp-5", "ne"), ("a", "one")];
    assert_eq!(case.tree(), tree(&left));
}

#[test]
fn a_change_of_mode_alone_is_settled_by_mode() {
    let case = Case::new(&[("run", "x")]);
    let mut edit = case.edit("run", Some("x"), Some("x"));
    edit.after = edit.after.map(|after| Version { mode: 0o755, ..after });
    let only_mode = change(vec![edit]);
    fs::set_permissions(case.at("run"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(settle(&case.root, &only_mode), Settled::Before);
    case.apply(&only_mode).unwrap();
    assert_eq!(settle(&case.root, &only_mode), Settled::After);
    assert_eq!(fs::metadata(case.at("run")).unwrap().mode() & 0o777, 0o755);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(slow(100, 10_000)))]

    /// Whatever was done by then, recovery ends with all of a change.
    #[test]
    fn a_change_cut_short_anywhere_is_finished(cut in 0_usize..5, kinds in prop::collection::vec(0_u8..3, 1..5)) {
        let names: Vec<String> = (0..kinds.len()).map(|n| format!("d{}/f{n}", n % 2)).collect();
        let old: Vec<(&str, &str)> =
            names.iter().zip(&kinds).filter(|(_, kind)| **kind > 0).map(|(name, _)| (name.as_str(), "old")).collect();
        let case = Case::new(&old);
        let edits: Vec<FileEdit> = names.iter().zip(&kinds).map(|(name, kind)| match kind {
            0 => case.edit(name, None, Some("new")),
            1 => case.edit(name, Some("old"), Some("new")),
            _ => case.edit(name, Some("old"), None),
        }).collect();
        let done = change(edits[..cut.min(edits.len())].to_vec());
        case.apply(&done).unwrap();
        case.blobs.put(b"old").unwrap();
        let all = change(edits);
        prop_assert!(matches!(recover(&case.root, &all, &case.blobs).unwrap(), Recovered::Done(_)));
        prop_assert_eq!(settle(&case.root, &all), Settled::After);
        prop_assert!(case.tree().iter().all(|(_, text)| text == "new"));
    }
}
