//! The set of sessions, ownership of the state directory, idle, drain, the machine's `all` log.
//!
//! Not here: what a session does inside.
//!
//! Imports: session, catalogue, approvals, workspace, journal, feed, projections, config, protocol, base

/// Who calls: one connection, from its `initialize` on.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The connection, unique in the process.
    pub(crate) id: u64,
    /// Who it says it is.
    pub(crate) client: tenon_protocol::handshake::ClientInfo,
    /// What it may do.
    pub(crate) role: tenon_protocol::handshake::Role,
    /// Whether it can answer requests: it draws approvals and is no observer.
    pub(crate) can_answer: bool,
    /// Whether it gets reduced events.
    pub(crate) quiet: bool,
    /// Whether its subscriptions carry deltas unless they say otherwise.
    pub(crate) delta_default: bool,
    /// The variables `$/environment` brought.
    pub(crate) variables: std::collections::BTreeMap<String, String>,
}
