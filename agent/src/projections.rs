//! Folds of events: the transcript, the running turn, requests, usage.
//!
//! A fold is a plain value with one way in, `apply`. Feeding a session's events in order gives the same value whether they are
//! read at start or as they happen: that is what makes a restart a replay.
//!
//! Not here: durable state of its own.
//!
//! Imports: protocol, base
pub(crate) mod cut;
pub(crate) mod history;
pub(crate) mod line;
pub(crate) mod listed;
pub(crate) mod reads;
pub(crate) mod transcript;
pub(crate) mod turn;
pub(crate) mod waiting;
