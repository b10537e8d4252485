//! The project's own tasks, called as `cargo xtask TASK`.
//!
//! Not here: anything the product needs at run time.
//! A task is one file; this file names them and turns a failure into an exit code.

mod bench;
mod bubblewrap;
mod ci;
mod codegen;
mod deny;
mod dist;
mod elf;
mod fuzz;
mod golden;
#[cfg(test)]
mod lints_fire;
mod nvim;
mod root;
mod shell;
mod test;
mod tidy;
mod tools;
mod vscode;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The project's own tasks")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// The gate: fmt, tidy, codegen --check, clippy, test, doc, deny; stops at the first failure
    Ci,
    /// Check what rustc and clippy cannot: layers, sizes, headers, names
    Tidy,
    /// Build the binary and run every test of the workspace
    Test {
        /// Run only tests whose name contains this
        filter: Option<String>,
    },
    /// Check and test the client for VS Code alone
    Vscode,
    /// Measure the binary with real processes against a scripted model server; prints a table
    Bench(bench::Options),
    /// Run the fuzz targets: damaged streams against the codec, strange requests against a daemon
    Fuzz {
        /// For how long, each
        #[arg(default_value_t = 60)]
        seconds: u64,
    },
    /// Record this version's golden transcript and journal, for the tests of later versions
    Golden,
    /// Build the static, stripped binary, check its size, and run its demo where there is nothing else
    Dist,
    /// Pack the extension for VS Code into target/dist-vscode, and check its size
    DistVscode,
    /// Write what is generated from the protocol crate into spec/
    Codegen {
        /// Write nothing; fail when a file on disk differs
        #[arg(long)]
        check: bool,
        /// Write also what takes back a promise of a stable item; never after a release
        #[arg(long, conflicts_with = "check")]
        break_promises: bool,
    },
    /// Check licences, bans and sources of the dependencies
    Deny,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Ci => ci::run(),
        Task::Tidy => tidy::run(),
        Task::Test { filter } => test::run(filter.as_deref()),
        Task::Vscode => vscode::run(),
        Task::Bench(options) => bench::run(&options),
        Task::Fuzz { seconds } => fuzz::run(seconds),
        Task::Golden => golden::run(),
        Task::Dist => dist::run(),
        Task::DistVscode => vscode::dist(),
        Task::Codegen { check: true, .. } => codegen::run(codegen::Mode::Check),
        Task::Codegen { break_promises: true, .. } => codegen::run(codegen::Mode::WriteAnyway),
        Task::Codegen { .. } => codegen::run(codegen::Mode::Write),
        Task::Deny => deny::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            shell::say(&format!("failed: {failure:#}"));
            ExitCode::FAILURE
        }
    }
}
