//! The laws on real directories: what holds of the decisions holds of the files, no file outside a change is touched, and what
//! kind of repository the directory lies in makes no difference. Not here: being killed meanwhile (the crash tests).
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::test_runner::TestRunner;
use tempfile::TempDir;

use super::*;
use crate::changes::apply::apply;
use crate::changes::change::ChangeSet;

/// Where a workspace lies.
#[derive(Clone, Copy, Debug)]
enum Place {
    NoRepository,
    UnbornHead,
    Subdirectory,
    Submodule,
}

/// A real directory that follows a world, and is used for one case after the other.
#[derive(Clone, Debug)]
pub(super) struct Disk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: TempDir,
    workspace: PathBuf,
    root: Root,
}

/// What shows that a file was written, or replaced by an equal one.
type Stamp = (u64, i64, i64, u32);

impl Disk {
    fn new(place: Place) -> Self {
        // Where there is a file system in memory, thousands of cases do not wait for a disk.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        if !matches!(place, Place::NoRepository) {
            write(".git/HEAD", "ref: refs/heads/main\n");
            write(".git/config", "[core]\n\trepositoryformatversion = 0\n");
        }
        if matches!(place, Place::Subdirectory | Place::Submodule) {
            write(".git/refs/heads/main", "0123456789012345678901234567890123456789\n");
            write(".git/index", "DIRC");
        }
        if matches!(place, Place::Submodule) {
            write(".git/modules/d/HEAD", "ref: refs/heads/main\n");
            write("d/.git", "gitdir: ../.git/modules/d\n");
        }
        write("sub/other", "nobody's\n");
        let is_below = matches!(place, Place::Subdirectory);
        let workspace = if is_below { folder.path().join("sub") } else { folder.path().to_owned() };
        let root = Root::open(&workspace).unwrap();
        Self(Arc::new(Inner { folder, workspace, root }))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.workspace.join(name)
    }

    /// Begins a case.
    pub(super) fn fill(&self, tree: &Tree) {
        for name in NAMES {
            match tree.get(name) {
                Some(file) => self.save(name, file),
                None if self.at(name).exists() => fs::remove_file(self.at(name)).unwrap(),
                None => {}
            }
        }
    }

    /// Saves a file as an editor does.
    pub(super) fn save(&self, name: &str, file: &Contents) {
        fs::create_dir_all(self.at(name).parent().unwrap()).unwrap();
        fs::write(self.at(name), &file.bytes).unwrap();
        fs::set_permissions(self.at(name), fs::Permissions::from_mode(file.mode.unwrap())).unwrap();
    }

    pub(super) fn look(&self, path: &RelPath) -> Now {
        Now::look(&self.0.root, path)
    }

    /// Applies a change, and compares everything with what it should be.
    pub(super) fn change(&self, tree: &Tree, files: &[(String, Option<Contents>)], blobs: &Memory) {
        let version = |contents: Option<&Contents>| {
            contents.map(|file| Version { digest: blobs.put(&file.bytes).unwrap(), mode: file.mode.unwrap() })
        };
        let edits = files.iter().filter(|(name, after)| tree.get(name) != after.as_ref());
        let edits = edits.map(|(name, after)| {
            let (before, after) = (version(tree.get(name)), version(after.as_ref()));
            FileEdit { path: RelPath::parse(name.as_str()).unwrap(), from: None, before, after }
        });
        let change = ChangeSet::new(edits.collect()).unwrap();
        if change.edits().is_empty() {
            return;
        }
        let before = self.stamps();
        apply(&self.0.root, &change, blobs).unwrap();
        let mut expected = tree.clone();
        for (name, after) in files {
            match after {
                Some(after) => expected.insert(name.clone(), after.clone()),
                None => expected.remove(name),
            };
        }
        let written =
            |name: &str| change.edits().iter().any(|edit| self.at(&edit.path.to_string()) == Path::new(name));
        let after = self.stamps();
        let others = |stamps: &BTreeMap<String, Stamp>| {
            let others = stamps.iter().filter(|(name, _)| !written(name));
            others.map(|(name, stamp)| (name.clone(), *stamp)).collect::<BTreeMap<_, _>>()
        };
        assert_eq!(
            others(&before),
            others(&after),
            "what is in no edit is untouched, and nothing is left beside it"
        );
        for name in NAMES {
            let now = expected.get(name).map_or(Now::Nothing, |file| Now::File(file.clone()));
            assert_eq!(self.look(&RelPath::parse(name).unwrap()), now);
        }
    }

    /// Every file beneath the folder, what git keeps included.
    fn stamps(&self) -> BTreeMap<String, Stamp> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.0.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let is = fs::symlink_metadata(&path).unwrap();
                if is.is_dir() {
                    folders.push(path);
                } else {
                    let stamp = (is.ino(), is.mtime(), is.mtime_nsec(), is.mode());
                    found.insert(path.to_str().unwrap().to_owned(), stamp);
                }
            }
        }
        found
    }
}

/// Tries a law in a place: 10,000 times in all places together where there is time.
fn check<S: Strategy>(
    place: Place,
    strategy: &S,
    law: impl Fn(World, S::Value) -> TestCaseResult,
    texts: impl Fn(&S::Value) -> Vec<Option<String>>,
) {
    let disk = Disk::new(place);
    let config = ProptestConfig {
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::with_cases(slow(100, 2_500))
    };
    let run = TestRunner::new(config).run(strategy, |case| {
        let world = World::of(&texts(&case)).on(disk.clone());
        law(world, case)
    });
    if let Err(error) = run {
        panic!("{place:?}: {error}");
    }
}

fn back_is_back(place: Place) {
    let case = (any_files(), prop::collection::vec(any_change(), 1..4), any::<Index>());
    check(
        place,
        &case,
        |world, (_, changes, one)| goes_back_and_forth(world, changes, one),
        |case| case.0.clone(),
    );
}

fn no_line_is_lost(place: Place) {
    let case = (any_lines(), prop::collection::vec(any_act(), 1..10), any_order());
    check(
        place,
        &case,
        |world, (_, acts, order)| people_keep_their_lines(world, acts, order),
        |case| case.0.clone(),
    );
}

#[test]
fn back_is_back_without_a_repository() {
    back_is_back(Place::NoRepository);
}

#[test]
fn back_is_back_with_an_unborn_head() {
    back_is_back(Place::UnbornHead);
}

#[test]
fn back_is_back_in_a_subdirectory() {
    back_is_back(Place::Subdirectory);
}

#[test]
fn back_is_back_with_a_submodule() {
    back_is_back(Place::Submodule);
}

#[test]
fn no_line_is_lost_without_a_repository() {
    no_line_is_lost(Place::NoRepository);
}

#[test]
fn no_line_is_lost_with_an_unborn_head() {
    no_line_is_lost(Place::UnbornHead);
}

#[test]
fn no_line_is_lost_in_a_subdirectory() {
    no_line_is_lost(Place::Subdirectory);
}

#[test]
fn no_line_is_lost_with_a_submodule() {
    no_line_is_lost(Place::Submodule);
}
