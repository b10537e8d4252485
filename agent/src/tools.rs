//! The tool trait, the registry, one tool per file, output limits.
//!
//! Not here: policy (`approvals`) and order (`turn`).
//!
//! Imports: workspace, changes, sandbox, protocol, config, base
