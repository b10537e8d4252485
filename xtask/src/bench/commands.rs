//! Commands: starting `/bin/true` under each level of the sandbox, and deciding about texts that are made to be hard. Not here:
//! the measurement itself, which needs the agent's inside: it is the benchmark `commands` of the agent's package; this runs it
//! and reads its lines.

use super::Setup;
use super::figures::{Figure, Goal};
use crate::shell;
use anyhow::{Context, Result};
use std::time::Duration;

/// Runs the benchmark and returns its figures; says which levels it skipped.
pub(crate) fn measure(setup: &Setup) -> Result<Vec<Figure>> {
    let mut cargo = shell::cargo();
    cargo.args(["bench", "--quiet", "--package", "tenon-agent", "--bench", "commands", "--"]);
    cargo.arg(&setup.binary).arg(&setup.scratch).arg(setup.path());
    let output = shell::output(cargo.arg(setup.rounds(90).to_string()))?;
    let mut figures = Vec::new();
    for level in ["1", "2", "3"] {
        let name = format!("sandboxed /bin/true, level {level}");
        if let Some(reason) = values(&output, &format!("skipped {level}")).next() {
            shell::say(&format!("{name}: skipped: {reason}"));
            continue;
        }
        let times: Vec<Duration> =
            values(&output, &format!("spawn {level}")).map(duration).collect::<Result<_>>()?;
        figures.push(Figure::times(&name, &times, Goal::AtMost(10.0)));
        let rate = values(&output, &format!("rate {level}")).next().context("no rate")?.parse()?;
        let rate = Figure::one(&format!("{name}: rate"), rate, "/s", Goal::AtLeast(100.0));
        figures.push(rate.note("4 at a time"));
    }
    figures.push(slowest(&output)?);
    Ok(figures)
}

/// Returns the text that took longest to decide about.
fn slowest(output: &str) -> Result<Figure> {
    let texts = values(output, "decide").map(|line| {
        let (time, text) = line.split_once(' ').context("a decision without a text")?;
        Ok((time.parse::<f64>()?, text))
    });
    let texts = texts.collect::<Result<Vec<_>>>()?;
    let (time, text) = texts.iter().max_by(|one, other| one.0.total_cmp(&other.0)).context("no decisions")?;
    let figure = Figure::one("hostile shell text, the slowest", *time, "ms", Goal::AtMost(50.0));
    Ok(figure.note(format!("of {} texts of 64 KiB under 53 rules: {text:?} again and again", texts.len())))
}

/// Returns what follows a word at the beginning of a line.
fn values<'a>(output: &'a str, word: &str) -> impl Iterator<Item = &'a str> {
    let lines: Vec<&str> =
        output.lines().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).collect();
    lines.into_iter()
}

fn duration(milliseconds: &str) -> Result<Duration> {
    Ok(Duration::from_secs_f64(milliseconds.parse::<f64>()? / 1e3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_their_first_words() {
        let output = "decide 1.5 ( (\ndecide 20.25 sh -c 'a\nspawn 1 2.5\nspawn 1 3.5\nrate 1 400.0\n";
        assert_eq!(values(output, "spawn 1").collect::<Vec<_>>(), ["2.5", "3.5"]);
        assert_eq!(values(output, "spawn 2").count(), 0);
        let slowest = slowest(output).unwrap();
        assert!((slowest.value - 20.25).abs() < 1e-9 && slowest.note.contains("sh -c"), "{slowest:?}");
        assert_eq!(duration("2.5").unwrap(), Duration::from_micros(2500));
    }
}
