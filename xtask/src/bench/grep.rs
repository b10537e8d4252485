//! The `grep` tool beside `rg`, over the same generated tree. Not here: searching.

use super::Setup;
use super::corpus::{self, NEEDLE};
use super::figures::{Figure, Goal, milliseconds, quantile};
use super::turns::{Turns, WARM_UP};
use crate::shell;
use anyhow::{Result, ensure};
use serde_json::json;
use std::process::Stdio;
use std::time::Instant;

/// Files of the tree.
const FILES: usize = 80_000;

/// Measures the tool, then `rg` where it is installed.
pub(crate) fn measure(setup: &Setup) -> Result<Vec<Figure>> {
    let tree = corpus::tree(&setup.scratch, "tree", FILES)?;
    let rounds = setup.rounds(9);
    let path = tree.display().to_string();
    let turns = Turns { tool: "grep", workspace: Some(&tree), settings: "" };
    let ours = turns.measure(setup, rounds, |_| json!({"pattern": NEEDLE}))?.split_off(WARM_UP);
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
