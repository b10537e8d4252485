//! Arguments, one file per subcommand, rendering to a terminal, exit codes.
//!
//! Not here: anything the protocol cannot do; the agent is reached through `tenon-client` alone (plus `daemon::serve`).
//!
//! Imports: daemon, process, config, base
