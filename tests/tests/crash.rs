//! What survives `kill -9`, of any process, at any moment. Not here: ordinary ends (`cli`).
mod admission;
mod apply;
mod client;
mod commands;
mod cut;
mod deletion;
mod everywhere;
mod jobs;
mod revert;
mod stream;
mod transcript;
