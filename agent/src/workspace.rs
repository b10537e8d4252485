//! The root handle, confined file access, walk and search.
//!
//! Not here: what may be written when (`changes`, `approvals`).
//!
//! Imports: base, config
