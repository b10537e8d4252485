//! The `grep` tool beside `rg`, over the same generated tree. Not here: searching.

use super::Setup;
use super::figures::{Figure, Goal, milliseconds, quantile};
use super::turns;
use crate::shell;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

/// Files of the tree, those of a directory, and lines of a file.
const FILES: usize = 80_000;
const FILES_OF_DIRECTORY: usize = 200;
const LINES: usize = 20;

/// What one file in a thousand has.
const NEEDLE: &str = "the_needle_in_it";

/// Measures the tool, then `rg` where it is installed.
pub(crate) fn measure(setup: &Setup) -> Result<Vec<Figure>> {
    let tree = tree(&setup.scratch)?;
    let rounds = setup.rounds(9);
    let path = tree.display().to_string();
    let ours = turns::times_in(setup, rounds, "grep", Some(&tree), |_| json!({"pattern": NEEDLE}))?;
    let figure = Figure::times("grep over 80,000 files", &ours, Goal::None);
    if !shell::is_installed("rg", &["--version"]) {
        return Ok(vec![figure.note("not compared: rg is not installed")]);
    }
    let mut theirs = Vec::new();
    for _ in 0..=rounds {
        let started = Instant::now();
        let mut rg = shell::command("rg");
        rg.args(["--line-number", NEEDLE, &path]).stdout(Stdio::piped());
        let found = shell::output(&mut rg)?;
        theirs.push(milliseconds(started.elapsed()));
        ensure!(found.lines().count() == FILES / 1000, "rg found {} lines", found.lines().count());
    }
    theirs.remove(0);
    theirs.sort_by(f64::total_cmp);
    let rg = quantile(&theirs, 0.5);
    let ratio = Figure::one("grep / rg", figure.value / rg, "×", Goal::AtMost(1.0));
    let ratio = ratio.note(format!("rg {rg:.0} ms; ours is the whole tool turn"));
    Ok(vec![figure, ratio])
}

/// Returns the tree, made if it is not there.
fn tree(scratch: &Path) -> Result<PathBuf> {
    let tree = scratch.join("tree");
    let whole = scratch.join("tree-is-whole");
    if whole.exists() {
        return Ok(tree);
    }
    shell::say("making 80,000 files");
    for directory in 0..FILES / FILES_OF_DIRECTORY {
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
