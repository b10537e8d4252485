//! The provider trait, the wire adapters, server-sent events, the script player.
//!
//! Not here: retries across attempts (`turn`) and anything of the protocol.
//!
//! Imports: config, base
