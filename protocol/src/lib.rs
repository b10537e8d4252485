//! The wire types of tenon's protocol, version 1: pure serde, no I/O, no behaviour.
//!
//! The Rust types are the source; JSON Schema and everything else under `spec/` is generated from them.
//! Unknown fields are ignored everywhere and optional ones are left out when absent, so both sides may grow.
#![warn(missing_docs)]

#[macro_use]
mod wire;

pub mod admin;
pub mod answer;
pub mod apply;
pub mod auth;
pub mod change;
pub mod complete;
pub mod configure;
pub mod content;
pub mod context;
pub mod cursor;
pub mod diff;
pub mod envelope;
pub mod error;
pub mod event;
pub mod fetch;
pub mod handshake;
pub mod ids;
pub mod job;
pub mod json;
pub mod list;
pub mod log;
pub mod methods;
pub mod model;
pub mod open;
pub mod plan;
pub mod prompt;
pub mod request;
#[cfg(feature = "schema")]
pub mod schema;
pub mod session;
pub mod signal;
pub mod tool;
pub mod version;
pub mod word;
