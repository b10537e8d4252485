//! Configuration layers, files, environment, explain.
//!
//! Not here: policy decisions (`approvals`).
//!
//! Imports: base
