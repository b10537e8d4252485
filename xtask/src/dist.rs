//! Builds what is shipped: one static, stripped file.
//!
//! Not here: packages and signatures.
//! The build has a target directory of its own, because other flags would make cargo rebuild everything else.

use crate::{elf, root, shell, test};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;

/// The largest binary that may be shipped, in bytes: the goal of the performance page.
const BINARY_BYTES_MAX: usize = 15_000_000;

/// Builds the binary, prints its path and size, runs the demo with it where there is nothing else, and fails when it is too
/// large, not static, or does not run.
pub(crate) fn run() -> Result<()> {
    let path = build()?;
    let binary = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    if elf::needs_loader(&binary)? {
        bail!("{} asks for a dynamic loader", path.display());
    }
    shell::say(&format!("{}: {:.1} MB, static", path.display(), megabytes(binary.len())));
    if binary.len() > BINARY_BYTES_MAX {
        bail!("larger than {:.1} MB", megabytes(BINARY_BYTES_MAX));
    }
    test::run_shipped(&path)
}

/// What makes the linked binary smaller: functions with the same code are one, relocations are packed, symbols are left
/// out. The last is said here because the profile's own `strip` does not reach a package that has settings of its own.
const SMALLER: [&str; 6] =
    ["-C", "link-arg=-Wl,--icf=all", "-C", "link-arg=-Wl,-z,pack-relative-relocs", "-C", "strip=symbols"];

/// Builds the binary and returns its path.
pub(crate) fn build() -> Result<PathBuf> {
    let target = host()?;
    if !target.ends_with("-linux-gnu") {
        bail!("a static binary is built on Linux with glibc only, this is {target}");
    }
    let directory = root::target().join("dist-build");
    let mut cargo = shell::cargo();
    cargo.args([
        "rustc",
        "--package",
        "tenon-agent",
        "--bin",
        "tenon",
        "--profile",
        "dist",
        "--target",
        &target,
    ]);
    // An explicit --target keeps the flags away from build scripts and procedural macros, which cannot be static.
    cargo.env("RUSTFLAGS", "-C target-feature=+crt-static").arg("--target-dir").arg(&directory);
    cargo.arg("--").args(SMALLER);
    shell::run(&mut cargo)?;
    Ok(directory.join(target).join("dist").join("tenon"))
}

/// Returns the target triple of the machine, as rustc names it.
fn host() -> Result<String> {
    let version = shell::output(shell::command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

#[expect(clippy::cast_precision_loss, reason = "a file size for people, one decimal")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
