//! The scenario runner: plays the files of `tests/scenarios` against a real daemon. The format is in
//! `tests/scenarios/README.md`.
//!
//! Not here: anything about one feature; that is in the scenario files.
mod connection;
mod diff;
mod earlier;
mod home;
mod lines;
mod normal;
mod parse;
mod pattern;
mod picture;
mod play;
mod prompt;
mod render;
mod replies;
mod report;

use std::fmt::Write as _;
use std::fs;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::layers;
use crate::scenario::earlier::Earlier;
use crate::scenario::parse::Scenario;
use crate::scenario::play::Play;
use crate::scenario::report::Rewrite;
use crate::surroundings::slow_tests;

/// How many scenarios of a file are played at once; more of them get in each other's way on a small machine.
const AT_ONCE: usize = 4;

/// Whether what is expected is compared or rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expectations {
    Compare,
    Rewrite,
}

/// Returns the directory of the scenario files.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// Plays every scenario of a file, over each of its wires and carriers, and panics with all that failed.
///
/// `SCENARIO=words` plays only headings that contain them; `UPDATE_EXPECT=1` rewrites what is expected.
///
/// # Panics
/// The file cannot be read or understood, or a scenario failed.
#[expect(clippy::panic, reason = "this is the body of a test")]
pub fn play_file(name: &str) {
    let path = directory().join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let scenarios = parse::scenarios(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let wanted = variable("SCENARIO").unwrap_or_default().to_lowercase();
    let update = variable("UPDATE_EXPECT").is_some_and(|value| !value.is_empty() && value != "0");
    let chosen: Vec<&Scenario> =
        scenarios.iter().filter(|scenario| scenario.name.to_lowercase().contains(&wanted)).collect();
    let (mut failures, mut rewrites) = (String::new(), Vec::new());
    let mut failed = 0;
    for (scenario, (report, own)) in chosen.iter().zip(play_all(&chosen, update)) {
        rewrites.extend(own);
        if let Err(report) = report {
            failed += 1;
            // Writing to a String cannot fail.
            let _ = writeln!(failures, "\n━━ {name}:{} “{}”\n{report}", scenario.line, scenario.name);
        }
    }
    if !rewrites.is_empty() {
        fs::write(&path, report::apply(&text, rewrites)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert!(failed == 0, "{failed} of {} scenarios of {name} failed:\n{failures}", scenarios.len());
}

/// Plays scenarios and returns what is wrong with each of them; rewrites nothing.
///
/// # Errors
/// The text cannot be understood.
pub fn play_text(text: &str) -> Result<Vec<String>, String> {
    let scenarios = parse::scenarios(text)?;
    let all: Vec<&Scenario> = scenarios.iter().collect();
    Ok(play_all(&all, false).into_iter().map(|(report, _)| report.err().unwrap_or_default()).collect())
}

/// Plays the scenarios of a file, some at a time: most of what they do is waiting.
fn play_all(scenarios: &[&Scenario], update: bool) -> Vec<(Result<(), String>, Vec<Rewrite>)> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut played = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(scenario) = scenarios.get(number) else { return played };
            let mut rewrites = Vec::new();
            let report = play_scenario(scenario, update, &mut rewrites);
            played.push((number, (report, rewrites)));
        }
    };
    let mut played: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    played.sort_by_key(|(number, _)| *number);
    played.into_iter().map(|(_, played)| played).collect()
}

/// Plays a scenario over each of its wires and carriers; the first of them is the one that may rewrite.
fn play_scenario(scenario: &Scenario, update: bool, rewrites: &mut Vec<Rewrite>) -> Result<(), String> {
    if scenario.setting("needs") == Some("layers")
        && let Err(reason) = layers::available()
    {
        skipped(scenario, &reason);
        return Ok(());
    }
    let mut earlier = Earlier::default();
    let more = slow_tests().then(|| scenario.way_over_websocket()).flatten();
    for (number, way) in scenario.ways().into_iter().chain(more).enumerate() {
        let expectations = if update && number == 0 { Expectations::Rewrite } else { Expectations::Compare };
        let scenario = scenario.rewritten(rewrites);
        let played = Play::run(&scenario, &way, expectations, &mut earlier)
            .map_err(|error| format!("played over {way}: {error:#}"))?;
        rewrites.extend(played);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what was not tested has to be said in the report of the tests")]
fn skipped(scenario: &Scenario, reason: &str) {
    println!("skipped: “{}”: {reason}", scenario.name);
}

#[expect(clippy::disallowed_methods, reason = "the two switches of the runner are variables, as everywhere")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
