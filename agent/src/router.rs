//! Life cycle, the one method table, exactly one reply, failure to error code.
//!
//! Not here: what a method does (`handlers`) and how bytes travel (`wire`).
//!
//! Imports: handlers, protocol, base
