//! A subscription: replay, then the tail.
//!
//! Not here: buffering for slow readers: the log is the buffer.
//!
//! Imports: journal, protocol, base
