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

/// Returns how many cases a law is tried with: what takes seconds, and more where there is time.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "how long a law is tried is the gate's to say")]
pub(super) fn cases() -> u32 {
    if std::env::var_os("RUN_SLOW_TESTS").is_some() { 200_000 } else { 10_000 }
}
