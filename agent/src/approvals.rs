//! Policy, rules, grants, trust: what is allowed, asked or denied.
//!
//! Not here: enforcement, which is the kernel's (`sandbox`) and the confined file access of `workspace`.
//!
//! Imports: workspace, sandbox, protocol, config, base
