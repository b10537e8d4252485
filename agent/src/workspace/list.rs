//! Listing folders. Not here: how a listing is shown.
use ignore::WalkBuilder;

use crate::workspace::error::FileError;
use crate::workspace::identity::Kind;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;
use crate::workspace::stop::Stop;
use crate::workspace::walk;

/// The most entries of one listing: a page that a model can still use.
pub(crate) const LIST_ENTRIES_MAX: usize = 1_000;

/// One name in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where it is.
    pub(crate) path: RelPath,
    /// What it is.
    pub(crate) kind: Kind,
    /// How deep below the listed folder, from 1.
    pub(crate) depth: usize,
    /// The length of a regular file; 0 for everything else.
    pub(crate) size_bytes: u64,
}

/// A listing: folders before what is in them, names in byte order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listing {
    /// The entries.
    pub(crate) entries: Vec<Entry>,
    /// There is more, by number of entries.
    pub(crate) truncated: bool,
    /// The walk was cancelled or out of time.
    pub(crate) stopped: bool,
}

/// Lists `folder` down to `depth` levels, at most `entries_max` (≤ [`LIST_ENTRIES_MAX`]) entries. What ignore files name
/// and `.git` are left out.
///
/// # Errors
/// `folder` is absent, outside, or no folder.
pub(crate) fn list(
    root: &Root,
    folder: &RelPath,
    depth: usize,
    entries_max: usize,
    stop: &Stop,
) -> Result<Listing, FileError> {
    let folder = root.canonical(folder)?;
    match root.stat(&folder)?.map(|stat| stat.kind) {
        Some(Kind::Folder) => {}
        Some(Kind::File | Kind::Link | Kind::Special) => return Err(FileError::NotFolder(folder)),
        None => return Err(FileError::NotFound(folder)),
    }
    let entries_max = entries_max.min(LIST_ENTRIES_MAX);
    let mut listing = Listing { entries: Vec::new(), truncated: false, stopped: false };
    if walk::has_trap(&root.absolute(&folder)) {
        return Ok(listing);
    }
    let mut builder: WalkBuilder = walk::builder(root, &folder)?;
    builder.max_depth(Some(depth.max(1))).sort_by_file_name(std::ffi::OsStr::cmp);
    for found in builder.build().skip(1) {
        if stop.is_due() {
            listing.stopped = true;
            break;
        }
        if listing.entries.len() == entries_max {
            listing.truncated = true;
            break;
        }
        let Ok(found) = found else { continue };
        let Ok(path) = found.path().strip_prefix(root.path()).map(RelPath::from_walk) else { continue };
        // Vanished since: not listed.
        let Ok(Some(stat)) = root.stat(&path) else { continue };
        let size_bytes = if stat.kind == Kind::File { stat.identity.size_bytes } else { 0 };
        listing.entries.push(Entry { path, kind: stat.kind, depth: found.depth(), size_bytes });
    }
    Ok(listing)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_listing_is_ordered_bounded_and_never_leaves_the_workspace() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["b/c/deep", "a.rs", ".git/config", "out/x", "b/.env"] {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            fs::write(at(name), "12345").unwrap();
        }
        fs::write(at(".gitignore"), "out/\n").unwrap();
        std::os::unix::fs::symlink("/", at("root")).unwrap();
        let root = Root::open(folder.path()).unwrap();
        let stop = Stop::after(Duration::from_mins(1));
        let check = |name: &str, depth: usize, entries_max: usize| {
            list(&root, &RelPath::parse(name).unwrap(), depth, entries_max, &stop).map(|listing| {
                let names: Vec<_> = listing
                    .entries
                    .iter()
                    .map(|e| format!("{} {:?} {}", e.path, e.kind, e.size_bytes))
                    .collect();
                (names.join(", "), listing.truncated)
            })
        };
        let all = ".gitignore File 5, a.rs File 5, b Folder 0, root Link 0".to_owned();
        assert_eq!(check(".", 1, 100).unwrap(), (all, false));
        assert_eq!(check(".", 1, 2).unwrap(), (".gitignore File 5, a.rs File 5".to_owned(), true));
        let deep = "b/.env File 5, b/c Folder 0, b/c/deep File 5".to_owned();
        assert_eq!(check("b", 2, 3).unwrap(), (deep, false));
        assert!(matches!(check("root", 1, 9), Err(FileError::Outside(_))));
        assert!(matches!(check("a.rs", 1, 9), Err(FileError::NotFolder(_))));
        assert!(matches!(check("none", 1, 9), Err(FileError::NotFound(_))));
    }
}
