//! Where the project lies on disk.
//!
//! Not here: the current directory, which a task never depends on.

use crate::shell;
use std::path::PathBuf;

/// Returns the root of the workspace, absolute.
pub(crate) fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or_else(|| manifest.clone(), PathBuf::from)
}

/// Returns cargo's target directory: `CARGO_TARGET_DIR`, else `target` beneath the root.
pub(crate) fn target() -> PathBuf {
    shell::environment("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |path| root().join(path))
}
