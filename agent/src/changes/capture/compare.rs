//! What a command did to the workspace where no layer caught it: the names before and after, compared. Not here: layers (`look`).
//!
//! What a file held before is known only where it was kept; where it was not, the file is told as uncovered. Nor can it be known
//! here whose a change is: somebody who saves while the command runs is taken for it.
use std::collections::BTreeSet;

use tenon_protocol::change::Uncovered;

use crate::changes::blobs::BlobStore;
use crate::changes::capture::look::{
    Content, FOLDER, IGNORED, LARGE, LookError, SPECIAL, captured_file, content,
};
use crate::changes::capture::{BUDGET_BYTES, Bases, Committed, uncovered};
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
const CUT: &str = "the workspace has too many files to be compared: what else changed is not known";

/// What was there before a command.
#[derive(Debug)]
pub(crate) struct Before {
    /// The names.
    pub(crate) survey: Survey,
    /// What was kept of contents.
    pub(crate) bases: Bases,
    /// When it was looked at, by the clock of a file system; `None` if that is not known.
    pub(crate) since_ns: Option<i128>,
}

impl Before {
    /// Looks at a workspace and keeps of its contents what there is room for: first what is `wanted`. Blocks.
    pub(crate) fn look(root: &Root, wanted: &[RelPath], room_bytes: u64, since_ns: Option<i128>) -> Self {
        let survey = Survey::of(root);
        let mut bases = Bases::with_room(room_bytes);
        let others = survey.entries.iter().filter(|(_, stat)| matches!(stat.kind, Kind::File | Kind::Link));
        for path in wanted.iter().chain(others.map(|(path, _)| path)) {
            if bases.get(path).is_none() {
                bases.keep(root, path);
            }
        }
        Self { survey, bases, since_ns }
    }
}

/// Finds out what changed since. Contents are stored; nothing else is written. `is_unsaved` tells of files that somebody edits.
///
/// # Errors
/// The disk fails, or is full.
pub(crate) fn compare(
    root: &Root,
    before: &Before,
    blobs: &dyn BlobStore,
    is_unsaved: &dyn Fn(&RelPath) -> bool,
) -> Result<Committed, LookError> {
    let now = Survey::of(root);
    let found = Committed::default();
    let mut comparing = Comparing { root, before, blobs, found, left_bytes: BUDGET_BYTES };
    let names: BTreeSet<&RelPath> = before.survey.entries.keys().chain(now.entries.keys()).collect();
    for path in names {
        let (was, is) = (before.survey.entries.get(path), now.entries.get(path));
        // A name that an ignore file names only now, or no more, is told with those.
        let is_passed = before.survey.passed.contains_key(path) || now.passed.contains_key(path);
        if was == is || is_passed {
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
    if before.survey.is_cut || now.is_cut {
        comparing.tell(&RelPath::root(), CUT);
    }
    Ok(comparing.found)
}

struct Comparing<'a> {
    root: &'a Root,
    before: &'a Before,
    blobs: &'a dyn BlobStore,
    found: Committed,
    left_bytes: u64,
}

impl Comparing<'_> {
    fn tell(&mut self, path: &RelPath, reason: &str) {
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
        self.found.files.push(captured_file(path, before.as_ref(), after.as_ref(), None).wire);
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
        if let Some(kept) = self.before.bases.get(path) {
            return Some(kept.clone());
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
