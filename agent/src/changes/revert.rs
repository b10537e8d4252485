//! What a revert makes of one file, decided from what the session did to it, what is there now and what a person chose. Not
//! here: the merging itself (`undo`), which changes are taken back (`session`), and writing (`apply`).
use std::collections::BTreeSet;
use std::ops::Range;

use tenon_protocol::apply::RevertChoice;
use tenon_protocol::change::ConflictKind;

use crate::base::digest::Digest;
use crate::changes::apply::{Found, found};
use crate::changes::blobs::BlobStore;
use crate::changes::change::{FileEdit, Version};
use crate::changes::diff::{FileDiff, Hunk, Side, diff};
use crate::changes::undo::{Contents, Inverse, Obstacle, only, undo};
use crate::journal::BlobError;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// Permission bits of a file that comes back and of which nothing recorded any.
const MODE_UNKNOWN: u32 = 0o644;

/// One state of a file, by digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Was {
    /// Its contents.
    pub(crate) digest: Digest,
    /// Its permission bits, where they were recorded.
    pub(crate) mode: Option<u32>,
}

/// What one change of the session did to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Touch {
    /// The change, counted from the session's first.
    pub(crate) change: usize,
    /// The file as it was found.
    pub(crate) before: Option<Was>,
    /// The file as it was left.
    pub(crate) after: Option<Was>,
    /// Whether somebody else may have done it: then it goes back only if a person says so.
    pub(crate) is_uncertain: bool,
}

/// What is at a path now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Now {
    /// Nothing.
    Nothing,
    /// A regular file or a symbolic link.
    File(Contents),
    /// Something that is neither, or lies behind a link.
    Other,
}

impl Now {
    /// Looks at the disk. Blocks.
    pub(crate) fn look(root: &Root, path: &RelPath) -> Self {
        match found(root, path) {
            (Found::Absent, ..) => Self::Nothing,
            (Found::Contents(_) | Found::Link(_), bytes, mode) => {
                Self::File(Contents { bytes: bytes.unwrap_or_default(), mode: Some(mode) })
            }
            (Found::Other, ..) => Self::Other,
        }
    }
}

/// What is wanted of one file.
#[derive(Clone, Debug)]
pub(crate) struct Wanted<'a> {
    /// The file.
    pub(crate) path: &'a RelPath,
    /// All that the session did to it, oldest first.
    pub(crate) touches: &'a [Touch],
    /// The changes that are taken back.
    pub(crate) goes: &'a BTreeSet<usize>,
    /// Only these hunks of what they did together.
    pub(crate) hunks: Option<&'a BTreeSet<u32>>,
    /// What a person chose for it.
    pub(crate) choice: Option<RevertChoice>,
    /// The editor that holds unsaved changes of it.
    pub(crate) unsaved_in: Option<&'a str>,
}

/// What a revert makes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is as it shall be already.
    Same,
    /// It goes back; contents before and after are stored.
    Goes {
        /// From what is there now to what shall be.
        edit: FileEdit,
        /// The same as lines.
        diff: FileDiff,
        /// Whether a person chose to write over what somebody else did.
        is_over: bool,
    },
    /// It stays, for this reason.
    Stays(String),
    /// Something stands in the way; the contents are stored.
    Blocked(Blocked),
}

/// What stands in the way of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blocked {
    /// How.
    pub(crate) kind: ConflictKind,
    /// The hunk of the one change that is taken back, if it is one.
    pub(crate) hunk: Option<u32>,
    /// The lines of the file as it is now that are in the way, from 0.
    pub(crate) lines: Vec<Range<u32>>,
    /// The file as the session left it.
    pub(crate) base: Option<Digest>,
    /// The file as it would be.
    pub(crate) ours: Option<Digest>,
    /// The file as it is.
    pub(crate) theirs: Option<Digest>,
    /// Later changes of the session on the same lines.
    pub(crate) later: Vec<usize>,
    /// Whether somebody else has to do with it too.
    pub(crate) is_others: bool,
}

/// Why nothing can be said about a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RevertError {
    /// Contents cannot be stored.
    #[error("contents cannot be kept")]
    Blob(#[from] BlobError),
    /// A hunk is named that there is none of.
    #[error("`{path}` has no hunk {number} there")]
    NoHunk {
        /// The file.
        path: RelPath,
        /// The number.
        number: u32,
    },
    /// Hunks are named of a file that was edited in between.
    #[error("`{0}` was edited in between by somebody else: hunks can be chosen of one change at a time")]
    Scattered(RelPath),
}

/// Decides. Stores the contents that its answer names.
///
/// # Errors
/// See [`RevertError`].
pub(crate) fn decide(wanted: &Wanted<'_>, now: &Now, blobs: &dyn BlobStore) -> Result<Fate, RevertError> {
    let mut runs = match runs(wanted.touches, wanted.goes, blobs) {
        Ok(runs) => runs,
        Err(error) => {
            return Ok(Fate::Stays(format!("its earlier contents are not there any more: {error}")));
        }
    };
    choose_hunks(wanted, &mut runs)?;
    let Some(earliest) = runs.first().map(|run| run.inverse.before.clone()) else { return Ok(Fate::Same) };
    let present = match now {
        Now::Nothing => None,
        Now::File(contents) => Some(contents),
        Now::Other if earliest.is_none() && runs.iter().all(|run| run.inverse.after.is_none()) => {
            return Ok(Fate::Same);
        }
        Now::Other => return Ok(chosen_to_stay(wanted).unwrap_or_else(|| Fate::Blocked(no_file()))),
    };
    let (result, mut is_over) = match undo_all(&runs, present) {
        Ok(result) if result.as_ref() == present => return Ok(Fate::Same),
        Ok(result) => (result, false),
        Err((run, obstacle)) => {
            if wanted.choice != Some(RevertChoice::OursAfterBackup) {
                let fate = chosen_to_stay(wanted);
                let blocked = || block(wanted, &runs, run, obstacle, present, blobs);
                return fate.map_or_else(|| blocked().map(Fate::Blocked), Ok);
            }
            (earliest.clone(), true)
        }
    };
    if let Some(stays) = chosen_to_stay(wanted) {
        return Ok(stays);
    }
    if wanted.unsaved_in.is_some() && wanted.choice != Some(RevertChoice::OursAfterBackup) {
        let base = runs.last().and_then(|run| run.inverse.after.as_ref());
        let (lines, hunk, later) = (Vec::new(), None, Vec::new());
        let (base, ours) = (kept(base, blobs)?, kept(result.as_ref(), blobs)?);
        let theirs = kept(present, blobs)?;
        let kind = ConflictKind::Dirty;
        return Ok(Fate::Blocked(Blocked { kind, hunk, lines, base, ours, theirs, later, is_others: true }));
    }
    if wanted.touches.iter().any(|touch| touch.is_uncertain && wanted.goes.contains(&touch.change)) {
        is_over = true;
        if wanted.choice.is_none() {
            return uncertain(&runs, present, result.as_ref(), blobs).map(Fate::Blocked);
        }
    }
    Ok(Fate::Goes {
        edit: FileEdit {
            path: wanted.path.clone(),
            from: None,
            before: version(present, blobs)?,
            after: version(result.as_ref(), blobs)?,
        },
        diff: diff(present.map(side), result.as_ref().map(side)),
        is_over,
    })
}

/// Touches that follow each other without a gap, as one.
struct Run {
    inverse: Inverse,
    /// Its touches, as places in the list of all.
    touches: Range<usize>,
}

fn runs(touches: &[Touch], goes: &BTreeSet<usize>, blobs: &dyn BlobStore) -> Result<Vec<Run>, BlobError> {
    let load = |was: Option<Was>| was.map(|was| contents(was, blobs)).transpose();
    let mut runs: Vec<Run> = Vec::new();
    let mut last: Option<(usize, Option<Was>)> = None;
    for (place, touch) in touches.iter().enumerate().filter(|(_, touch)| goes.contains(&touch.change)) {
        match (runs.last_mut(), last) {
            (Some(run), Some((before, left))) if before + 1 == place && same(left, touch.before) => {
                run.touches.end = place + 1;
                run.inverse.after = load(touch.after)?;
            }
            _ => {
                let inverse = Inverse { before: load(touch.before)?, after: load(touch.after)? };
                runs.push(Run { inverse, touches: place..place + 1 });
            }
        }
        last = Some((place, touch.after));
    }
    Ok(runs)
}

fn contents(was: Was, blobs: &dyn BlobStore) -> Result<Contents, BlobError> {
    Ok(Contents { bytes: blobs.get(was.digest)?, mode: was.mode })
}

/// A mode that nothing recorded is any.
fn same(left: Option<Was>, found: Option<Was>) -> bool {
    match (left, found) {
        (None, None) => true,
        (Some(left), Some(found)) => {
            let modes = left.mode.zip(found.mode);
            left.digest == found.digest && modes.is_none_or(|(left, found)| left == found)
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn choose_hunks(wanted: &Wanted<'_>, runs: &mut [Run]) -> Result<(), RevertError> {
    let Some(hunks) = wanted.hunks else { return Ok(()) };
    match runs {
        [] => Ok(()),
        [run] => {
            let chosen = only(run.inverse.clone(), hunks);
            run.inverse =
                chosen.map_err(|number| RevertError::NoHunk { path: wanted.path.clone(), number })?;
            Ok(())
        }
        [..] => Err(RevertError::Scattered(wanted.path.clone())),
    }
}

/// Takes all runs back, the last first.
fn undo_all(runs: &[Run], now: Option<&Contents>) -> Result<Option<Contents>, (usize, Obstacle)> {
    let mut state = now.cloned();
    for (place, run) in runs.iter().enumerate().rev() {
        state = undo(&run.inverse, state.as_ref()).map_err(|obstacle| (place, obstacle))?;
    }
    Ok(state)
}

fn chosen_to_stay(wanted: &Wanted<'_>) -> Option<Fate> {
    (wanted.choice == Some(RevertChoice::Keep))
        .then(|| Fate::Stays("it was chosen to stay as it is".to_owned()))
}

/// What is taken back may be somebody else's work.
fn uncertain(
    runs: &[Run],
    now: Option<&Contents>,
    result: Option<&Contents>,
    blobs: &dyn BlobStore,
) -> Result<Blocked, RevertError> {
    let base = runs.last().and_then(|run| run.inverse.after.as_ref());
    Ok(Blocked {
        kind: ConflictKind::Uncertain,
        hunk: None,
        lines: Vec::new(),
        base: kept(base, blobs)?,
        ours: kept(result, blobs)?,
        theirs: kept(now, blobs)?,
        later: Vec::new(),
        is_others: true,
    })
}

fn no_file() -> Blocked {
    Blocked {
        kind: ConflictKind::Type,
        hunk: None,
        lines: Vec::new(),
        base: None,
        ours: None,
        theirs: None,
        later: Vec::new(),
        is_others: true,
    }
}

fn block(
    wanted: &Wanted<'_>,
    runs: &[Run],
    place: usize,
    obstacle: Obstacle,
    now: Option<&Contents>,
    blobs: &dyn BlobStore,
) -> Result<Blocked, RevertError> {
    let (later, is_others) = later(wanted, now, blobs);
    let blocking = &runs[place];
    let ours = runs.first().and_then(|run| run.inverse.before.as_ref());
    Ok(Blocked {
        kind: obstacle.kind,
        hunk: hunk(blocking, &obstacle),
        lines: obstacle.lines,
        base: kept(blocking.inverse.after.as_ref(), blobs)?,
        ours: kept(ours, blobs)?,
        theirs: kept(now, blobs)?,
        later,
        is_others,
    })
}

/// Returns the one hunk of the one change that is in the way.
fn hunk(run: &Run, obstacle: &Obstacle) -> Option<u32> {
    let ([left], 1) = (obstacle.left.as_slice(), run.touches.len()) else { return None };
    let Inverse { before, after } = &run.inverse;
    let hunks = diff(before.as_ref().map(side), after.as_ref().map(side)).hunks;
    let meets = |hunk: &&Hunk| hunk.after.start <= left.end && left.start <= hunk.after.end;
    hunks.iter().filter(|hunk| hunk.number > 0).find(meets).map(|hunk| hunk.number)
}

/// Returns the later changes of the session that have to go too, and whether somebody else stands in the way even then.
///
/// One after the other is taken along that made a file out of which the wanted ones could be taken into one out of which
/// they cannot.
fn later(wanted: &Wanted<'_>, now: Option<&Contents>, blobs: &dyn BlobStore) -> (Vec<usize>, bool) {
    let (mut goes, mut named) = (wanted.goes.clone(), Vec::new());
    while named.len() < wanted.touches.len() {
        let Ok(runs) = runs(wanted.touches, &goes, blobs) else { break };
        let Err((place, _)) = undo_all(&runs, now) else { return (named, false) };
        let blocks = |was: Option<Was>| {
            let state = was.map(|was| contents(was, blobs)).transpose();
            state.is_ok_and(|state| undo(&runs[place].inverse, state.as_ref()).is_err())
        };
        let behind = wanted.touches.get(runs[place].touches.end..).unwrap_or_default();
        let mut others = behind.iter().filter(|touch| !goes.contains(&touch.change));
        let Some(touch) = others.find(|touch| !blocks(touch.before) && blocks(touch.after)) else { break };
        goes.insert(touch.change);
        named.push(touch.change);
    }
    (named, true)
}

fn side(contents: &Contents) -> Side<'_> {
    Side { bytes: &contents.bytes, mode: contents.mode.unwrap_or(MODE_UNKNOWN) }
}

fn kept(contents: Option<&Contents>, blobs: &dyn BlobStore) -> Result<Option<Digest>, BlobError> {
    contents.map(|contents| blobs.put(&contents.bytes)).transpose()
}

fn version(contents: Option<&Contents>, blobs: &dyn BlobStore) -> Result<Option<Version>, BlobError> {
    let stored = |contents: &Contents| {
        let digest = blobs.put(&contents.bytes)?;
        Ok(Version { digest, mode: contents.mode.unwrap_or(MODE_UNKNOWN) })
    };
    contents.map(stored).transpose()
}

#[cfg(test)]
mod tests;
