//! Taking back what was done to one file, with what others did to it since left in. Not here: which changes are taken back
//! (`revert`), and the disk.
use std::collections::BTreeSet;
use std::ops::Range;

use tenon_protocol::change::ConflictKind;

use crate::changes::diff::{Side, diff, lines};
use crate::changes::three_way::merge;
use crate::workspace::identity::LINK_MODE;
use crate::workspace::text::is_binary;

/// A file at one moment, in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// Its permission bits; `None` where nothing recorded them. [`LINK_MODE`] is a symbolic link, and its bytes are its target.
    pub(crate) mode: Option<u32>,
}

impl Contents {
    fn is_link(&self) -> bool {
        self.mode == Some(LINK_MODE)
    }
}

/// What is taken back: a file goes from `after` to `before`. `None` is no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inverse {
    /// As it was found.
    pub(crate) before: Option<Contents>,
    /// As it was left.
    pub(crate) after: Option<Contents>,
}

/// Why it cannot be taken back without writing over what somebody else did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Obstacle {
    /// How the file stands in the way.
    pub(crate) kind: ConflictKind,
    /// The lines of the file as it is now that are in the way, from 0; empty where it is no matter of lines.
    pub(crate) lines: Vec<Range<u32>>,
    /// The same places in the file as it was left.
    pub(crate) left: Vec<Range<u32>>,
}

impl Obstacle {
    fn whole(kind: ConflictKind) -> Self {
        Self { kind, lines: Vec::new(), left: Vec::new() }
    }
}

/// Returns the file as it is when this is taken back from what is there `now`.
///
/// # Errors
/// What is there now stands in the way.
pub(crate) fn undo(inverse: &Inverse, now: Option<&Contents>) -> Result<Option<Contents>, Obstacle> {
    match (&inverse.before, &inverse.after, now) {
        (None, None, now) => Ok(now.cloned()),
        (None, Some(_), None) => Ok(None),
        (None, Some(after), Some(now)) if is_untouched(after, now) => Ok(None),
        (None, Some(after), Some(now)) => Err(edited(after, now)),
        (Some(before), None, None) => Ok(Some(before.clone())),
        (Some(before), None, Some(now)) if before.bytes == now.bytes && before.is_link() == now.is_link() => {
            Ok(Some(now.clone()))
        }
        (Some(_), None, Some(_)) => Err(Obstacle::whole(ConflictKind::Created)),
        (Some(_), Some(_), None) => Err(Obstacle::whole(ConflictKind::Deleted)),
        (Some(before), Some(after), Some(now)) if [before, after, now].iter().any(|it| it.is_link()) => {
            undo_link(before, after, now)
        }
        (Some(before), Some(after), Some(now)) => {
            let bytes = undo_bytes(before, after, now)?;
            let mode = undo_mode(before.mode, after.mode, now.mode)?;
            Ok(Some(Contents { bytes, mode }))
        }
    }
}

/// A link has no lines to keep: it is as it was left, or somebody else's.
fn undo_link(before: &Contents, after: &Contents, now: &Contents) -> Result<Option<Contents>, Obstacle> {
    let is_as = |version: &Contents| version.is_link() == now.is_link() && is_untouched(version, now);
    if is_as(after) || is_as(before) {
        return Ok(Some(before.clone()));
    }
    let kind = if after.is_link() == now.is_link() { ConflictKind::Edited } else { ConflictKind::Type };
    Err(Obstacle::whole(kind))
}

/// A mode that nothing recorded is nobody's edit.
fn is_untouched(left: &Contents, now: &Contents) -> bool {
    left.bytes == now.bytes && (left.mode.is_none() || now.mode.is_none() || left.mode == now.mode)
}

fn edited(left: &Contents, now: &Contents) -> Obstacle {
    let hunks =
        diff(Some(Side { bytes: &left.bytes, mode: 0 }), Some(Side { bytes: &now.bytes, mode: 0 })).hunks;
    let numbered = hunks.iter().filter(|hunk| hunk.number > 0);
    let (left, lines) = numbered.map(|hunk| (hunk.before.clone(), hunk.after.clone())).unzip();
    Obstacle { kind: ConflictKind::Edited, lines, left }
}

fn undo_bytes(before: &Contents, after: &Contents, now: &Contents) -> Result<Vec<u8>, Obstacle> {
    if now.bytes == after.bytes || now.bytes == before.bytes {
        return Ok(before.bytes.clone());
    }
    if before.bytes == after.bytes {
        return Ok(now.bytes.clone());
    }
    if [before, after, now].iter().any(|contents| is_binary(&contents.bytes)) {
        return Err(Obstacle::whole(ConflictKind::Edited));
    }
    merge(&after.bytes, &before.bytes, &now.bytes).map_err(|clashes| {
        let (left, lines) = clashes.into_iter().map(|clash| (clash.base, clash.theirs)).unzip();
        Obstacle { kind: ConflictKind::Edited, lines, left }
    })
}

fn undo_mode(before: Option<u32>, after: Option<u32>, now: Option<u32>) -> Result<Option<u32>, Obstacle> {
    match (before, after) {
        (Some(before), Some(after)) if before != after => {
            if now == Some(after) || now == Some(before) || now.is_none() {
                Ok(Some(before))
            } else {
                Err(Obstacle::whole(ConflictKind::Edited))
            }
        }
        (_, _) => Ok(now),
    }
}

/// Keeps of what is taken back only some hunks of the edit that went from `before` to `after`, by their numbers.
///
/// # Errors
/// The first number that no hunk has.
pub(crate) fn only(inverse: Inverse, wanted: &BTreeSet<u32>) -> Result<Inverse, u32> {
    let side = |contents: &Option<Contents>| contents.clone().map(|contents| (contents.bytes, contents.mode));
    let (old, new) = (side(&inverse.before), side(&inverse.after));
    let modes = old.as_ref().and_then(|(_, mode)| *mode).zip(new.as_ref().and_then(|(_, mode)| *mode));
    let (old_mode, new_mode) = modes.unwrap_or_default();
    let found = diff(
        old.as_ref().map(|(bytes, _)| Side { bytes, mode: old_mode }),
        new.as_ref().map(|(bytes, _)| Side { bytes, mode: new_mode }),
    );
    let numbers: BTreeSet<u32> = found.hunks.iter().map(|hunk| hunk.number).collect();
    if let Some(unknown) = wanted.difference(&numbers).next() {
        return Err(*unknown);
    }
    let (Some(before), Some(after), false) = (&inverse.before, &inverse.after, *wanted == numbers) else {
        return Ok(inverse);
    };
    let (old, new) = (lines(&before.bytes), lines(&after.bytes));
    let index = |line: u32| usize::try_from(line).unwrap_or(usize::MAX);
    let (mut bytes, mut copied) = (Vec::new(), 0);
    for hunk in found.hunks.iter().filter(|hunk| hunk.number > 0 && wanted.contains(&hunk.number)) {
        bytes.extend(new[copied..index(hunk.after.start)].concat());
        bytes.extend(old[index(hunk.before.start)..index(hunk.before.end)].concat());
        copied = index(hunk.after.end);
    }
    bytes.extend(new[copied..].concat());
    let mode = if wanted.contains(&0) { before.mode } else { after.mode };
    Ok(Inverse { before: Some(Contents { bytes, mode }), after: inverse.after })
}

#[cfg(test)]
mod tests;
