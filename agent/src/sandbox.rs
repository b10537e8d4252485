//! Sandbox levels, the probe, and the launch of a command under them.
//!
//! Not here: the decision whether a command may run (`approvals`).
//!
//! Imports: process, workspace, config, base
