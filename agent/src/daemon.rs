//! The set of sessions, ownership of the state directory, idle, drain, the machine's `all` log.
//!
//! Not here: what a session does inside.
//!
//! Imports: session, catalogue, approvals, workspace, journal, feed, projections, config, protocol, base
