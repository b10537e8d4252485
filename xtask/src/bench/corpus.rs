//! A tree of generated files, made once and kept beneath `target/bench`. Not here: what is done in it.

use crate::shell;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Files of a directory, and lines of a file.
const FILES_OF_DIRECTORY: usize = 200;
const LINES: usize = 20;

/// What one file in a thousand has.
pub(crate) const NEEDLE: &str = "the_needle_in_it";

/// Returns a tree of `files` files, made if it is not there.
pub(crate) fn tree(scratch: &Path, name: &str, files: usize) -> Result<PathBuf> {
    let tree = scratch.join(name);
    let whole = scratch.join(format!("{name}-is-whole"));
    if whole.exists() {
        return Ok(tree);
    }
    shell::say(&format!("making {files} files"));
    for directory in 0..files / FILES_OF_DIRECTORY {
        let path = tree.join(format!("part_{}", directory % 20)).join(format!("module_{directory}"));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        for file in 0..FILES_OF_DIRECTORY {
            let number = directory * FILES_OF_DIRECTORY + file;
            std::fs::write(path.join(format!("file_{file}.rs")), text(number))?;
        }
    }
    // A workspace of its own, not a part of whatever lies around it.
    std::fs::create_dir_all(tree.join(".git"))?;
    std::fs::write(&whole, "")?;
    Ok(tree)
}

fn text(number: usize) -> String {
    let line =
        |line: usize| format!("    let value_{line} = compute({number}, {line}) + offset; // a line\n");
    let mut text: String = (0..LINES).map(line).collect();
    if number.is_multiple_of(1000) {
        text.push_str(NEEDLE);
        text.push('\n');
    }
    text
}
