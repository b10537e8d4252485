//! What a command did to the workspace, read from the layer that caught it, and committed like any change. Not here: mounting
//! the layer (`process`), what may be written (`approvals`), and recording it (the session).
//!
//! Three kinds of outcome are told apart. *Files* are a change as any other: contents before and after are kept, so it can be
//! shown and undone. What is *carried* is brought over as it is and nobody keeps it: ignored folders, large files, what git
//! keeps for itself. *Conflicts* are files that somebody else changed while the command ran: they stay as they are on the disk,
//! and the command's text is kept.
mod bases;
mod before;
mod commit;
mod compare;
mod glimpse;
mod kept;
mod look;
mod planned;
mod shown;

use std::collections::BTreeSet;

use tenon_protocol::change::{Conflict, FileChange, Uncovered};

use crate::changes::change::FileEdit;
use crate::workspace::layer::Entry;
use crate::workspace::path::RelPath;

pub(crate) use crate::changes::capture::bases::Bases;
pub(crate) use crate::changes::capture::before::Before;
pub(crate) use crate::changes::capture::commit::{Committed, commit, in_the_way};
pub(crate) use crate::changes::capture::compare::{compare, uncertain_file};
pub(crate) use crate::changes::capture::glimpse::glimpse;
pub(crate) use crate::changes::capture::look::{Look, look, there};
pub(crate) use crate::changes::capture::planned::planned;
pub(crate) use crate::changes::capture::shown::patch_of;

/// How many bytes of contents one change holds, before and after together. What a command writes beyond it is asked about.
pub(crate) const BUDGET_BYTES: u64 = 256 << 20;

/// A file that a command changed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CapturedFile {
    /// What it did to it. Both contents are stored.
    pub(crate) edit: FileEdit,
    /// The same as events tell it.
    pub(crate) wire: FileChange,
    /// When the command last wrote it, in nanoseconds since the Unix epoch; the file keeps this time.
    pub(crate) modified_ns: Option<i128>,
}

/// Something that is brought over as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    /// What lies in the layer.
    pub(crate) entry: Entry,
    /// Why no change holds it.
    pub(crate) reason: &'static str,
    /// Whether protected names in it go along: where programs keep what they fetched, every package has some.
    pub(crate) is_whole: bool,
}

const OVER_BUDGET: &str = "the change would be too large with it: it is written, and cannot be undone";

/// What a command did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Captured {
    /// Files that it changed, by path.
    pub(crate) files: Vec<CapturedFile>,
    /// What is brought over as it is.
    pub(crate) carried: Vec<Carried>,
    /// Files that somebody else changed meanwhile.
    pub(crate) conflicts: Vec<Conflict>,
    /// Folders it made or gave other permission bits, outermost first.
    pub(crate) folders: Vec<(RelPath, u32)>,
    /// Folders it removed, outermost first.
    pub(crate) removed: Vec<RelPath>,
    /// Files of which it changed the time and nothing else.
    pub(crate) touched: Vec<(RelPath, i128)>,
    /// What no change holds and events tell, beside what is carried.
    pub(crate) uncovered: Vec<Uncovered>,
    /// Files that are not brought over, because the change would be too large with them.
    pub(crate) over_budget: Vec<Entry>,
}

impl Captured {
    /// Tells whether the command left everything as it was.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
            && self.carried.is_empty()
            && self.conflicts.is_empty()
            && self.folders.is_empty()
            && self.removed.is_empty()
            && self.touched.is_empty()
            && self.uncovered.is_empty()
            && self.over_budget.is_empty()
    }

    /// Tells whether anything is to be written that has to be announced; times alone are not.
    pub(crate) fn writes(&self) -> bool {
        !(self.files.is_empty()
            && self.carried.is_empty()
            && self.folders.is_empty()
            && self.removed.is_empty())
    }

    /// Returns every path that would be written, but for those over the budget.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &RelPath> {
        let files = self.files.iter().map(|file| &file.edit.path);
        files.chain(self.carried.iter().map(|carried| &carried.entry.path))
    }

    /// Leaves these paths out, and folders that would hold nothing but them.
    pub(crate) fn leave_out(&mut self, refused: &BTreeSet<RelPath>) {
        self.files.retain(|file| !refused.contains(&file.edit.path));
        self.carried.retain(|carried| !refused.contains(&carried.entry.path));
        self.over_budget.clear();
        let kept: Vec<RelPath> = self.paths().cloned().collect();
        let is_beneath = |path: &RelPath, folder: &RelPath| path.as_path().starts_with(folder.as_path());
        self.folders.retain(|(folder, _)| {
            let was_for_them = refused.iter().any(|path| is_beneath(path, folder));
            !was_for_them || kept.iter().any(|path| is_beneath(path, folder))
        });
        self.uncovered.retain(|uncovered| !refused.iter().any(|path| path.to_wire().0 == uncovered.path));
    }

    /// Tells of what is left out without a question.
    pub(crate) fn note_left_out(&mut self, paths: &[RelPath]) {
        let reason = "not written: it has to be asked about, and the agent was stopped meanwhile";
        self.uncovered.extend(paths.iter().map(|path| uncovered(path, reason)));
    }

    /// Brings over what the change has no room for.
    pub(crate) fn carry_over_budget(&mut self) {
        let over = std::mem::take(&mut self.over_budget).into_iter();
        self.carried.extend(over.map(|entry| Carried { entry, reason: OVER_BUDGET, is_whole: true }));
    }

    /// Returns what no change holds, as events tell it.
    pub(crate) fn all_uncovered(&self) -> Vec<Uncovered> {
        let carried = self.carried.iter().map(|carried| uncovered(&carried.entry.path, carried.reason));
        carried.chain(self.uncovered.iter().cloned()).collect()
    }
}

/// Makes an entry of the list of what is not covered.
pub(crate) fn uncovered(path: &RelPath, reason: &str) -> Uncovered {
    Uncovered { path: path.to_wire().0.into_owned(), reason: reason.to_owned() }
}
