//! Other protocols as clients of the router inside a connection.
//!
//! Not here: the native dialect; so far only the detection and the refusals.
//!
//! Imports: router, protocol, base
