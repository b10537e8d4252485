//! What the tests take from the environment: which binary to drive, and whether to take their time. Not here: what the
//! binary gets to see (`home`).
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

#[expect(clippy::disallowed_methods, reason = "the one place where the tests read their environment")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns the binary under test: `TENON_BIN`, else the one that lies beside the tests' own.
///
/// # Errors
/// There is none.
pub fn binary() -> Result<PathBuf> {
    let path = if let Some(path) = variable("TENON_BIN") {
        PathBuf::from(path)
    } else {
        let own = std::env::current_exe()?;
        own.ancestors().nth(2).context("the tests lie nowhere")?.join("tenon")
    };
    ensure!(path.is_file(), "{} is missing: `cargo build -p tenon-agent` makes it", path.display());
    Ok(path)
}

/// Returns the binary as it is shipped, if `TENON_DIST_BIN` names one.
pub fn shipped_binary() -> Option<PathBuf> {
    variable("TENON_DIST_BIN").map(PathBuf::from)
}

/// Returns the Neovim that its client is tested in: `TENON_NVIM`, which `cargo xtask test` sets once it has brought one.
pub fn neovim() -> Option<PathBuf> {
    variable("TENON_NVIM").map(PathBuf::from)
}

/// Returns the cargo that runs the tests, past any shim.
pub fn cargo() -> Option<PathBuf> {
    variable("CARGO").map(PathBuf::from)
}

/// Returns whether tests of more than a second run.
pub fn slow_tests() -> bool {
    variable("RUN_SLOW_TESTS").is_some()
}

/// Returns for how long fuzz targets run, in seconds; `None` for their short form.
pub fn fuzz_seconds() -> Option<u64> {
    variable("FUZZ_SECONDS")?.to_str()?.parse().ok()
}

/// Returns whether what is expected is to be rewritten.
pub fn updates() -> bool {
    variable("UPDATE_EXPECT").is_some_and(|value| value != "0")
}

/// Returns the version whose golden transcript is to be recorded; `None` in every ordinary run.
pub fn golden_version() -> Option<String> {
    variable("GOLDEN_VERSION")?.into_string().ok()
}

/// Returns the folder of the bubblewrap that the tests brought: `TENON_BWRAP_DIR`, else where `cargo xtask test` put it earlier;
/// `None` where the machine has its own, or none.
pub fn bubblewrap() -> Option<PathBuf> {
    let brought = || {
        let own = std::env::current_exe().ok()?;
        Some(own.ancestors().nth(3)?.join("tools/bubblewrap/usr/bin"))
    };
    variable("TENON_BWRAP_DIR").map(PathBuf::from).or_else(brought).filter(|folder| folder.is_dir())
}

/// Compiles a probe of `tests/probes` into a folder, with the compiler alone, and returns it.
///
/// # Errors
/// It cannot be compiled.
pub fn probe(name: &str, folder: &std::path::Path) -> Result<PathBuf> {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("probes").join(format!("{name}.rs"));
    let compiler = variable("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let program = folder.join(name);
    #[expect(clippy::disallowed_methods, reason = "the probe is built as a person's shell does")]
    let mut build = std::process::Command::new(compiler);
    build.args(["--edition", "2024", "-C", "strip=debuginfo", "-o"]).arg(&program).arg(source);
    ensure!(build.status()?.success(), "{name} cannot be built");
    Ok(program)
}
