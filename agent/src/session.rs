//! One actor a session: commands, state, admission, commit, recovery; implements the ports of `turn`.
//!
//! The actor owns the session's state and is the only one that appends to its log. Everything it knows is a fold of that log,
//! so a restart is a replay.
//!
//! Not here: the order of effects inside a turn (`turn`).
//!
//! Imports: turn, journal, feed, projections, approvals, changes, tools, jobs, providers, catalogue, process, network, sandbox, workspace, protocol, config, base
pub(crate) mod actor;
pub(crate) mod admission;
pub(crate) mod answerers;
pub(crate) mod answers;
mod apply;
mod attached;
mod brought;
pub(crate) mod command;
mod descendants;
pub(crate) mod difference;
pub(crate) mod configure;
mod enables;
pub(crate) mod ending;
mod expansion;
pub(crate) mod fork;
mod held_apply;
pub(crate) mod hold;
pub(crate) mod input;
mod job_changes;
pub(crate) mod jobs;
pub(crate) mod known;
mod large;
pub(crate) mod leftover;
pub(crate) mod listing;
pub(crate) mod load;
pub(crate) mod looking;
pub(crate) mod login;
mod meanwhile;
pub(crate) mod pending;
pub(crate) mod picture;
mod planning;
pub(crate) mod plans;
pub(crate) mod ports;
pub(crate) mod prefix;
pub(crate) mod recovery;
pub(crate) mod resources;
pub(crate) mod revert;
mod shown;
pub(crate) mod snapshot;
pub(crate) mod state;
mod testing;
pub(crate) mod trusted;
pub(crate) mod turns;
pub(crate) mod world;
mod written;

// The façade towards `daemon`, which knows nothing of providers.
pub(crate) use crate::providers::key_check::KeyCheck;
pub(crate) use crate::session::command::SessionHandle;
