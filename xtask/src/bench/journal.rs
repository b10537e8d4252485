//! A journal of a million events. Not here: the measurement itself, which needs the journal's inside: it is the benchmark
//! `journal` of the agent's package, a program that is made of the journal alone; this runs it and reads its lines.

use super::Setup;
use super::figures::{Figure, Goal};
use crate::shell;
use anyhow::{Context, Result};
use std::collections::BTreeMap;

/// Runs the benchmark and returns its figures.
pub(crate) fn measure(setup: &Setup) -> Result<Vec<Figure>> {
    let events = if setup.quick { "100000" } else { "1000000" };
    let mut cargo = shell::cargo();
    cargo.args(["bench", "--quiet", "--package", "tenon-agent", "--bench", "journal", "--"]);
    let output = shell::output(cargo.arg(&setup.scratch).arg(events))?;
    let lines: BTreeMap<&str, f64> = output.lines().filter_map(line).collect();
    let value = |name: &str| lines.get(name).copied().with_context(|| format!("no line for {name}"));
    let whole = format!("{events} events, {:.0} MB", value("size_mb")?);
    Ok(vec![
        Figure::one("journal: open", value("open_ms")?, "ms", Goal::AtMost(20.0)).note(&whole),
        Figure::one("journal: last page", value("last_page_ms")?, "ms", Goal::AtMost(20.0))
            .note("the first read after opening"),
        Figure::one("journal: full replay", value("replay_per_s")?, "/s", Goal::AtLeast(100_000.0))
            .note(format!("peak memory grew by {:.1} MB", value("replay_growth_mb")?)),
        Figure::one("journal: append", value("append_per_s")?, "/s", Goal::None)
            .note("batches of 512, 8 waiting"),
        Figure::one("journal: commit", value("commit_ms")?, "ms", Goal::None).note("one event, one waiting"),
    ])
}

/// Reads `name number`.
fn line(line: &str) -> Option<(&str, f64)> {
    let (name, value) = line.split_once(' ')?;
    Some((name, value.parse().ok()?))
}
