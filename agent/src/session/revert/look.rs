//! What a revert would do to every file, found out before anything is written. Not here: one file (`changes::revert`), and
//! writing.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tenon_protocol::apply::{Backup, RevertChoice, Selected};
use tenon_protocol::change::{Conflict, FileChange, Uncovered};
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::ids::ChangeId;

use crate::changes::change::FileEdit;
use crate::changes::diff::FileDiff;
use crate::changes::revert::{Fate, Now, RevertError, Touch, Wanted, Was, decide};
use crate::journal::{BlobError, Blobs};
use crate::projections::history::{self, Going, History, Kept, WirePath};
use crate::session::prefix::reference;
use crate::session::revert::report;
use crate::tools::context::Unsaved;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// Everything a revert is decided from.
pub(super) struct Looking {
    pub(super) history: History,
    pub(super) going: Going,
    pub(super) root: Arc<Root>,
    pub(super) blobs: Blobs,
    pub(super) unsaved: Unsaved,
    pub(super) select: Option<Vec<Selected>>,
    pub(super) resolve: BTreeMap<String, RevertChoice>,
}

/// What it would do.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// The files that go back, each with its lines and whether somebody else's work is written over.
    pub(super) edits: Vec<(FileEdit, FileDiff, bool)>,
    /// What stands in the way.
    pub(super) conflicts: Vec<Conflict>,
    /// What cannot go back.
    pub(super) skipped: Vec<Uncovered>,
    /// Folders of ours that go where they are empty then, outermost first.
    pub(super) folders: Vec<RelPath>,
}

impl Looked {
    /// Returns the files that go back, as clients see them.
    pub(super) fn restored(&self) -> Vec<FileChange> {
        self.edits.iter().map(|(edit, diff, _)| edit.to_wire(&diff.hunks)).collect()
    }

    /// Returns where the contents are that were written over by choice.
    pub(super) fn backups(&self) -> Option<Vec<Backup>> {
        let over = self.edits.iter().filter(|(.., is_over)| *is_over);
        let kept = over.filter_map(|(edit, ..)| {
            let reference = reference(edit.before?.digest);
            Some(Backup { path: edit.path.to_wire().0.into_owned(), reference })
        });
        Some(kept.collect::<Vec<_>>()).filter(|kept| !kept.is_empty())
    }
}

impl Looking {
    /// Looks at every file of the changes that go, and at no other. Blocks.
    pub(super) fn look(&self) -> Result<Looked, RpcError> {
        let touched: Vec<&WirePath> = self.touched().collect();
        self.check_names(&touched)?;
        let mut looked = Looked { skipped: self.uncovered(), ..Looked::default() };
        for name in touched {
            // What the agent recorded is a path; one that is none would be a damaged log.
            let Ok(path) = RelPath::from_wire(&name.0, name.1) else { continue };
            if self.is_selected(name) {
                self.look_at(name, &path, &mut looked)?;
            }
        }
        looked.folders = self.folders(&looked.edits);
        Ok(looked)
    }

    fn look_at(&self, name: &WirePath, path: &RelPath, looked: &mut Looked) -> Result<(), RpcError> {
        let hunks = self.selected(name).and_then(|selected| selected.hunks.as_ref());
        let hunks: Option<BTreeSet<u32>> = hunks.map(|hunks| hunks.iter().copied().collect());
        let touches: Vec<Touch> = self.history.touches(name).iter().map(touch).collect();
        let wanted = Wanted {
            path,
            touches: &touches,
            goes: &self.going.changes,
            hunks: hunks.as_ref(),
            choice: self.resolve.get(&name.0).copied(),
            unsaved_in: self.unsaved.0.get(path).map(|file| file.editor.as_str()),
        };
        match decide(&wanted, &Now::look(&self.root, path), &self.blobs).map_err(|error| refused(&error))? {
            Fate::Same => {}
            Fate::Goes { edit, diff, is_over } => looked.edits.push((edit, diff, is_over)),
            Fate::Stays(reason) => looked.skipped.push(Uncovered { path: name.0.clone(), reason }),
            Fate::Blocked(blocked) => {
                let change = |number: &usize| self.history.change(*number).map(|change| change.id.clone());
                let later: Vec<ChangeId> = blocked.later.iter().filter_map(change).collect();
                looked.conflicts.push(report::conflict(name, &blocked, later, wanted.unsaved_in));
            }
        }
        Ok(())
    }

    fn touched(&self) -> impl Iterator<Item = &WirePath> {
        let goes = |path: &&WirePath| {
            self.history.touches(path).iter().any(|touch| self.going.changes.contains(&touch.change))
        };
        self.history.paths().filter(goes)
    }

    fn is_selected(&self, name: &WirePath) -> bool {
        self.select.is_none() || self.selected(name).is_some()
    }

    /// Returns what a selection says of a file.
    fn selected(&self, name: &WirePath) -> Option<&Selected> {
        let is_it = |selected: &&Selected| {
            selected.path == name.0 && selected.path_encoded.unwrap_or(false) == name.1
        };
        self.select.iter().flatten().find(is_it)
    }

    /// A name that is not there would be passed over in silence otherwise.
    fn check_names(&self, touched: &[&WirePath]) -> Result<(), RpcError> {
        let selected = self.select.iter().flatten().map(|selected| &selected.path);
        let is_known = |path: &&String| touched.iter().any(|name| name.0 == **path);
        let Some(unknown) = selected.chain(self.resolve.keys()).find(|path| !is_known(path)) else {
            return Ok(());
        };
        let message = format!("`{unknown}` is no file of what is taken back");
        Err(RpcError::new(ErrorKind::InvalidParams, message).hint("paths stand as in `change.applied`"))
    }

    /// What the changes that go did not cover themselves, and what commands may have done beyond files.
    fn uncovered(&self) -> Vec<Uncovered> {
        let changes = self.going.changes.iter().filter_map(|number| self.history.change(*number));
        let named = |uncovered: &&Uncovered| self.is_selected(&(uncovered.path.clone(), false));
        let mut skipped: Vec<Uncovered> = Vec::new();
        for uncovered in changes.flat_map(|change| &change.uncovered).filter(named) {
            if !skipped.contains(uncovered) {
                skipped.push(uncovered.clone());
            }
        }
        if self.going.commands > 0 && self.select.is_none() {
            let many = if self.going.commands == 1 { "a command" } else { "commands" };
            let reason = format!("{many} ran: what came of it beside the recorded files is not taken back");
            skipped.push(Uncovered { path: ".".to_owned(), reason });
        }
        skipped
    }

    /// Returns the folders above deleted files that changes of the session made.
    fn folders(&self, edits: &[(FileEdit, FileDiff, bool)]) -> Vec<RelPath> {
        let mut folders = BTreeSet::new();
        for (edit, ..) in edits.iter().filter(|(edit, ..)| edit.after.is_none()) {
            let mut at = edit.path.parent();
            while let Some(folder) = at.filter(|folder| self.history.made(&folder.to_wire().0)) {
                at = folder.parent();
                folders.insert(folder);
            }
        }
        // A folder's name sorts before those of what lies in it.
        folders.into_iter().collect()
    }
}

fn touch(touch: &history::Touch) -> Touch {
    let was = |kept: Kept| Was { digest: kept.digest, mode: kept.mode };
    Touch {
        change: touch.change,
        before: touch.before.map(was),
        after: touch.after.map(was),
        is_uncertain: touch.is_uncertain,
    }
}

fn refused(error: &RevertError) -> RpcError {
    match error {
        RevertError::Blob(BlobError::StorageFull) => {
            RpcError::new(ErrorKind::StorageFull, "the disk is full: contents cannot be kept")
        }
        RevertError::Blob(error) => RpcError::new(ErrorKind::Internal, error.to_string()),
        RevertError::NoHunk { .. } | RevertError::Scattered(_) => {
            RpcError::new(ErrorKind::InvalidParams, error.to_string())
        }
    }
}
