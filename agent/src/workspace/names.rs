//! The names of a workspace, for finding files by a few letters. Not here: finding them by a glob (`find`), and how long the
//! names are kept (`daemon`).
//!
//! Adding or removing a file changes the time of its folder: looking at every folder and ignore file again is far cheaper than
//! another walk, and misses nothing that a walk would see.
use std::cmp::Reverse;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use ignore::DirEntry;
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::base::clock::Timestamp;
use crate::workspace::error::FileError;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;
use crate::workspace::smallest::Smallest;
use crate::workspace::stop::Stop;
use crate::workspace::walk::{self, IGNORE_FILES};

/// Names that are kept of one workspace: more than twice a large one's, 20 MB at worst. The shallowest are kept.
const NAMES_MAX: usize = 200_000;

/// The longest text that names are compared with, in bytes: the longest name a file can have.
const SOUGHT_BYTES_MAX: usize = 255;

/// A folder that changed so shortly before it was read may have changed again within the same tick of the file system's clock.
const TICK_NS: i128 = 50_000_000;

/// Longer than any walk, and shorter than a time that somebody set by hand lies in the future.
const WALK_NS: i128 = 60_000_000_000;

/// The names in a workspace at one time.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Shallow ones first, in byte order among the equally deep.
    sorted: Vec<Name>,
    /// What tells that the names are not true any more: folders and ignore files with the time of their last change.
    stamps: Vec<(RelPath, i128)>,
    /// The walk was out of time, or there are too many.
    partial: bool,
    /// Something changed while it was read: nobody can tell whether the names are true.
    blurred: bool,
}

/// A name that can be mentioned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    /// Relative to the root; UTF-8, without control characters.
    pub(crate) path: Box<str>,
    /// Whether it is a folder.
    pub(crate) folder: bool,
}

/// The best of the names.
#[derive(Debug)]
pub(crate) struct Best {
    /// Best first.
    pub(crate) names: Vec<Name>,
    /// There are more that fit, or may be.
    pub(crate) more: bool,
}

/// What a walk brings home of one entry; shallow ones are the smallest.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Met {
    depth: usize,
    path: RelPath,
    folder: bool,
    stamp: Option<i128>,
}

impl Names {
    /// Walks the workspace: `.git` and what ignore files name are left out, links are not followed. Blocks until `stop` at the
    /// latest; `now` is the time before it.
    ///
    /// # Errors
    /// The root cannot be walked.
    pub(crate) fn gather(root: &Root, now: Timestamp, stop: &Stop) -> Result<Self, FileError> {
        if walk::has_trap(root.path()) {
            return Ok(Self::default());
        }
        let builder = walk::builder(root, &RelPath::root())?;
        let walked = walk::collect(&builder, NAMES_MAX, stop, || {
            |entry: &DirEntry, kept: &mut Smallest<Met>| {
                if let Some(met) = meet(root.path(), entry) {
                    kept.offer(met);
                }
            }
        });
        let mut gathered = Self { partial: walked.truncated || walked.stopped, ..Self::default() };
        let began = i128::from(now.0) * 1_000_000;
        for met in walked.items {
            if let (path, false) = met.path.to_wire()
                && !met.path.is_root()
                && !path.chars().any(char::is_control)
            {
                gathered.sorted.push(Name { path: path.into(), folder: met.folder });
            }
            if let Some(stamp) = met.stamp {
                gathered.blurred |= (began - TICK_NS..began + WALK_NS).contains(&stamp);
                gathered.stamps.push((met.path, stamp));
            }
        }
        Ok(gathered)
    }

    /// Tells whether another walk would find the same, as far as can be seen. Blocks.
    pub(crate) fn are_true(&self, root: &Root) -> bool {
        let same = |(path, stamp): &(RelPath, i128)| {
            root.absolute(path).symlink_metadata().is_ok_and(|metadata| changed_at(&metadata) == *stamp)
        };
        !self.blurred && self.stamps.iter().all(same)
    }

    /// Returns the names that fit best what somebody has typed: what lies in the folder that it names, the top of the workspace
    /// where it is empty, else names that hold its letters in order. Capital letters are told apart only where some are typed.
    pub(crate) fn best(&self, sought: &str, max: usize) -> Best {
        let sought = sought.trim_start_matches("./");
        let folder = sought.trim_end_matches('/');
        let is_folder = folder.len() < sought.len()
            && self.sorted.iter().any(|name| name.folder && *name.path == *folder);
        let mut found: Vec<(u16, &Name)> = if sought.is_empty() || is_folder {
            self.within(folder).map(|name| (0, name)).collect()
        } else {
            self.like(sought)
        };
        found.sort_unstable_by_key(|(score, name)| {
            (Reverse(*score), name.is_hidden(), name.path.len() * usize::from(*score > 0), &name.path)
        });
        let more = self.partial || found.len() > max;
        Best { names: found.into_iter().take(max).map(|(_, name)| name.clone()).collect(), more }
    }

    fn within(&self, folder: &str) -> impl Iterator<Item = &Name> {
        self.sorted.iter().filter(move |name| {
            let parent = name.path.rsplit_once('/').map_or("", |(parent, _)| parent);
            parent == folder
        })
    }

    fn like(&self, sought: &str) -> Vec<(u16, &Name)> {
        if sought.len() > SOUGHT_BYTES_MAX {
            return Vec::new();
        }
        let mut config = Config::DEFAULT.match_paths();
        // Letters with marks are found by those without them, and the other way round they are told apart.
        config.normalize = sought.is_ascii();
        config.ignore_case = !sought.chars().any(char::is_uppercase);
        let mut matcher = Matcher::new(config);
        let (mut letters, mut buffer) = (Vec::new(), Vec::new());
        let needle = Utf32Str::new(sought, &mut letters);
        let scored = self.sorted.iter().filter_map(|name| {
            let score = matcher.fuzzy_match(Utf32Str::new(&name.path, &mut buffer), needle)?;
            Some((score, name))
        });
        scored.collect()
    }
}

impl Name {
    fn is_hidden(&self) -> bool {
        self.path.rsplit('/').next().is_some_and(|name| name.starts_with('.'))
    }
}

fn meet(root: &Path, entry: &DirEntry) -> Option<Met> {
    let kind = entry.file_type()?;
    let folder = kind.is_dir();
    if !folder && !kind.is_file() && !kind.is_symlink() {
        return None;
    }
    let watched = folder || IGNORE_FILES.iter().any(|name| entry.file_name() == *name);
    // The time of a folder is read before what is in it: a change in between shows.
    let stamp = if watched { Some(changed_at(&entry.path().symlink_metadata().ok()?)) } else { None };
    let path = RelPath::from_walk(entry.path().strip_prefix(root).ok()?);
    Some(Met { depth: entry.depth(), path, folder, stamp })
}

fn changed_at(metadata: &std::fs::Metadata) -> i128 {
    i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    /// Later than anything a test writes, so that nothing is blurred.
    const LATER: Timestamp = Timestamp(i64::MAX / 2_000_000);

    fn gather(folder: &Path) -> Names {
        let root = Root::open(folder).unwrap();
        Names::gather(&root, LATER, &Stop::after(Duration::from_mins(1))).unwrap()
    }

    fn project(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    #[test]
    fn names_are_found_by_letters_and_by_folder() {
        let folder = project(&[
            "src/main.rs",
            "src/model/map.rs",
            "src/.env",
            "README.md",
            ".ci/run",
            ".git/x",
            "out/main.o",
            "docs/Main.md",
        ]);
        fs::write(folder.path().join(".gitignore"), "/out\n").unwrap();
        fs::write(folder.path().join("bell\u{7}"), "").unwrap();
        let names = gather(folder.path());
        let check = |sought: &str| {
            let found = names.best(sought, 3);
            let names: Vec<String> = found.names.iter().map(|name| name.path.to_string()).collect();
            format!("{}{}", names.join(" "), if found.more { " …" } else { "" })
        };
        assert_eq!(check(""), "README.md docs src …");
        assert_eq!(check("src/"), "src/main.rs src/model src/.env");
        assert_eq!(check("./src/model/"), "src/model/map.rs");
        assert_eq!(check("main"), "src/main.rs docs/Main.md");
        assert_eq!(check("Main"), "docs/Main.md");
        assert_eq!(check("smap"), "src/model/map.rs");
        assert_eq!(check("main.o"), "");
        assert_eq!(check("nowhere/"), "");
        assert_eq!(check(&"a".repeat(300)), "");
    }

    #[test]
    fn what_is_added_removed_or_ignored_is_seen_and_an_edit_is_not() {
        let folder = project(&["a/b.rs", "a/c/d.rs"]);
        fs::write(folder.path().join(".gitignore"), "x\n").unwrap();
        let root = Root::open(folder.path()).unwrap();
        let after = |change: &dyn Fn(&Path)| {
            let names = gather(folder.path());
            assert!(names.are_true(&root));
            // The file system's clock ticks slowly: a folder is given an earlier time than the change will.
            change(folder.path());
            names.are_true(&root)
        };
        assert!(after(&|at| fs::write(at.join("a/b.rs"), "more").unwrap()));
        let long_ago = std::time::UNIX_EPOCH + Duration::from_secs(1);
        let age =
            |name: &str| fs::File::open(folder.path().join(name)).unwrap().set_modified(long_ago).unwrap();
        for name in ["", "a", "a/c", ".gitignore"] {
            age(name);
        }
        assert!(!after(&|at| fs::write(at.join("a/c/new.rs"), "").unwrap()));
        age("a/c");
        assert!(!after(&|at| fs::remove_file(at.join("a/c/new.rs")).unwrap()));
        assert!(!after(&|at| fs::write(at.join(".gitignore"), "b.rs\n").unwrap()));
    }

    #[test]
    fn names_that_were_read_while_they_changed_are_not_trusted() {
        let folder = project(&["a"]);
        let root = Root::open(folder.path()).unwrap();
        let changed = folder.path().metadata().unwrap().modified().unwrap();
        let changed = changed.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        let now = Timestamp(i64::try_from(changed).unwrap());
        let names = Names::gather(&root, now, &Stop::after(Duration::from_mins(1))).unwrap();
        assert!(!names.are_true(&root));
    }

    #[test]
    fn a_walk_that_is_out_of_time_says_so() {
        let folder = project(&["a", "b"]);
        let root = Root::open(folder.path()).unwrap();
        let names = Names::gather(&root, LATER, &Stop::after(Duration::ZERO)).unwrap();
        assert!(names.best("", 9).more);
    }
}
