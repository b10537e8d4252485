//! Change sets: staging, apply with pre-images, edit matching, diffs and hunks.
//!
//! Not here: path confinement (`workspace`).
//!
//! Imports: workspace, journal, protocol, base
