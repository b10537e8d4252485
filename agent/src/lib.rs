//! The agent: sessions, turns, tools and the journal behind one protocol.
//!
//! The modules stand in the order data flows, from a client's bytes down to the disk.
//! Who may import whom is written at the head of each module and held by `cargo xtask tidy`; the table is in
//! ARCHITECTURE.md.

pub mod cli;
pub(crate) mod serve;
pub(crate) mod wire;
pub(crate) mod dialects;
pub(crate) mod router;
pub(crate) mod handlers;
pub(crate) mod daemon;
pub(crate) mod session;
pub(crate) mod turn;
pub(crate) mod approvals;
pub(crate) mod providers;
pub(crate) mod catalogue;
pub(crate) mod tools;
pub(crate) mod jobs;
pub(crate) mod sandbox;
pub(crate) mod process;
pub(crate) mod network;
pub(crate) mod changes;
pub(crate) mod workspace;
pub(crate) mod projections;
pub(crate) mod feed;
pub(crate) mod journal;
pub(crate) mod config;
pub(crate) mod base;
