//! The scenario runner: plays the files of `tests/scenarios` against a real daemon. The format is in
//! `tests/scenarios/README.md`.
//!
//! Not here: anything about one feature; that is in the scenario files.
mod connection;
mod diff;
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
use std::path::{Path, PathBuf};

use crate::scenario::parse::Scenario;
use crate::scenario::play::Play;
use crate::scenario::report::Rewrite;

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
    let (mut failures, mut rewrites) = (String::new(), Vec::new());
    let mut failed = 0;
    for scenario in scenarios.iter().filter(|scenario| scenario.name.to_lowercase().contains(&wanted)) {
        if let Err(report) = play_scenario(scenario, update, &mut rewrites) {
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

/// Plays a scenario over each of its wires and carriers; the first of them is the one that may rewrite.
fn play_scenario(scenario: &Scenario, update: bool, rewrites: &mut Vec<Rewrite>) -> Result<(), String> {
    for (number, way) in scenario.ways().into_iter().enumerate() {
        let expectations = if update && number == 0 { Expectations::Rewrite } else { Expectations::Compare };
        let scenario = scenario.rewritten(rewrites);
        let played = Play::run(&scenario, &way, expectations)
            .map_err(|error| format!("played over {way}: {error:#}"))?;
        rewrites.extend(played);
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the two switches of the runner are variables, as everywhere")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
