//! What a shell call costs at sandbox level 3, and what exact capture adds to it in a large workspace. Not here: levels below,
//! without the protocol around (`commands`).

use super::Setup;
use super::agent::Place;
use super::corpus;
use super::figures::{Figure, Goal};
use super::turns::{Turns, WARM_UP};
use crate::shell;
use anyhow::{Context, Result};
use serde_json::json;
use std::time::Duration;
use tenon_tests::model_server::Script;

/// Files of the large workspace.
const FILES: usize = 50_000;

/// The configurations in turn: each in a few agents of its own, so that a noisy moment is nobody's alone and there are several
/// first commands.
const BLOCKS: usize = 5;

/// Catches what commands write by an overlay.
const EXACT: &str = "[sandbox]\nlevel = 3\ncapture = \"exact\"\n";

/// Looks at the workspace before and after instead: next to nothing where it holds one file.
const OFF: &str = "[sandbox]\nlevel = 3\ncapture = \"compared\"\n";

/// The times of calls: the first of each agent, and those after the warm-up.
#[derive(Debug, Default)]
struct Times {
    first: Vec<Duration>,
    later: Vec<Duration>,
}

/// Measures both; says why, where there is no level 3.
pub(crate) fn measure(setup: &Setup) -> Result<Vec<Figure>> {
    if let Some(missing) = missing(setup)? {
        shell::say(&format!("tool turn: shell true, level 3: skipped: {missing}"));
        return Ok(Vec::new());
    }
    let tree = corpus::tree(&setup.scratch, "tree-of-50000", FILES)?;
    let small = Turns { tool: "shell", workspace: None, settings: EXACT };
    let large = Turns { workspace: Some(&tree), ..small };
    let without = Turns { settings: OFF, ..small };
    let mut times = [Times::default(), Times::default(), Times::default()];
    for _ in 0..BLOCKS {
        for (turns, times) in [small, large, without].into_iter().zip(&mut times) {
            let mut taken =
                turns.measure(setup, setup.rounds(90) / BLOCKS, |_| json!({"command": "true"}))?;
            times.later.extend(taken.split_off(WARM_UP));
            times.first.extend(taken.first());
        }
    }
    let [small, large, without] = times;
    let added = |with: &[Duration], without: &[Duration], name: &str| {
        let [with, without] = [with, without].map(|times| Figure::times(name, times, Goal::None));
        let note = format!("{:.1} ms, without capture {:.1} ms; {}", with.value, without.value, with.note);
        Figure::one(name, with.value - without.value, "ms", Goal::AtMost(8.0)).note(note)
    };
    Ok(vec![
        Figure::times("tool turn: shell true, level 3", &small.later, Goal::AtMost(20.0))
            .note("exact capture, one file"),
        added(&large.later, &without.later, "capture of 50,000 files adds"),
        added(&large.first, &without.first, "capture of 50,000 files adds, at first"),
    ])
}

/// Returns why there is no level 3 with exact capture, if there is none.
fn missing(setup: &Setup) -> Result<Option<String>> {
    let place = Place::new(setup, Script::echo())?;
    let (_daemon, link, _) = place.start()?;
    let can = &link.hello["capabilities"]["experimental"]["agent"]["can"]["shell"];
    let level = can["sandbox"]["level"].as_u64().context("no level in the handshake")?;
    Ok((level < 3).then(|| can["sandbox"]["missing"].to_string()))
}
