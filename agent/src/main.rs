//! The binary `tenon`. Not here: anything; see `cli`.
use std::process::ExitCode;

fn main() -> ExitCode {
    tenon_agent::cli::main()
}
