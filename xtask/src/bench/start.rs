//! How long it takes until the agent answers, and how large it is. Not here: what it does then.

use super::Setup;
use super::agent::Place;
use super::figures::{Figure, Goal, number};
use super::link::Link;
use crate::shell;
use anyhow::{Context, Result, bail};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tenon_tests::model_server::{Reply, Script};

/// `tenon --version`: what loading the program costs.
pub(crate) fn version(setup: &Setup) -> Result<Vec<Figure>> {
    let place = Place::new(setup, Script::echo())?;
    let times = repeat(setup.rounds(60), || timed(|| shell::run(&mut place.command(&["--version"]))))?;
    Ok(vec![Figure::times("tenon --version", &times, Goal::AtMost(3.0))])
}

/// From the spawn of `tenon serve` to the answer to `initialize`, on a state directory that exists.
pub(crate) fn ready(setup: &Setup) -> Result<Vec<Figure>> {
    let place = Place::new(setup, Script::echo())?;
    let times = repeat(setup.rounds(40), || {
        let (mut daemon, link, took) = place.start()?;
        drop(link);
        place.stop()?;
        daemon.wait()?;
        Ok(took)
    })?;
    Ok(vec![Figure::times("daemon ready", &times, Goal::AtMost(10.0))])
}

/// From the spawn of `tenon attach` to the answer to `initialize`, with the daemon running.
pub(crate) fn attach(setup: &Setup) -> Result<Vec<Figure>> {
    let place = Place::new(setup, Script::echo())?;
    let (_daemon, _link, _) = place.start()?;
    let times = repeat(setup.rounds(60), || {
        let started = Instant::now();
        let mut attach = place.command(&["attach"]);
        let mut child = attach.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let link =
            Link::shake_hands(stdout.context("no output of attach")?, stdin.context("no input of attach")?)?;
        let took = started.elapsed();
        // Its input ends with the link, and it with its input.
        drop(link);
        child.wait()?;
        Ok(took)
    })?;
    Ok(vec![Figure::times("attach", &times, Goal::AtMost(5.0))])
}

/// `tenon run` without a daemon, with a model that answers at once.
pub(crate) fn one_shot(setup: &Setup) -> Result<Vec<Figure>> {
    let place = Place::new(setup, Script::always(Reply::text("done")))?;
    let times = repeat(setup.rounds(30), || {
        let mut command = place.command(&["run", "say done"]);
        command.stdout(Stdio::piped());
        let started = Instant::now();
        let output = command.output()?;
        let took = started.elapsed();
        if !output.status.success() || output.stdout.trim_ascii() != b"done" {
            bail!("tenon run ended with {} and said {:?}", output.status, output.stdout);
        }
        place.stop()?;
        Ok(took)
    })?;
    Ok(vec![Figure::times("one-shot run", &times, Goal::AtMost(30.0))])
}

/// The binary on disk; only what `dist` makes is promised a size.
pub(crate) fn size(setup: &Setup) -> Result<Vec<Figure>> {
    let bytes = std::fs::metadata(&setup.binary)?.len();
    let figure = Figure::one("binary", number(bytes) / 1e6, "MB", Goal::AtMost(15.0));
    Ok(vec![figure.note("what is shipped is the dist build")])
}

/// Runs `sample` once to warm up and then `rounds` times.
fn repeat(rounds: usize, mut sample: impl FnMut() -> Result<Duration>) -> Result<Vec<Duration>> {
    sample()?;
    (0..rounds).map(|_| sample()).collect()
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed())
}
