//! The walk through the extension in a real workbench: brings VS Code's server and a browser, packs, and runs it.
//!
//! Not here: what is done in it (`clients/vscode/test/workbench`).

use super::package;
use crate::{nvim, root, shell, tools};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// The build of VS Code that can be had from a package registry, server and web workbench.
const CODE_SERVER: &str = "4.139.1";

/// What drives the browser.
const PLAYWRIGHT: &str = "1.65.1";

/// The exit code of a walk that the machine does not let begin.
const NOT_HERE: i32 = 77;

/// Parts of the server that no test of an extension needs, 370 MB: assistants, their sandboxes, other systems' binaries.
const NOT_NEEDED: [&str; 5] = [
    "node_modules/@github",
    "node_modules/@microsoft/mxc-sdk",
    "node_modules/@vscode/sqlite3",
    "extensions/copilot",
    "extensions/mermaid-markdown-features",
];

/// Runs the walk; says *skipped* where something it needs cannot be brought.
///
/// # Errors
/// The walk fails, or the extension cannot be packed.
pub(super) fn run(node: &Path) -> Result<()> {
    // The packer too: what cannot be brought is no failure of the extension.
    let brought = package::packer(node).and_then(|_| Ok((workbench(node)?, browser()?)));
    let (tools, browser) = match brought {
        Ok(brought) => brought,
        Err(reason) => {
            shell::say(&format!("skipped: the walk in a real VS Code ({reason:#})"));
            return Ok(());
        }
    };
    let package = package::run(node)?;
    shell::say("== clients/vscode: a walk in a real workbench");
    let out = root::target().join("vscode-walk");
    fs::create_dir_all(&out)?;
    let mut walk = tools::of_node(node, "node");
    walk.arg(root::root().join("clients/vscode/test/workbench/walk.mjs")).arg(tools).arg(package);
    walk.arg(root::target().join("debug/tenon")).arg(&out).env("CHROMIUM", browser);
    // For what both editors do with one session; without it the walk says that it skips that.
    if let Ok(neovim) = nvim::program() {
        walk.env("NVIM", neovim);
    }
    match walk.status().context("cannot start node")?.code() {
        Some(0) => Ok(()),
        Some(NOT_HERE) => {
            shell::say("skipped: the walk in a real VS Code (its server or the browser does not start here)");
            Ok(())
        }
        _ => bail!("the walk failed; target/vscode-walk has its logs and a picture"),
    }
}

/// Brings the server with its workbench, and what drives a browser.
fn workbench(node: &Path) -> Result<PathBuf> {
    tools::installed(&format!("vscode-{CODE_SERVER}-{PLAYWRIGHT}"), |folder| {
        let npm = |arguments: &[&str], at: &Path| {
            let mut npm = tools::of_node(node, "npm");
            npm.args(arguments).args(["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
            tools::step(npm.current_dir(at))
        };
        fs::write(folder.join("package.json"), r#"{"private":true}"#)?;
        npm(&["install", &format!("playwright-core@{PLAYWRIGHT}")], folder)?;
        npm(&["pack", "--silent", &format!("code-server@{CODE_SERVER}")], folder)?;
        let (server, archive) =
            (folder.join("vscode"), folder.join(format!("code-server-{CODE_SERVER}.tgz")));
        fs::create_dir(&server)?;
        let mut tar = shell::command("tar");
        tar.args(["-xzf", &archive.to_string_lossy(), "-C", &server.to_string_lossy()]);
        tools::step(tar.args(["--strip-components=3", "package/lib/vscode"]))?;
        fs::remove_file(archive)?;
        npm(&["install", "--omit=dev"], &server)?;
        for part in NOT_NEEDED {
            let _absent = fs::remove_dir_all(server.join(part));
        }
        Ok(())
    })
}

/// Finds a browser, or brings Debian's where that is allowed.
fn browser() -> Result<PathBuf> {
    if let Some(found) = find_browser() {
        return Ok(found);
    }
    if !is_root() {
        bail!("no chromium");
    }
    tools::step(shell::command("apt-get").args(["update", "-qq"])).context("no chromium")?;
    let mut apt = shell::command("apt-get");
    apt.args(["install", "-y", "-qq", "--no-install-recommends", "chromium"])
        .env("DEBIAN_FRONTEND", "noninteractive");
    tools::step(&mut apt).context("no chromium")?;
    find_browser().context("chromium was installed and is not there")
}

fn find_browser() -> Option<PathBuf> {
    let named = shell::environment("CHROMIUM").map(PathBuf::from);
    let usual =
        ["chromium", "chromium-browser", "google-chrome"].map(|name| Path::new("/usr/bin").join(name));
    named.into_iter().chain(usual).find(|path| path.is_file())
}

/// Returns whether packages of the system may be installed.
fn is_root() -> bool {
    shell::output(shell::command("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
