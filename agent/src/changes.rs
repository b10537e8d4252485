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
pub(crate) mod patch;
pub(crate) mod read_set;
pub(crate) mod settle;
pub(crate) mod stage;
mod tolerant;
