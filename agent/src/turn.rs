//! The turn machine (pure), the runner that performs its effects, and the ports it commits through.
//!
//! Not here: durable state: only `session` appends.
//!
//! Imports: providers, tools, approvals, projections, protocol, config, base
