//! Folds of events: transcript, sessions, changes, requests, usage.
//!
//! Not here: durable state of its own.
//!
//! Imports: protocol, base
