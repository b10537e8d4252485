//! Sandbox levels, the probe, and the launch of a command under them.
//!
//! Not here: the decision whether a command may run (`approvals`), and how a process is started and ended (`process`).
//!
//! At level 2 a helper stands between the supervisor and the command, which confines itself and then becomes it; at level 3
//! bubblewrap stands before that, and the helper is the first process of the command's namespaces:
//!
//! ```text
//! 1  supervisor ─────────────────────────────────────────────► command
//! 2  supervisor ───────────► helper: Landlock, seccomp ──exec─► command
//! 3  supervisor ► bubblewrap ► helper (pid 1) ──fork─► the same ─► command
//! ```
//!
//! A level that is missing is an error: nothing here ever runs a command less confined than it was asked to.
//!
//! Imports: process, workspace, config, base
mod bubblewrap;
mod caches;
mod capture;
mod confine;
mod confinement;
mod door;
mod environment;
mod filter;
mod hidden;
mod landlock;
mod launch;
mod level;
mod needs;
mod probe;
mod remembered;
mod staged;
mod wanted;

pub(crate) use caches::kept::copies;
pub(crate) use caches::{Cache, Caches, Laid};
pub(crate) use capture::{Capturing, LayerFolder, remove};
pub(crate) use confine::confine_main;
pub(crate) use confinement::Network;
pub(crate) use door::{Door, LOOPBACK};
pub(crate) use launch::{Command, Given, Limits, SandboxError, launch};
pub(crate) use level::{Held, Level, Probe};
pub(crate) use needs::{Foreseen, Needs, absolute, needed_path};
pub(crate) use probe::Probing;
pub(crate) use wanted::{wanted, wanted_for_a_person};
