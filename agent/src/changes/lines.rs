//! Lines of texts: which changed, and how a line's number is an index. Not here: files as a whole (`diff`).
use crate::changes::diff::{Hunk, Side, diff};

/// Returns the hunks that lead from one text to another, whatever modes their files have.
pub(super) fn changed(old: &[u8], new: &[u8]) -> Vec<Hunk> {
    let side = |bytes| Some(Side { bytes, mode: 0 });
    diff(side(old), side(new)).hunks
}

/// Returns a line's number as an index.
pub(super) fn at(line: u32) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
}
