//! Change sets: apply with pre-images, edit matching, diffs and hunks, and what the model has seen of each file.
//!
//! Not here: path confinement (`workspace`).
//!
//! Imports: workspace, journal, protocol, base
pub(crate) mod apply;
pub(crate) mod blobs;
pub(crate) mod change;
pub(crate) mod diff;
pub(crate) mod edit;
mod lines;
mod merge;
pub(crate) mod overlay;
pub(crate) mod patch;
pub(crate) mod plan;
pub(crate) mod read_set;
pub(crate) mod settle;
pub(crate) mod stage;
pub(crate) mod steps;
mod tolerant;
