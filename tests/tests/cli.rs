//! The command line, driven as a person or a script drives it: real processes, a real daemon, a real HTTP server. Not here:
//! what survives a crash (`crash`).
mod accepted;
