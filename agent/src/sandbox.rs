//! Sandbox levels, the probe, and the launch of a command under them.
//!
//! Not here: the decision whether a command may run (`approvals`), and how a process is started and ended (`process`).
//!
//! Levels 2 and 3 are not built yet. The probe says so, and a launch that demands them is refused: nothing here ever
//! runs a command less confined than it was asked to.
//!
//! Imports: process, workspace, config, base
mod capture;
mod environment;
mod launch;
mod level;
mod staged;

pub(crate) use capture::{Capturing, LayerFolder};
pub(crate) use launch::{Command, SandboxError, launch};
pub(crate) use level::{Level, Probe, probe};
