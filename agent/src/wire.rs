//! Framing codec, carriers, the connection task and its outbox.
//!
//! Not here: methods and their meaning.
//!
//! Imports: router, dialects, protocol, base
