//! Bringing what a command did into the workspace. Not here: finding it out (`look`), and recording it (the session).
use tenon_protocol::change::{Conflict, FileChange, Uncovered};

use crate::changes::apply::{ApplyError, apply};
use crate::changes::blobs::BlobStore;
use crate::changes::capture::look::{conflict, digest_at};
use crate::changes::capture::{Captured, CapturedFile, uncovered};
use crate::changes::change::{ChangeError, ChangeSet, FileEdit};
use crate::workspace::confined_write::carry::{confined_carry, confined_folder, confined_times};
use crate::workspace::confined_write::confined_remove_folders;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// How often files that somebody changes at this very moment are taken out and the rest is tried again.
const ROUNDS_MAX: usize = 8;

/// What is in the workspace now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Committed {
    /// The files that were changed.
    pub(crate) files: Vec<FileChange>,
    /// Folders that were made, outermost first.
    pub(crate) folders: Vec<RelPath>,
    /// What no change holds.
    pub(crate) uncovered: Vec<Uncovered>,
    /// What stayed as it is on the disk.
    pub(crate) conflicts: Vec<Conflict>,
}

/// Returns the files as one change. What goes comes first, so that a name that was a folder is free for a file.
///
/// # Errors
/// A path occurs twice, which a layer cannot hold.
pub(super) fn change_of(files: &[CapturedFile]) -> Result<ChangeSet, ChangeError> {
    let (gone, there): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.edit.after.is_none());
    ChangeSet::new(gone.into_iter().chain(there).map(|file| file.edit.clone()).collect())
}

/// Commits what was captured: the files as one change, whole or not at all, then what is carried. A file that changes at this
/// moment becomes a conflict, and the others are committed without it. `keep_out` names what is never carried along with a folder.
///
/// # Errors
/// The disk refuses; none of the files is changed then.
pub(crate) fn commit(
    root: &Root,
    layer: &Root,
    captured: Captured,
    blobs: &dyn BlobStore,
    keep_out: &dyn Fn(&RelPath) -> bool,
) -> Result<Committed, ApplyError> {
    let mut committed = Committed {
        uncovered: captured.all_uncovered(),
        conflicts: captured.conflicts,
        ..Committed::default()
    };
    let mut files = captured.files;
    for round in 0.. {
        let Ok(change) = change_of(&files) else { break };
        match apply(root, &change, blobs) {
            Ok(applied) => {
                committed.folders = applied.created;
                break;
            }
            Err(ApplyError::Conflict(found)) if round < ROUNDS_MAX => {
                let (out, rest): (Vec<_>, Vec<_>) = files
                    .into_iter()
                    .partition(|file| found.iter().any(|found| found.path == file.edit.path));
                files = rest;
                committed.conflicts.extend(out.iter().map(|file| in_the_way(root, &file.edit)));
            }
            Err(error) => return Err(error),
        }
    }
    confined_remove_folders(root, &captured.removed);
    for carried in &captured.carried {
        let keep_out: &dyn Fn(&RelPath) -> bool = if carried.is_whole { &|_| false } else { keep_out };
        if let Err(error) = confined_carry(layer, root, &carried.entry, keep_out) {
            let path = &carried.entry.path;
            tracing::warn!(%path, %error, "not carried over");
            committed.uncovered.push(uncovered(path, &format!("not brought over: {error}")));
        }
    }
    for (folder, mode) in &captured.folders {
        let is_new = root.stat(folder).is_ok_and(|stat| stat.is_none());
        match confined_folder(root, folder, *mode) {
            Ok(()) if is_new && !committed.folders.contains(folder) => committed.folders.push(folder.clone()),
            Ok(()) => {}
            Err(error) => committed.uncovered.push(uncovered(folder, &error.to_string())),
        }
    }
    let times = files.iter().filter_map(|file| file.modified_ns.map(|time| (&file.edit.path, time)));
    let touched = captured.touched.iter().map(|(path, time)| (path, *time));
    for (path, time) in times.chain(touched) {
        // Gone again, or somebody else's: its time is its own then.
        if let Err(error) = confined_times(root, path, time) {
            tracing::debug!(%path, %error, "the time was not kept");
        }
    }
    committed.files = files.into_iter().map(|file| file.wire).collect();
    Ok(committed)
}

/// Tells of a file that somebody changed between the look and the commit: what was there at the look is what both began with.
pub(crate) fn in_the_way(root: &Root, edit: &FileEdit) -> Conflict {
    let digest = |version: Option<crate::changes::change::Version>| version.map(|version| version.digest);
    conflict(&edit.path, digest(edit.before), digest(edit.after), digest_at(root, &edit.path))
}
