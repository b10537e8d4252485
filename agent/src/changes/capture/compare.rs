//! What a command did to the workspace where no layer caught it: the names before and after, compared. Not here: layers (`look`).
//!
//! What a file held before is known only where it was kept; where it was not, the file is told as uncovered. Nor can it be known
//! here whose a change is: somebody may have saved while the command ran. So every file is marked as uncertain.
use std::collections::BTreeSet;

use tenon_protocol::change::{FileChange, Uncovered};

use crate::changes::blobs::BlobStore;
use crate::changes::capture::look::{
    Content, FOLDER, IGNORED, LARGE, LookError, SPECIAL, captured_file, content,
};
use crate::changes::capture::{BUDGET_BYTES, Before, Committed, uncovered};
use crate::changes::change::EDITS_MAX;
use crate::workspace::identity::{Identity, Kind, Stat};
use crate::workspace::path::RelPath;
use crate::workspace::read::FILE_BYTES_MAX;
use crate::workspace::repository::{Part, part};
use crate::workspace::root::Root;
use crate::workspace::survey::Survey;
use crate::workspace::through::is_written_since;

const UNKNOWN: &str = "what it held before was not kept: it is written, and cannot be undone";
const UNSAVED: &str = "somebody has it open with changes that are not saved: whose this is cannot be told, and it is not undone";
const GIT: &str = "git's own records: they are written, and are git's to undo";
const OVER: &str = "the change would be too large with it: it is written, and cannot be undone";

/// Names that are told as uncovered; the rest is counted.
const UNCOVERED_MAX: usize = 1_000;

const CUT: &str = "the workspace has too many files to be compared: what else changed is not known";

/// Finds out what changed since. Contents are stored; nothing else is written. `is_unsaved` tells of files that somebody edits.
/// What was changed after `until_ns`, when the command had ended, by the clock of a file system, is not counted.
///
/// # Errors
/// The disk fails, or is full.
pub(crate) fn compare(
    root: &Root,
    before: &Before,
    blobs: &dyn BlobStore,
    is_unsaved: &dyn Fn(&RelPath) -> bool,
    until_ns: Option<i128>,
) -> Result<Committed, LookError> {
    let now = Survey::of(root);
    let (found, left_bytes) = (Committed::default(), BUDGET_BYTES);
    let mut comparing = Comparing { root, before, blobs, found, left_bytes, untold: 0 };
    let mut later = Vec::new();
    let names: BTreeSet<&RelPath> = before.survey.entries.keys().chain(now.entries.keys()).collect();
    for path in names {
        let (was, is) = (before.survey.entries.get(path), now.entries.get(path));
        // A name that an ignore file names only now, or no more, is told with those.
        let is_passed = before.survey.passed.contains_key(path) || now.passed.contains_key(path);
        if was == is || is_passed {
            continue;
        }
        if until_ns.is_some_and(|until_ns| changed_ns(root, path, is).is_some_and(|at| at > until_ns)) {
            later.push(path);
            continue;
        }
        match (was.map(|stat| stat.kind), is.map(|stat| stat.kind)) {
            (was_kind, Some(Kind::Folder)) => {
                if matches!(was_kind, Some(Kind::File | Kind::Link)) {
                    comparing.file(path, was.copied(), None)?;
                }
                comparing.folder(path, was.filter(|_| was_kind == Some(Kind::Folder)), is, &now);
            }
            (Some(Kind::Folder), None) => {}
            (Some(Kind::Special), _) | (_, Some(Kind::Special)) => comparing.tell(path, SPECIAL),
            (Some(_), _) | (_, Some(_)) if is_unsaved(path) => comparing.tell(path, UNSAVED),
            (None | Some(Kind::Folder), _) if before.survey.is_cut => {}
            (_, _) => comparing.file(path, was.copied(), is.copied())?,
        }
    }
    comparing.passed(&now);
    comparing.later(&later);
    if before.survey.is_cut || now.is_cut {
        comparing.note(&RelPath::root(), CUT);
    }
    Ok(comparing.finish())
}

/// Makes the edit of a file of which nobody can tell whose it is.
pub(crate) fn uncertain_file(
    path: &RelPath,
    before: Option<&Content>,
    after: Option<&Content>,
) -> FileChange {
    FileChange { uncertain: Some(true), ..captured_file(path, before, after, None).wire }
}

/// Returns when a name was changed last: of one that is gone, the folder it was in. A folder's own time says nothing of it.
fn changed_ns(root: &Root, path: &RelPath, is: Option<&Stat>) -> Option<i128> {
    let stat = match is {
        Some(stat) if stat.kind == Kind::Folder => return None,
        Some(stat) => *stat,
        None => root.stat(&path.parent()?).ok()??,
    };
    Some(stat.identity.changed_ns)
}

struct Comparing<'a> {
    root: &'a Root,
    before: &'a Before,
    blobs: &'a dyn BlobStore,
    found: Committed,
    left_bytes: u64,
    /// How many more names would have been told.
    untold: usize,
}

impl Comparing<'_> {
    fn tell(&mut self, path: &RelPath, reason: &str) {
        if self.found.uncovered.len() < UNCOVERED_MAX {
            self.note(path, reason);
        } else {
            self.untold += 1;
        }
    }

    /// Tells what was changed when the command had ended: people went on while the agent was not there.
    fn later(&mut self, paths: &[&RelPath]) {
        let [first, ..] = paths else { return };
        let names = if paths.len() == 1 {
            format!("{first} was")
        } else {
            format!("{first} and {} more were", paths.len() - 1)
        };
        self.note(
            &RelPath::root(),
            &format!("{names} changed after the command had ended: that is not counted as its work"),
        );
    }

    fn finish(mut self) -> Committed {
        if self.untold > 0 {
            let reason = format!("{} more names were changed that cannot be undone", self.untold);
            self.note(&RelPath::root(), &reason);
        }
        self.found
    }

    fn note(&mut self, path: &RelPath, reason: &str) {
        let Uncovered { path, reason } = uncovered(path, reason);
        let path = if path.is_empty() { ".".to_owned() } else { path };
        self.found.uncovered.push(Uncovered { path, reason });
    }

    fn folder(&mut self, path: &RelPath, was: Option<&Stat>, is: Option<&Stat>, now: &Survey) {
        let (Some(is), Some(was)) = (is, was) else {
            self.found.folders.push(path.clone());
            let is_beneath = |(inner, stat): &(&RelPath, &Stat)| {
                inner.as_path().starts_with(path.as_path()) && stat.kind != Kind::Folder
            };
            if !now
                .entries
                .range(path.clone()..)
                .take_while(|(inner, _)| inner.as_path().starts_with(path.as_path()))
                .any(|entry| is_beneath(&entry))
            {
                self.tell(path, FOLDER);
            }
            return;
        };
        if was.mode != is.mode {
            let reason = format!("permission bits of a folder: {:o} before, {:o} after", was.mode, is.mode);
            self.tell(path, &reason);
        }
    }

    fn file(&mut self, path: &RelPath, was: Option<Stat>, is: Option<Stat>) -> Result<(), LookError> {
        let is_large = |stat: &Stat| stat.kind == Kind::File && stat.identity.size_bytes > FILE_BYTES_MAX;
        if was.iter().chain(&is).any(is_large) {
            self.tell(path, LARGE);
            return Ok(());
        }
        let of_file = |stat: Option<Stat>| stat.filter(|stat| stat.kind != Kind::Folder);
        let (was, is) = (of_file(was), of_file(is));
        let after = match is {
            // Gone at this moment, or closed to us: nothing can be said of it.
            Some(_) => match content(self.root, path) {
                Ok(after) => Some(after),
                Err(error) => {
                    self.tell(path, &format!("cannot be read: {error}"));
                    return Ok(());
                }
            },
            None => None,
        };
        let before = was.map(|was| self.content_before(path, was, is, after.as_ref()));
        let before = match before {
            None => None,
            Some(Some(before)) => Some(before),
            Some(None) => {
                self.tell(path, UNKNOWN);
                return Ok(());
            }
        };
        if before == after {
            return Ok(());
        }
        let bytes = before.iter().chain(&after).map(|(bytes, _)| bytes.len() as u64).sum();
        match self.left_bytes.checked_sub(bytes) {
            Some(left) if self.found.files.len() < EDITS_MAX => self.left_bytes = left,
            Some(_) | None => {
                self.tell(path, OVER);
                return Ok(());
            }
        }
        for (bytes, _) in before.iter().chain(&after) {
            self.blobs.put(bytes)?;
        }
        self.found.files.push(uncertain_file(path, before.as_ref(), after.as_ref()));
        Ok(())
    }

    /// What a file held before: what was kept, or what it holds now where only its permission bits are others.
    fn content_before(
        &self,
        path: &RelPath,
        was: Stat,
        is: Option<Stat>,
        after: Option<&Content>,
    ) -> Option<Content> {
        if let Some(kept) = self.before.content(path) {
            return Some(kept);
        }
        let same =
            |a: Identity, b: Identity| Identity { changed_ns: 0, ..a } == Identity { changed_ns: 0, ..b };
        let is = is.filter(|is| is.kind == was.kind && same(is.identity, was.identity))?;
        after.filter(|_| is.kind == Kind::File).map(|(bytes, _)| (bytes.clone(), was.mode))
    }

    /// Tells what was written of what is passed by.
    fn passed(&mut self, now: &Survey) {
        let before = &self.before.survey.passed;
        let names: BTreeSet<&RelPath> = before.keys().chain(now.passed.keys()).collect();
        for path in names {
            let reason = if part(path) == Some(Part::Folder) { GIT } else { IGNORED };
            let is_written = match (before.get(path), now.passed.get(path)) {
                (Some(was), Some(is)) if is.kind == Kind::Folder && was.kind == Kind::Folder => {
                    self.before.since_ns.is_some_and(|since| is_written_since(self.root, path, since))
                }
                (was, is) => was != is,
            };
            if is_written {
                self.tell(path, reason);
            }
        }
    }
}

#[cfg(test)]
mod tests;
