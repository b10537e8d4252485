//! The root handle, confined file access, walk and search.
//!
//! Everything here blocks; async callers go through a blocking task. What the disk holds is read through one directory
//! handle, so that no link, no `..` and no swapped directory leads out of the workspace.
//!
//! Not here: what may be written when (`changes`, `approvals`).
//!
//! Imports: base, config
pub(crate) mod commands;
pub(crate) mod confined_write;
pub(crate) mod error;
pub(crate) mod find;
pub(crate) mod grep;
pub(crate) mod copy;
pub(crate) mod harness;
pub(crate) mod identity;
pub(crate) mod ignored;
pub(crate) mod instructions;
pub(crate) mod layer;
pub(crate) mod list;
mod open;
pub(crate) mod names;
pub(crate) mod path;
pub(crate) mod read;
pub(crate) mod repository;
pub(crate) mod root;
mod smallest;
pub(crate) mod stop;
pub(crate) mod survey;
pub(crate) mod text;
pub(crate) mod triggers;
pub(crate) mod through;
mod walk;
pub(crate) mod watch;
