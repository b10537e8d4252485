//! Runs every test: the workspace's, unit, integration and documentation, and those of the editors' clients.
//!
//! Not here: the tests.
//! `cargo nextest` is used where it is installed, because it runs each test in a process of its own and in parallel;
//! `cargo test` is the same tests without it.

use crate::{bubblewrap, nvim, root, shell, vscode};
use anyhow::Result;
use std::path::Path;
use std::process::Command;

/// Whether tests that take more than a second run too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slow {
    /// They run.
    Included,
    /// They run only if `RUN_SLOW_TESTS` is already set.
    AsAsked,
}

/// Builds the binary and runs the tests, or those whose name contains `filter`.
pub(crate) fn run(filter: Option<&str>) -> Result<()> {
    run_with(Slow::AsAsked, filter)
}

/// As [`run`], deciding about slow tests.
pub(crate) fn run_with(slow: Slow, filter: Option<&str>) -> Result<()> {
    shell::run(shell::cargo().args(["build", "--package", "tenon-agent", "--bin", "tenon"]))?;
    // nextest knows no documentation tests. They come first, so that the line a reader looks for is the last one.
    let mut documentation = shell::cargo();
    shell::run(prepare(documentation.args(["test", "--workspace", "--doc"]), slow).args(filter))?;
    let nextest = shell::is_installed("cargo-nextest", &["nextest", "--version"]);
    if !nextest {
        shell::say("skipped: nextest (not installed), using cargo test");
    }
    let mut tests = shell::cargo();
    if nextest {
        tests.args(["nextest", "run", "--workspace"]);
    } else {
        tests.args(["test", "--workspace", "--lib", "--bins", "--tests"]);
    }
    match nvim::program() {
        Ok(neovim) => drop(tests.env("TENON_NVIM", neovim)),
        Err(reason) => shell::say(&format!("skipped: the tests in Neovim ({reason:#})")),
    }
    match bubblewrap::folder() {
        Ok(Some(folder)) => drop(tests.env("TENON_BWRAP_DIR", folder)),
        Ok(None) => {}
        Err(reason) => shell::say(&format!("skipped: sandbox level 3, unless it is there ({reason:#})")),
    }
    shell::run(prepare(&mut tests, slow).args(filter))?;
    // Last, because they are not cargo's; a filter names tests in Rust.
    if filter.is_none() { vscode::test(slow) } else { Ok(()) }
}

/// Runs the test of the binary that is shipped: its demo in a root that holds nothing else.
pub(crate) fn run_shipped(binary: &Path) -> Result<()> {
    let mut cargo = shell::cargo();
    cargo.args(["test", "--package", "tenon-tests", "--tests", "--", "--nocapture", "shipped::"]);
    shell::run(cargo.env("TENON_DIST_BIN", binary))
}

/// Tells the tests which binary to drive, and whether to take their time.
fn prepare(command: &mut Command, slow: Slow) -> &mut Command {
    command.env("TENON_BIN", root::target().join("debug").join("tenon"));
    match slow {
        Slow::Included => command.env("RUN_SLOW_TESTS", "1"),
        Slow::AsAsked => command,
    }
}
