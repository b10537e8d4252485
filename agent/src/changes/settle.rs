//! What became of a change that a crash cut short: decided by digest, finished or left to a person. Not here: recording it.
use std::collections::BTreeSet;

use crate::changes::apply::{Applied, ApplyError, as_found, found, run};
use crate::changes::blobs::BlobStore;
use crate::changes::change::{ChangeSet, Step};
use crate::workspace::confined_write::confined_sweep;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// How far a change got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Every file is as it should be afterwards.
    After,
    /// Every file is as it was before.
    Before,
    /// Some are one, some the other, and some perhaps neither.
    Mixed {
        /// Done.
        after: Vec<RelPath>,
        /// Not done.
        before: Vec<RelPath>,
        /// Edited by somebody else since.
        other: Vec<RelPath>,
    },
}

/// Tells by digest how far a change got. Reads only.
pub(crate) fn settle(root: &Root, change: &ChangeSet) -> Settled {
    let (mut after, mut before, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for step in change.steps() {
        match state(root, step) {
            State::After => after.push(step.path.clone()),
            State::Before => before.push(step.path.clone()),
            State::Other => other.push(step.path.clone()),
        }
    }
    match (before.is_empty(), other.is_empty()) {
        (true, true) => Settled::After,
        (false, true) if after.is_empty() => Settled::Before,
        _ => Settled::Mixed { after, before, other },
    }
}

/// What recovery made of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recovered {
    /// It is on the disk, whole.
    Done(Applied),
    /// Somebody has edited some of its files since; nothing more was written. A person decides.
    Unknown(Settled),
}

/// Brings a change that was announced and never settled to its end: what is done stays, what is not done is done now, and
/// if any file is neither, nothing is touched. Temporary files that the crash left are removed. Doing this twice is the
/// same as once.
///
/// # Errors
/// As [`crate::changes::apply::apply`]; what an earlier run had finished stays.
pub(crate) fn recover(
    root: &Root,
    change: &ChangeSet,
    blobs: &dyn BlobStore,
) -> Result<Recovered, ApplyError> {
    let settled = settle(root, change);
    if matches!(&settled, Settled::Mixed { other, .. } if !other.is_empty()) {
        return Ok(Recovered::Unknown(settled));
    }
    let open: Vec<_> =
        change.steps().into_iter().filter(|step| state(root, *step) == State::Before).collect();
    let applied = run(root, &open, blobs)?;
    // A write may have been cut in the middle: what it had written is the beginning of what is stored.
    let known = change.digests();
    let is_known = |bytes: &[u8]| {
        known.iter().any(|digest| blobs.get(*digest).is_ok_and(|content| content.starts_with(bytes)))
    };
    let folders: BTreeSet<_> = change.steps().iter().filter_map(|step| step.path.parent()).collect();
    for folder in folders {
        // The folder of a deleted file may be gone with it.
        if let Err(error) = confined_sweep(root, &folder, &is_known) {
            tracing::debug!(%folder, %error, "not swept");
        }
    }
    Ok(Recovered::Done(applied))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    After,
    Before,
    Other,
}

fn state(root: &Root, step: Step<'_>) -> State {
    let (found, _, mode) = found(root, step.path);
    let (before, after) = (as_found(step.before), as_found(step.after));
    match (found == before, found == after) {
        // The contents stay and only the mode changes.
        (true, true) if step.after.is_none_or(|after| after.mode == mode) => State::After,
        (_, true) if before != after => State::After,
        (true, _) => State::Before,
        (false, _) => State::Other,
    }
}
