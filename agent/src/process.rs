//! The only spawner: the re-executed supervisor, spawn and exit records, daemonising.
//!
//! Not here: policy and sandboxing.
//!
//! Imports: base
