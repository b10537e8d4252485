//! The client for VS Code: its checks and tests.
//!
//! Not here: the client (`clients/vscode`), Node (`tools`), packing (`package`), the walk in a real workbench (`walk`).

mod package;
mod walk;

use crate::test::Slow;
use crate::{root, shell, tools};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// As [`test()`], with the binary that the tests need.
///
/// # Errors
/// The binary cannot be built, or a test fails.
pub(crate) fn run() -> Result<()> {
    shell::run(shell::cargo().args(["build", "--package", "tenon-agent", "--bin", "tenon"]))?;
    test(Slow::AsAsked)
}

/// Packs the extension as it is shipped and prints its path and size.
///
/// # Errors
/// Node or a package cannot be brought, the bundle fails, or it is larger than what may be shipped.
pub(crate) fn dist() -> Result<()> {
    package::run(&prepare()?).map(drop)
}

/// Checks the types, and runs the tests that need no workbench; says *skipped* where Node or a package cannot be brought.
///
/// # Errors
/// A test fails.
pub(crate) fn test(slow: Slow) -> Result<()> {
    let node = match prepare() {
        Ok(node) => node,
        Err(reason) => {
            shell::say(&format!("skipped: the client for VS Code ({reason:#})"));
            return Ok(());
        }
    };
    shell::say("== clients/vscode: types");
    shell::run(module(&node, "typescript/bin/tsc").arg("--noEmit"))?;
    shell::say("== clients/vscode: unit tests");
    shell::run(in_client(tools::of_node(&node, "node").args(["--test", "test/*.test.ts"])))?;
    shell::say("== clients/vscode: conformance");
    conformance(&node)?;
    if slow == Slow::Included || shell::environment("RUN_SLOW_TESTS").is_some() {
        return walk::run(&node);
    }
    shell::say("skipped: the walk in a real VS Code (it takes a minute; set RUN_SLOW_TESTS=1)");
    Ok(())
}

/// Plays the published vectors against the client's own protocol layer.
fn conformance(node: &Path) -> Result<()> {
    let client = root::root().join("clients/vscode/test/conformance.ts");
    let client = format!("'{}' '{}'", node.join("node").display(), client.display());
    let mut tenon = shell::command(root::target().join("debug/tenon"));
    shell::run(tenon.args(["conformance", "--client", &client]))
}

/// Brings Node and the packages that the client's lock file names; returns the folder of Node's programs.
fn prepare() -> Result<PathBuf> {
    let node = tools::node()?;
    let client = root::root().join("clients/vscode");
    let lock =
        fs::read_to_string(client.join("package-lock.json")).context("clients/vscode has no lock file")?;
    let packages = tools::installed(&format!("vscode-packages-{}", short_digest(&lock)), |folder| {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(client.join(file), folder.join(file))?;
        }
        let mut npm = tools::of_node(&node, "npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        tools::step(npm.current_dir(folder))
    })?;
    link(&packages.join("node_modules"), &client.join("node_modules"))?;
    Ok(node)
}

/// Puts the packages where Node and editors look for them; a folder that somebody's own `npm install` made stays.
fn link(packages: &Path, at: &Path) -> Result<()> {
    if at.symlink_metadata().is_ok_and(|found| !found.is_symlink())
        || fs::read_link(at).is_ok_and(|to| to == packages)
    {
        return Ok(());
    }
    let _absent = fs::remove_file(at);
    std::os::unix::fs::symlink(packages, at).with_context(|| format!("cannot link {}", at.display()))
}

/// Returns a command that runs a file of a package in the client's folder.
fn module(node: &Path, path: &str) -> Command {
    let mut command = tools::of_node(node, "node");
    in_client(command.arg(root::root().join("clients/vscode/node_modules").join(path)));
    command
}

fn in_client(command: &mut Command) -> &mut Command {
    command.current_dir(root::root().join("clients/vscode"))
}

/// Returns a short name for a text: FNV-1a, which only has to differ when a lock file does.
fn short_digest(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_lock_file_is_another_folder() {
        assert_eq!(short_digest(""), "cbf29ce484222325");
        assert_ne!(short_digest("a"), short_digest("b"));
    }

    #[test]
    fn the_packages_of_a_developer_stay() {
        let at = tempfile::tempdir().unwrap();
        let (packages, own, linked) =
            (at.path().join("packages"), at.path().join("own"), at.path().join("linked"));
        fs::create_dir(&own).unwrap();
        link(&packages, &own).unwrap();
        assert!(!own.is_symlink());
        link(Path::new("elsewhere"), &linked).unwrap();
        link(&packages, &linked).unwrap();
        assert_eq!(fs::read_link(&linked).unwrap(), packages);
    }
}
