//! Packs the extension for VS Code: bundled, with the licences of what is in it. Not here: publishing it.

use crate::{root, shell, tools};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// The program that packs extensions, of VS Code's own makers.
const VSCE: &str = "4.1.0";

/// The largest package that may be shipped, in bytes: the goal of the page about clients.
const PACKAGE_BYTES_MAX: u64 = 3_200_000;

/// What of the client's folder is packed; the licences of the project lie beside it.
const PACKED: [&str; 5] = ["package.json", "README.md", ".vscodeignore", "dist", "media"];

/// Bundles and packs, prints path and size, and returns the path; `node` is the folder of Node's programs.
///
/// # Errors
/// A tool cannot be brought, the bundle fails, or the package is too large.
pub(super) fn run(node: &Path) -> Result<PathBuf> {
    let client = root::root().join("clients/vscode");
    shell::run(tools::of_node(node, "node").arg("build.mjs").current_dir(&client))?;
    // Packed from a folder of its own: the project's licences belong into it.
    let folder = root::target().join("dist-vscode");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let staged = folder.join("tenon");
    fs::create_dir_all(&staged)?;
    for name in PACKED {
        copy(&client.join(name), &staged.join(name))?;
    }
    // Pictures lie with the project, not in the package.
    let readme = fs::read_to_string(staged.join("README.md"))?;
    let text = readme.lines().filter(|line| !line.starts_with("![")).collect::<Vec<_>>().join("\n");
    fs::write(staged.join("README.md"), text)?;
    for name in ["LICENSE-MIT", "LICENSE-APACHE", "CHANGELOG.md"] {
        copy(&root::root().join(name), &staged.join(name))?;
    }
    let package = folder.join("tenon.vsix");
    let vsce = packer(node)?;
    let mut pack = tools::of_node(node, "node");
    pack.arg(vsce.join("node_modules/@vscode/vsce/vsce")).args([
        "package",
        "--no-dependencies",
        "--skip-license",
    ]);
    pack.args(["--allow-missing-repository", "--out"]).arg(&package).current_dir(&staged);
    tools::step(&mut pack)?;
    let bytes = fs::metadata(&package)?.len();
    shell::say(&format!("{}: {} kB", package.display(), bytes / 1000));
    if bytes > PACKAGE_BYTES_MAX {
        bail!("larger than {} kB", PACKAGE_BYTES_MAX / 1000);
    }
    Ok(package)
}

/// Brings the program that packs.
///
/// # Errors
/// The registry does not answer.
pub(super) fn packer(node: &Path) -> Result<PathBuf> {
    tools::installed(&format!("vsce-{VSCE}"), |folder| {
        fs::write(folder.join("package.json"), r#"{"private":true}"#)?;
        let mut npm = tools::of_node(node, "npm");
        npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
        tools::step(npm.arg(format!("@vscode/vsce@{VSCE}")).current_dir(folder))
    })
}

/// Copies a file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    fs::copy(from, to).map(drop).with_context(|| format!("cannot copy {}", from.display()))
}
