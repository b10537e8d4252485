//! The turn machine (pure), the runner that performs its effects, and the ports it commits through.
//!
//! Not here: durable state: only `session` appends.
//!
//! Imports: providers, tools, approvals, catalogue, projections, workspace, protocol, config, base
mod allowed;
pub(crate) mod attempt;
pub(crate) mod call;
pub(crate) mod context;
pub(crate) mod failure;
pub(crate) mod machine;
pub(crate) mod ports;
pub(crate) mod record;
pub(crate) mod retry;
pub(crate) mod runner;
pub(crate) mod unsaved;
mod written;
