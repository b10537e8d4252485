//! Background commands and their output: the person's own, each in a terminal of its own.
//!
//! Not here: which command may run and how it is recorded (`session`), how it is started and ended (`process`).
//!
//! Imports: sandbox, process, protocol, base
mod job;
mod output;
mod plain;

pub(crate) use crate::jobs::job::{Ended, Job, Sink, Start, job_not_found};
pub(crate) use crate::jobs::output::Output;
pub(crate) use crate::jobs::plain::plain;

/// Jobs of one session that may run: more than anybody watches.
pub(crate) const SESSION_JOBS_MAX: usize = 16;

/// Jobs of the machine that may run: each costs a supervisor, some descriptors, at most 1 MiB of
/// memory and 32 MiB of disk.
pub(crate) const MACHINE_JOBS_MAX: usize = 128;
