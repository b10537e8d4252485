//! The wire types of the protocol, version 1: pure serde, no I/O, no behaviour.
pub mod ids;
