//! Applying a change to the disk as one: all of it or nothing, and never over what the change did not expect. Not here:
//! recording intent and outcome (the session), and what a crash left (`settle`).
use std::collections::BTreeSet;

use crate::base::digest::Digest;
use crate::changes::blobs::BlobStore;
use crate::changes::change::{ChangeSet, Step, Version};
use crate::changes::plan::OnDisk;
use crate::journal::BlobError;
use crate::workspace::confined_write::{Expected, confined_delete, confined_remove_folders, confined_write};
use crate::workspace::error::FileError;
use crate::workspace::identity::{Kind, LINK_MODE};
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// A change that is on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Applied {
    /// The folders that had to be created, outermost first; an undo removes those that are empty.
    pub(crate) created: Vec<RelPath>,
}

impl Applied {
    /// Returns the created folders as events tell them; one whose name is not UTF-8 is not told, and so stays for good.
    pub(crate) fn folders(&self) -> Vec<String> {
        let told = self.created.iter().map(RelPath::to_wire).filter(|(_, encoded)| !encoded);
        told.map(|(folder, _)| folder.into_owned()).collect()
    }
}

/// What was found where something else was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing.
    Absent,
    /// A file with these contents.
    Contents(Digest),
    /// A symbolic link with this target.
    Link(Digest),
    /// Something that is neither, lies behind a link, or cannot be read.
    Other,
}

/// A file that is not as the change expects it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// The file.
    pub(crate) path: RelPath,
    /// What the change expects; `None`: nothing.
    pub(crate) expected: Option<Digest>,
    /// What is there.
    pub(crate) found: Found,
}

/// Why a change was not applied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// Files are not as expected. Nothing was written, or what was is taken back.
    #[error("{}: changed since; nothing was written", names(.0.iter().map(|conflict| &conflict.path)))]
    Conflict(Vec<Conflict>),
    /// Contents could not be stored or found. Nothing was written, or what was is taken back.
    #[error("nothing was written")]
    Blob(#[from] BlobError),
    /// The disk refused. What was written before is taken back.
    #[error("nothing was written")]
    File(#[from] FileError),
    /// The change failed half-way, and these files, edited by somebody else meanwhile, were left as they are.
    #[error("the change failed half-way and could not be taken back in {}", names(.left.iter()))]
    Incomplete {
        /// The files.
        left: Vec<RelPath>,
        /// What went wrong first.
        #[source]
        cause: Box<Self>,
    },
}

/// Applies a change: looks at every file, stores every pre-image, and only then writes, each file by an atomic exchange. If
/// one fails, those before it are taken back.
///
/// # Errors
/// See [`ApplyError`]; only `Incomplete` leaves anything changed.
pub(crate) fn apply(root: &Root, change: &ChangeSet, blobs: &dyn BlobStore) -> Result<Applied, ApplyError> {
    run(root, &change.steps(), blobs)
}

/// Removes folders, given outermost first, as far as they are empty.
pub(crate) fn remove_empty(root: &Root, folders: &[RelPath]) {
    confined_remove_folders(root, folders);
}

pub(super) fn run(root: &Root, steps: &[Step<'_>], blobs: &dyn BlobStore) -> Result<Applied, ApplyError> {
    store_before(root, steps, blobs)?;
    let mut done: Vec<(Step<'_>, Vec<RelPath>)> = Vec::with_capacity(steps.len());
    for step in steps {
        if let Some(folders) = folders_in_the_way(root, *step, steps) {
            confined_remove_folders(root, &folders);
        }
        match perform(root, *step, blobs) {
            Ok(created) => done.push((*step, created)),
            Err(error) => return Err(take_back(root, done, blobs, error)),
        }
    }
    let created: Vec<RelPath> = done.into_iter().flat_map(|(_, created)| created).collect();
    let mut folders: BTreeSet<RelPath> = steps.iter().filter_map(|step| step.path.parent()).collect();
    folders.extend(created.iter().filter_map(RelPath::parent));
    for folder in folders {
        // The files are in place; a folder that vanished since has nothing to keep, and a disk that cannot sync will say
        // so when the journal settles this.
        if let Err(error) = root.sync_folder(&folder) {
            tracing::warn!(%folder, %error, "a folder was not synced");
        }
    }
    Ok(Applied { created })
}

/// Returns a file as it is on the disk.
pub(crate) fn on_disk(root: &Root, path: &RelPath) -> OnDisk {
    let (found, bytes, mode) = found(root, path);
    OnDisk { found, bytes: bytes.unwrap_or_default(), mode }
}

/// Returns what is at a path.
pub(super) fn found(root: &Root, path: &RelPath) -> (Found, Option<Vec<u8>>, u32) {
    // Canonical names only: what lies behind a link is not what the change named.
    match root.stat(path) {
        Ok(None) => return (Found::Absent, None, 0),
        Ok(Some(stat)) if stat.kind == Kind::Link => {
            return match root.read_link(path) {
                Ok(target) => (Found::Link(Digest::of(&target)), Some(target), LINK_MODE),
                Err(_) => (Found::Other, None, 0),
            };
        }
        Ok(Some(_)) if root.canonical(path).is_ok_and(|real| real == *path) => {}
        Ok(Some(_)) | Err(_) => return (Found::Other, None, 0),
    }
    match root.read(path) {
        Ok(file) => (Found::Contents(file.digest), Some(file.bytes), file.mode),
        Err(FileError::NotFound(_)) => (Found::Absent, None, 0),
        Err(_) => (Found::Other, None, 0),
    }
}

/// Returns what is found where a version is.
pub(super) const fn as_found(version: Option<Version>) -> Found {
    match version {
        None => Found::Absent,
        Some(version) if version.is_link() => Found::Link(version.digest),
        Some(version) => Found::Contents(version.digest),
    }
}

/// Requires every file to be as expected and stores what it holds.
fn store_before(root: &Root, steps: &[Step<'_>], blobs: &dyn BlobStore) -> Result<(), ApplyError> {
    let mut conflicts = Vec::new();
    for step in steps {
        let expected = step.before.map(|before| before.digest);
        let (found, bytes, _) = found(root, step.path);
        if found == as_found(step.before) || folders_in_the_way(root, *step, steps).is_some() {
            if let Some(bytes) = bytes {
                blobs.put(&bytes)?;
            }
        } else {
            conflicts.push(Conflict { path: step.path.clone(), expected, found });
        }
    }
    if conflicts.is_empty() { Ok(()) } else { Err(ApplyError::Conflict(conflicts)) }
}

/// Returns the folders, outermost first, that lie where a step makes a file and hold nothing but what the same change
/// deletes: a name that was a folder becomes a file.
fn folders_in_the_way(root: &Root, step: Step<'_>, steps: &[Step<'_>]) -> Option<Vec<RelPath>> {
    let is_folder =
        |path: &RelPath| root.stat(path).is_ok_and(|stat| stat.is_some_and(|stat| stat.kind == Kind::Folder));
    if step.before.is_some() || step.after.is_none() || !is_folder(step.path) {
        return None;
    }
    let is_deleted = |path: &RelPath| steps.iter().any(|step| step.path == path && step.after.is_none());
    let mut folders = vec![step.path.clone()];
    let mut at = 0;
    while let Some(folder) = folders.get(at).cloned() {
        for entry in root.entries(&folder).ok()? {
            match entry.stat.kind {
                Kind::Folder => folders.push(entry.path),
                Kind::File | Kind::Link if is_deleted(&entry.path) => {}
                Kind::File | Kind::Link | Kind::Special => return None,
            }
        }
        at += 1;
    }
    Some(folders)
}

/// Does one step; returns the folders it created.
fn perform(root: &Root, step: Step<'_>, blobs: &dyn BlobStore) -> Result<Vec<RelPath>, ApplyError> {
    let expected = step.before.map_or(Expected::Absent, Version::expected);
    let outcome = match (step.before, step.after) {
        (Some(before), None) => confined_delete(root, step.path, before.expected()).map(|()| Vec::new()),
        (before, Some(after)) => {
            // A mode that the change does not touch is the file's own, also if a person has set it since.
            let mode =
                if before.map(|before| before.mode) == Some(after.mode) { None } else { Some(after.mode) };
            let bytes = blobs.get(after.digest)?;
            confined_write(root, step.path, &bytes, mode, expected).map(|written| written.created)
        }
        (None, None) => Ok(Vec::new()),
    };
    outcome.map_err(|error| {
        let FileError::Changed { path, found } = error else { return error.into() };
        let expected = step.before.map(|before| before.digest);
        ApplyError::Conflict(vec![Conflict {
            path,
            expected,
            found: found.map_or(Found::Absent, Found::Contents),
        }])
    })
}

/// Takes back what was done, last first. What somebody else has edited since is left and named.
fn take_back(
    root: &Root,
    done: Vec<(Step<'_>, Vec<RelPath>)>,
    blobs: &dyn BlobStore,
    cause: ApplyError,
) -> ApplyError {
    let mut left = Vec::new();
    if let ApplyError::File(FileError::Displaced { path, .. }) = &cause {
        left.push(path.clone());
    }
    for (step, created) in done.into_iter().rev() {
        let back = Step { path: step.path, before: step.after, after: step.before };
        if perform(root, back, blobs).is_err() {
            left.push(step.path.clone());
        }
        confined_remove_folders(root, &created);
    }
    if left.is_empty() { cause } else { ApplyError::Incomplete { left, cause: Box::new(cause) } }
}

fn names<'a>(paths: impl Iterator<Item = &'a RelPath>) -> String {
    paths.map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
