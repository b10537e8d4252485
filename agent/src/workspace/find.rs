//! Finding files by a glob. Not here: the fuzzy finder.
use globset::{GlobBuilder, GlobMatcher};

use crate::workspace::error::FileError;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;
use crate::workspace::stop::Stop;
use crate::workspace::walk;

/// The most paths one glob answers.
pub(crate) const GLOB_PATHS_MAX: usize = 1_000;

/// The paths that match a glob, in byte order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The paths, relative to the root.
    pub(crate) paths: Vec<RelPath>,
    /// There are more.
    pub(crate) truncated: bool,
    /// The walk was cancelled or out of time.
    pub(crate) stopped: bool,
}

/// A glob over paths below a folder: `*` and `?` stay within a name, `**` crosses folders, `{a,b}` and `[a-z]` as usual. A
/// pattern without `/` is matched against the name alone, at any depth.
#[derive(Clone, Debug)]
pub(super) struct PathGlob {
    matcher: GlobMatcher,
    name_only: bool,
}

impl PathGlob {
    pub(super) fn new(pattern: &str) -> Result<Self, globset::Error> {
        let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
        let name_only = !pattern.contains('/');
        // A leading slash anchors at the folder, as in ignore files.
        let glob = GlobBuilder::new(pattern.strip_prefix('/').unwrap_or(pattern))
            .literal_separator(true)
            .backslash_escape(true)
            .build()?;
        Ok(Self { matcher: glob.compile_matcher(), name_only })
    }

    /// Tells whether `path`, relative to the folder, matches.
    pub(super) fn is_match(&self, path: &std::path::Path) -> bool {
        if self.name_only {
            path.file_name().is_some_and(|name| self.matcher.is_match(name))
        } else {
            self.matcher.is_match(path)
        }
    }
}

/// Tells whether a path matches a glob over what is below a folder, whether it exists or not.
///
/// # Errors
/// The pattern is malformed.
pub(crate) fn matches(folder: &RelPath, pattern: &str, path: &RelPath) -> Result<bool, globset::Error> {
    let glob = PathGlob::new(pattern)?;
    Ok(path.as_path().strip_prefix(folder.as_path()).is_ok_and(|below| glob.is_match(below)))
}

/// Why a glob failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GlobError {
    /// The pattern is malformed.
    #[error("bad glob pattern")]
    Pattern(#[from] globset::Error),
    /// The folder cannot be walked.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Finds files and links below `folder` whose path relative to it matches `pattern`. What ignore files name and `.git`
/// are left out.
///
/// # Errors
/// The pattern is malformed, or the folder leads outside.
pub(crate) fn glob(root: &Root, folder: &RelPath, pattern: &str, stop: &Stop) -> Result<Found, GlobError> {
    let glob = PathGlob::new(pattern)?;
    let folder = root.canonical(folder)?;
    if root.stat(&folder)?.is_none() {
        return Err(FileError::NotFound(folder).into());
    }
    let absolute = root.absolute(&folder);
    if walk::has_trap(&absolute) {
        return Ok(Found { paths: Vec::new(), truncated: false, stopped: false });
    }
    let builder = walk::builder(root, &folder)?;
    let collected = walk::collect(&builder, GLOB_PATHS_MAX, stop, || {
        |entry: &ignore::DirEntry, kept: &mut crate::workspace::smallest::Smallest<RelPath>| {
            let is_folder = entry.file_type().is_none_or(|kind| kind.is_dir());
            let Ok(below) = entry.path().strip_prefix(&absolute) else { return };
            if !is_folder
                && glob.is_match(below)
                && let Ok(path) = entry.path().strip_prefix(root.path())
            {
                kept.offer(RelPath::from_walk(path));
            }
        }
    });
    Ok(Found { paths: collected.items, truncated: collected.truncated, stopped: collected.stopped })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_glob_finds_files_by_name_or_by_path() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["src/a.rs", "src/deep/b.rs", "src/c.ts", ".ci/run", ".git/d.rs", "target/e.rs", "f.rs"];
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::write(folder.path().join(".gitignore"), "/target\n").unwrap();
        let root = Root::open(folder.path()).unwrap();
        let check = |below: &str, pattern: &str| {
            let below = RelPath::parse(below).unwrap();
            let found = glob(&root, &below, pattern, &Stop::after(Duration::from_mins(1))).unwrap();
            assert!(!found.truncated && !found.stopped);
            found.paths.iter().map(RelPath::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(check(".", "*.rs"), "f.rs src/a.rs src/deep/b.rs");
        assert_eq!(check(".", "/*.rs"), "f.rs");
        assert_eq!(check(".", "src/*.{rs,ts}"), "src/a.rs src/c.ts");
        assert_eq!(check(".", "**/deep/**"), "src/deep/b.rs");
        assert_eq!(check("src", "./deep/*"), "src/deep/b.rs");
        assert_eq!(check(".", "run"), ".ci/run");
        assert_eq!(check(".", "*.go"), "");
        let stop = Stop::after(Duration::from_mins(1));
        assert!(matches!(glob(&root, &RelPath::root(), "[", &stop), Err(GlobError::Pattern(_))));
    }

    #[test]
    fn ignore_files_above_count_only_inside_a_repository() {
        let outer = tempfile::tempdir().unwrap();
        fs::create_dir_all(outer.path().join("part/sub")).unwrap();
        fs::write(outer.path().join(".gitignore"), "*.log\n").unwrap();
        fs::write(outer.path().join("part/.gitignore"), "sub/*.tmp\n").unwrap();
        for name in ["sub/x.log", "sub/x.tmp", "sub/x.rs"] {
            fs::write(outer.path().join("part").join(name), "").unwrap();
        }
        let root = Root::open(&outer.path().join("part")).unwrap();
        let check = |below: &str| {
            let below = RelPath::parse(below).unwrap();
            let found = glob(&root, &below, "x.*", &Stop::after(Duration::from_mins(1))).unwrap();
            found.paths.iter().map(RelPath::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(check("."), "sub/x.log sub/x.rs");
        assert_eq!(check("sub"), "sub/x.log sub/x.rs");
        fs::create_dir(outer.path().join(".git")).unwrap();
        assert_eq!((check("."), check("sub")), ("sub/x.rs".to_owned(), "sub/x.rs".to_owned()));
    }
}
