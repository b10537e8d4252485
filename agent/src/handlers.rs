//! One file per method group: validate, post or query, answer.
//!
//! Not here: waiting for providers or tools: a handler has no access to them.
//!
//! Imports: daemon, feed, projections, protocol, base

pub(crate) mod admin;
pub(crate) mod answer;
pub(crate) mod auth;
pub(crate) mod changes;
pub(crate) mod check;
pub(crate) mod complete;
pub(crate) mod diff;
pub(crate) mod configure;
pub(crate) mod fetch;
pub(crate) mod job;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod observe;
pub(crate) mod presence;
pub(crate) mod prompt;
mod quiet;
pub(crate) mod reply;
pub(crate) mod session;
pub(crate) mod subscription;

// The façade towards `router`, which hands callers on and knows nothing of the daemon.
pub(crate) use crate::daemon::{Caller, Daemon};
