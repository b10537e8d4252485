//! The agent: sessions, turns, tools and the journal behind one protocol.
//!
//! The modules stand in the order data flows, from a client's bytes down to the disk.
//! Who may import whom is written at the head of each module and held by `cargo xtask tidy`; the table is in
//! ARCHITECTURE.md.
#![allow(dead_code, reason = "wiring in progress")]

pub(crate) mod approvals;
pub(crate) mod base;
pub(crate) mod catalogue;
pub(crate) mod changes;
pub mod cli;
pub(crate) mod config;
pub(crate) mod daemon;
pub(crate) mod dialects;
pub(crate) mod feed;
pub(crate) mod handlers;
pub(crate) mod journal;
pub(crate) mod process;
pub(crate) mod projections;
pub(crate) mod providers;
pub(crate) mod router;
pub(crate) mod sandbox;
pub(crate) mod session;
pub(crate) mod tools;
pub(crate) mod turn;
pub(crate) mod wire;
pub(crate) mod workspace;
