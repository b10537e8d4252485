//! Which part of a repository's own folder a path is. Not here: whether it may be written (`approvals`).
//!
//! Every git command writes there, `git status` too. What only records the history is brought over; what can make git run a
//! program or read another place is left to the question about protected paths.
use std::ffi::OsStr;

use crate::workspace::path::RelPath;

/// A part of `.git`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The folder itself.
    Folder,
    /// What git keeps for itself: objects, references, the index.
    Data,
    /// What tells git what to do: configuration, hooks, and whatever is not known to be data.
    Control,
}

/// Names in `.git` that are git's own records (gitrepository-layout). An index or a reference is locked by a file beside it.
const DATA: [&str; 26] = [
    "AUTO_MERGE",
    "BISECT_LOG",
    "BISECT_START",
    "CHERRY_PICK_HEAD",
    "COMMIT_EDITMSG",
    "FETCH_HEAD",
    "HEAD",
    "HEAD.lock",
    "MERGE_HEAD",
    "MERGE_MODE",
    "MERGE_MSG",
    "ORIG_HEAD",
    "REBASE_HEAD",
    "REVERT_HEAD",
    "SQUASH_MSG",
    "gc.log",
    "gc.pid",
    "index",
    "index.lock",
    "logs",
    "objects",
    "packed-refs",
    "packed-refs.lock",
    "refs",
    "sequencer",
    "shallow",
];

/// Returns the part of a repository's folder that a path is; `None` for everything else.
pub(crate) fn part(path: &RelPath) -> Option<Part> {
    let mut names = path.names().skip_while(|name| *name != ".git");
    names.next()?;
    let Some(first) = names.next() else { return Some(Part::Folder) };
    Some(if is_data(first) { Part::Data } else { Part::Control })
}

/// Tells whether a name is that of records, in a repository's folder.
pub(crate) fn is_data(name: &OsStr) -> bool {
    DATA.iter().any(|data| name == *data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_data_and_what_can_run_something_is_not() {
        let check =
            |path: &str, expected| assert_eq!(part(&RelPath::parse(path).unwrap()), expected, "{path}");
        check(".git", Some(Part::Folder));
        check(".git/index", Some(Part::Data));
        check("sub/.git/objects/ab/cdef", Some(Part::Data));
        check(".git/config", Some(Part::Control));
        check(".git/hooks/pre-commit", Some(Part::Control));
        check(".git/modules/x/config", Some(Part::Control));
        check(".git/unheard-of", Some(Part::Control));
        check(".GIT/index", None);
        check("src/git/index", None);
    }
}
