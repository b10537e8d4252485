//! The bubblewrap that commands at sandbox level 3 are tested with, where the machine has none of its own.
//!
//! Not here: the tests (`tests/tests/sandbox`), which find the folder in `TENON_BWRAP_DIR` and put it on the `PATH` of the agents
//! that they start: there the agent looks for it.

use crate::{shell, tools};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Returns the folder of a bubblewrap that the tests bring, put into `target/tools` where it is not there yet; `None` where the
/// machine has its own.
///
/// # Errors
/// It cannot be brought: another distribution than Debian's kin, or no network.
pub(crate) fn folder() -> Result<Option<PathBuf>> {
    if shell::is_installed("bwrap", &["--version"]) {
        return Ok(None);
    }
    let folder = tools::installed("bubblewrap", |folder| {
        if tools::step(&mut download(folder)).is_err() {
            // The lists of packages of a fresh container are empty.
            tools::step(shell::command("apt-get").args(["update", "-qq"]))?;
            tools::step(&mut download(folder))?;
        }
        let names = std::fs::read_dir(folder)?.flatten().map(|entry| entry.path());
        let package = names.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "deb"));
        let package = package.context("no package was downloaded")?;
        tools::step(shell::command("dpkg").arg("-x").arg(package).arg(folder))?;
        tools::step(shell::command(inside(folder).join("bwrap")).arg("--version"))
    })?;
    Ok(Some(inside(&folder)))
}

/// Downloads the package without installing it.
fn download(folder: &Path) -> std::process::Command {
    let mut command = shell::command("apt-get");
    command.args(["download", "-qq", "bubblewrap"]).current_dir(folder);
    command
}

fn inside(folder: &Path) -> PathBuf {
    folder.join("usr/bin")
}
