//! What was changed in the workspace while a job ran: compared before and after, without what the session wrote meanwhile. Not
//! here: the comparison (`changes::capture`), and the job (`jobs`).
//!
//! A job writes to the workspace itself, and so may people at the same time: nobody can tell whose a change is, so that every file
//! of it is marked as uncertain. What was there before lies in a file, so that a job may run for days and outlive the agent.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tenon_protocol::change::FileChange;
use tenon_protocol::event::change::ChangeApplied;
use tenon_protocol::ids::{JobId, SessionId};

use crate::base::digest::Digest;
use crate::base::{causes, ids};
use crate::changes::blobs::BlobStore;
use crate::changes::capture::{Before, Committed, compare, there, uncertain_file, uncovered};
use crate::journal::Blobs;
use crate::projections::history::WirePath;
use crate::session::actor::Actor;
use crate::session::meanwhile::{self, Own, before, is_same};
use crate::session::resources::Resources;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// Files that the model has read, of which what they hold is kept first.
const READ_MAX: usize = 1_024;

const BETWEEN: &str =
    "the agent wrote to it while the job ran, and somebody else before: what was there before is not kept";

/// Looks at a workspace before and after a job.
#[derive(Debug)]
pub(super) struct Watch {
    resources: Arc<Resources>,
    session: SessionId,
    root: Arc<Root>,
    blobs: Blobs,
    place: PathBuf,
    read: Vec<RelPath>,
}

impl Watch {
    /// Looks at what is there. What cannot be kept is told when the job ends.
    pub(super) async fn begin(&self) {
        let (root, place, read) = (Arc::clone(&self.root), self.place.clone(), self.read.clone());
        let kept = tokio::task::spawn_blocking(move || Before::keep(&root, &read, &place)).await;
        if let Ok(Err(error)) = kept {
            tracing::warn!(%error, "what a job finds cannot be kept");
        }
    }

    /// Finds out what is different now; what was changed after `until_ns` is not counted.
    pub(super) async fn end(&self, until_ns: Option<i128>) -> Committed {
        let (root, blobs, place) = (Arc::clone(&self.root), self.blobs.clone(), self.place.clone());
        let unsaved = self.resources.board.unsaved_in(&self.session, &root);
        let work = move || {
            let before = Before::kept(&place).map_err(|error| error.to_string())?;
            let is_unsaved = |path: &RelPath| unsaved.0.contains_key(path);
            compare(&root, &before, &blobs, &is_unsaved, until_ns).map_err(|error| causes::told(&error))
        };
        let compared = tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string()).flatten();
        compared.unwrap_or_else(|error| {
            let reason = format!("what changed while the job ran is not known: {error}");
            let uncovered = uncovered(&RelPath::root(), &reason);
            let uncovered = tenon_protocol::change::Uncovered { path: ".".to_owned(), ..uncovered };
            Committed { uncovered: vec![uncovered], ..Committed::default() }
        })
    }
}

impl Actor {
    /// Returns what looks at the workspace for a job.
    pub(super) fn watch(&self, job: &JobId) -> Watch {
        Watch {
            resources: Arc::clone(&self.resources),
            session: self.state.id.clone(),
            root: Arc::clone(&self.root),
            blobs: self.blobs(),
            place: self.resources.before_of(job.as_str()),
            read: self.state.reads.paths().take(READ_MAX).cloned().collect(),
        }
    }

    /// Returns the change of a job that ended; `None` where nothing changed but by the session itself.
    pub(super) async fn change_of_job(&mut self, job: &JobId, found: Committed) -> Option<ChangeApplied> {
        let own = self.state.meanwhile.of(job);
        let (root, blobs) = (Arc::clone(&self.root), self.blobs());
        let work = move || credited(found, &own, &root, &blobs);
        let Committed { files, folders, uncovered, .. } = tokio::task::spawn_blocking(work).await.ok()?;
        if files.is_empty() && uncovered.is_empty() {
            return None;
        }
        let folders = folders.iter().map(RelPath::to_wire).filter(|(_, encoded)| !encoded);
        let folders: Vec<String> = folders.map(|(folder, _)| folder.into_owned()).collect();
        Some(ChangeApplied {
            change_id: ids::new(&*self.resources.entropy),
            checkpoint_id: ids::new(&*self.resources.entropy),
            files,
            uncovered,
            folders: (!folders.is_empty()).then_some(folders),
            conflicts: None,
            call_id: None,
            plan_id: None,
            job_id: Some(job.clone()),
        })
    }
}

/// Returns when a command ended, by its supervisor's record of that; `None` where it left none.
pub(super) fn ended_at(record: &Path) -> Option<i128> {
    use std::os::unix::fs::MetadataExt as _;
    let stat = std::fs::metadata(record).ok()?;
    Some(i128::from(stat.mtime()) * 1_000_000_000 + i128::from(stat.mtime_nsec()))
}

/// Takes out of what was found what the session wrote itself. Blocks.
fn credited(
    mut found: Committed,
    own: &BTreeMap<WirePath, Own>,
    root: &Root,
    blobs: &dyn BlobStore,
) -> Committed {
    let is_left = |name: &WirePath, own: &Own| {
        let path = RelPath::from_wire(&name.0, name.1).ok();
        path.is_some_and(|path| own.is_left(&state(there(root, &path).ok().flatten().as_ref())))
    };
    found.uncovered.retain(|uncovered| {
        let name = (uncovered.path.clone(), false);
        own.get(&name).is_none_or(|own| !is_left(&name, own))
    });
    for file in std::mem::take(&mut found.files) {
        let name = (file.path.clone(), file.path_encoded == Some(true));
        let Some((own, path)) = own.get(&name).zip(RelPath::from_wire(&name.0, name.1).ok()) else {
            found.files.push(file);
            continue;
        };
        if own.has_gap || own.ends.as_ref().is_some_and(|(first, _)| !is_same(first, &before(&file))) {
            found.uncovered.push(uncovered(&path, BETWEEN));
        }
        match behind(&file, own, &path, root, blobs) {
            Ok(rest) => found.files.extend(rest),
            Err(error) => found.uncovered.push(uncovered(&path, &error)),
        }
    }
    found
}

/// Returns what was done to a file behind what the session wrote there last.
fn behind(
    file: &FileChange,
    own: &Own,
    path: &RelPath,
    root: &Root,
    blobs: &dyn BlobStore,
) -> Result<Option<FileChange>, String> {
    let now = there(root, path).map_err(|error| error.to_string())?;
    if own.is_left(&state(now.as_ref())) {
        return Ok(None);
    }
    let Some((_, last)) = &own.ends else { return Ok(Some(file.clone())) };
    let was = match last {
        Some((digest, mode)) => {
            let digest: Digest = digest.parse().map_err(|_| BETWEEN.to_owned())?;
            let bytes = blobs.get(digest).map_err(|error| error.to_string())?;
            let mode = mode.or(now.as_ref().map(|(_, mode)| *mode)).unwrap_or(0o644);
            Some((bytes, mode))
        }
        None => None,
    };
    if let Some((bytes, _)) = &now {
        blobs.put(bytes).map_err(|error| error.to_string())?;
    }
    Ok(Some(uncertain_file(path, was.as_ref(), now.as_ref())))
}

fn state(now: Option<&(Vec<u8>, u32)>) -> meanwhile::State {
    now.map(|(bytes, mode)| (Digest::of(bytes).to_string(), Some(*mode)))
}
