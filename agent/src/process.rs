//! The only spawner: the re-executed supervisor, spawn and exit records, the process tree, becoming a daemon.
//!
//! Not here: which command may run, in which environment and how confined (`approvals`, `sandbox`).
//!
//! A command never hangs from the daemon directly. The daemon starts its own binary again (`tenon __supervise`), and
//! that supervisor starts the command:
//!
//! ```text
//! daemon ──socket: spec, kill ─► supervisor (own session, subreaper) ──► command ──► whatever it starts
//!        ◄─ records: spawned, exited ─┘                                     └─ pipes ─► daemon
//! ```
//!
//! The supervisor ends the whole tree when the command ends, when it is told to, when the time is up, and when the
//! other end of its socket closes, which is what `kill -9` of the daemon does. Orphans of a subreaper become its
//! children, so a process that forks twice, starts a session of its own or ignores signals is found all the same.
//!
//! `PR_SET_PDEATHSIG` cannot replace the socket. It fires when the *thread* that spawned ends, not the process; it would
//! kill the supervisor before that has killed anything; it reaches one child and never a grandchild; and it is lost
//! when a program with other privileges is executed.
//!
//! Imports: base
mod build;
mod daemonise;
mod harden;
mod helper;
mod launch;
mod layer;
mod live;
mod program;
mod record;
mod spawner;
mod spec;
mod supervisor;
mod system;
mod terminal;
mod tree;
mod usage;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use build::Build;
pub(crate) use daemonise::Daemonised;
pub(crate) use harden::harden;
pub(crate) use helper::{CONFINE, Inside, help_main};
pub(crate) use launch::{
    Bounds, Chunk, Ended, Exit, Helper, Launch, Layer, ProcessError, Running, Source, Spawn,
};
pub(crate) use program::Program;
pub(crate) use record::{Record, read_record};
pub(crate) use spawner::{SUPERVISE, Spawner, Supervisor};
pub(crate) use supervisor::supervise_main;
pub(crate) use terminal::{Terminal, TerminalSize};
