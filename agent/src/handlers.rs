//! One file per method group: validate, post or query, answer.
//!
//! Not here: waiting for providers or tools: a handler has no access to them.
//!
//! Imports: daemon, feed, projections, protocol, base
