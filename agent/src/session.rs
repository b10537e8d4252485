//! One actor a session: commands, state, admission, commit, recovery; implements the ports of `turn`.
//!
//! Not here: the order of effects inside a turn (`turn`).
//!
//! Imports: turn, journal, feed, projections, approvals, changes, tools, providers, protocol, config, base
