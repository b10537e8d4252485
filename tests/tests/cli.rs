//! The command line, driven as a person or a script drives it: real processes, a real daemon, a real HTTP server. Not here:
//! what survives a crash (`crash`).
mod accepted;
mod attach;
mod auth;
mod config;
mod conformance;
mod daemon;
mod deltas;
mod ephemeral;
mod exits;
mod handover;
mod http;
mod jobs;
mod notices;
mod observers;
mod peers;
mod pipes;
mod plans;
mod providers;
mod queue;
mod revert;
mod schema;
mod secrets;
mod shipped;
mod starts;
mod storage;
mod versions;
