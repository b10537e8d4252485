//! Change sets: apply with pre-images, edit matching, diffs and hunks, and what the model has seen of each file.
//!
//! Not here: path confinement (`workspace`).
//!
//! Imports: workspace, journal, protocol, base
pub(crate) mod apply;
pub(crate) mod blobs;
pub(crate) mod capture;
pub(crate) mod change;
pub(crate) mod diff;
pub(crate) mod edit;
pub(crate) mod envelope;
mod lines;
mod merge;
pub(crate) mod overlay;
pub(crate) mod patch;
pub(crate) mod place;
pub(crate) mod plan;
pub(crate) mod read_set;
pub(crate) mod revert;
pub(crate) mod settle;
pub(crate) mod stage;
pub(crate) mod steps;
mod three_way;
mod tolerant;
mod undo;
mod unified;

/// How many cases a law is tried with: more where the gate has time for it.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "only tests ask")]
pub(crate) fn slow(cases: u32, slowly: u32) -> u32 {
    if std::env::var_os("RUN_SLOW_TESTS").is_some() { slowly } else { cases }
}
