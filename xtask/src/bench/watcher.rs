//! An observer that only looks: it reads the events of a session in a thread of its own, checks that none is missing, and
//! notes how long each was on its way. Not here: what makes the events (`load`).

use super::agent::Daemon;
use super::figures::number;
use super::link::SocketLink;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

/// The title that a session is given last: behind its event a watcher has seen everything.
pub(crate) const END: &str = "the load is over";

/// Delays that are told apart, in milliseconds; what took longer counts as the last one.
const DELAYS_MAX: usize = 60_000;

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// What an observer has seen.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// How many events.
    pub(crate) events: u64,
    /// How many events took how many milliseconds from their commit until they were here.
    delays: Vec<u32>,
}

/// An observer at work.
#[derive(Debug)]
pub(crate) struct Watcher(JoinHandle<Result<Seen>>);

impl Watcher {
    /// Observes the session from its start, in a thread, until [`END`]. Reads nothing until `asleep` is over.
    pub(crate) fn start(daemon: &Daemon, session: &str, asleep: Duration) -> Result<Self> {
        let mut link = daemon.link()?;
        link.call("agent/observe", &json!({"sessionId": session, "after": "start"}))?;
        Ok(Self(std::thread::spawn(move || {
            std::thread::sleep(asleep);
            watch(&mut link)
        })))
    }

    /// Waits until it has seen the end.
    pub(crate) fn finish(self) -> Result<Seen> {
        match self.0.join() {
            Ok(seen) => seen,
            Err(_) => bail!("an observer panicked"),
        }
    }
}

impl Seen {
    /// Takes the delays of another observer in.
    pub(crate) fn add(&mut self, other: &Self) {
        self.events += other.events;
        for (own, others) in self.delays.iter_mut().zip(&other.delays) {
            *own += others;
        }
    }

    /// Returns the delay in milliseconds below which the fraction `at` of the events lies.
    pub(crate) fn delay(&self, at: f64) -> f64 {
        let total: u64 = self.delays.iter().map(|count| u64::from(*count)).sum();
        let mut before = 0;
        let found = self.delays.iter().position(|count| {
            before += u64::from(*count);
            number(before) >= number(total) * at
        });
        number(found.unwrap_or(0))
    }
}

fn watch(link: &mut SocketLink) -> Result<Seen> {
    let mut seen = Seen { events: 0, delays: vec![0; DELAYS_MAX + 1] };
    loop {
        let line = link.next_line()?;
        // Events of the subscription itself have no number.
        let Some(seq) = after(line, "\"seq\":") else { continue };
        let seq: u64 = seq.split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or("").parse()?;
        if seq != seen.events + 1 {
            bail!("event {seq} came after {}", seen.events);
        }
        seen.events = seq;
        // What is replayed was committed before anybody asked for it.
        if !line.contains("\"replay\":true") {
            let delay = usize::try_from(delay(line)?).unwrap_or(DELAYS_MAX);
            seen.delays[delay.min(DELAYS_MAX)] += 1;
        }
        if line.contains(END) {
            return Ok(seen);
        }
    }
}

/// Returns how many milliseconds ago the event was committed. Both clocks are this machine's.
fn delay(line: &str) -> Result<u64> {
    let time = after(line, "\"at\":\"").and_then(|rest| rest.get(11..23)).context("an event has no time")?;
    let mut parts = time.split([':', '.']).map(str::parse::<u64>);
    let mut part = || parts.next().context("an event has no time").and_then(|part| Ok(part?));
    let at = ((part()? * 60 + part()?) * 60 + part()?) * 1_000 + part()?;
    #[expect(
        clippy::disallowed_methods,
        reason = "what is measured is the time since a time of the wall clock"
    )]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis();
    let now = u64::try_from(now % u128::from(DAY_MS))?;
    // The commit may have been last night; a clock that was set back counts as no delay.
    let delay = (now + DAY_MS - at) % DAY_MS;
    Ok(if delay > DAY_MS / 2 { 0 } else { delay })
}

fn after<'line>(line: &'line str, word: &str) -> Option<&'line str> {
    line.split_once(word).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_that_of_its_share() {
        let mut seen = Seen { events: 0, delays: vec![98, 0, 1, 1] };
        let found = [0.5, 0.98, 0.99, 1.0].map(|at| seen.delay(at).to_string());
        assert_eq!(found, ["0", "0", "2", "3"]);
        seen.add(&Seen { events: 0, delays: vec![0, 100, 0, 0] });
        assert!((seen.delay(0.5) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn the_time_of_an_event_is_read() {
        assert!(delay("{\"at\":\"2026-01-02T03:04:05.678Z\"}").unwrap() < DAY_MS);
        assert!(delay("{\"at\":\"2026-01-02\"}").is_err());
        assert!(delay("{}").is_err());
    }
}
