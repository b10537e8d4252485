//! Many observers, many sessions, and an observer that sleeps: what they cost the daemon and each other. Not here: that
//! nothing is lost on the way, which is a test too; here it is measured at full size.

use super::Setup;
use super::agent::{Daemon, Place};
use super::figures::{Figure, Goal, milliseconds, number};
use super::link::SocketLink;
use super::process;
use super::watcher::{END, Seen, Watcher};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tenon_tests::model_server::{Reply, Script};

/// Observers of one session, events a second, and for how long.
const OBSERVERS: usize = 100;
const EVENTS_PER_S: u64 = 1_000;
const CROWD: Duration = Duration::from_mins(1);
const CROWD_QUICK: Duration = Duration::from_secs(10);

/// How long an observer sleeps, and how many events it misses meanwhile.
const SLEEP: Duration = Duration::from_secs(30);
const SLEEP_QUICK: Duration = Duration::from_secs(6);
const MISSED: u64 = 100_000;
const MISSED_QUICK: u64 = 20_000;

/// Sessions that nobody works in, and clients that say nothing.
const SESSIONS: usize = 1_000;
const CLIENTS: usize = 200;
const IDLE: Duration = Duration::from_secs(20);

/// Requests that are on the way at once: below what a connection may have in flight.
const IN_FLIGHT: usize = 32;

/// Between two looks at the daemon's memory.
const LOOK: Duration = Duration::from_millis(200);

/// A session whose settings change: each change is one durable event, and costs no model anything.
struct Source {
    link: SocketLink,
    session: String,
    changes: u64,
    waiting: usize,
}

impl Source {
    fn new(place: &Place, daemon: &Daemon) -> Result<Self> {
        let mut link = daemon.link()?;
        let opened = link.call("agent/open", &json!({"workspace": place.workspace()}))?;
        let session = opened["session"]["id"].as_str().context("agent/open names no session")?.to_owned();
        Ok(Self { link, session, changes: 0, waiting: 0 })
    }

    /// Makes `count` events in about the time given.
    fn work(&mut self, count: u64, time: Duration) -> Result<()> {
        let started = Instant::now();
        for n in 0..count {
            let due = time.mul_f64(number(n) / number(count));
            if let Some(early) = due.checked_sub(started.elapsed()) {
                std::thread::sleep(early);
            }
            let profile = if self.changes.is_multiple_of(2) { "edit" } else { "review" };
            self.change(&json!({"sessionId": self.session, "settings": {"profile": profile}}))?;
        }
        Ok(())
    }

    fn change(&mut self, params: &Value) -> Result<()> {
        self.changes += 1;
        self.link.send("agent/open", params)?;
        self.waiting += 1;
        while self.waiting >= IN_FLIGHT {
            self.take()?;
        }
        Ok(())
    }

    fn take(&mut self) -> Result<()> {
        let reply = self.link.next()?;
        if let Some(error) = reply.get("error") {
            bail!("agent/open: {error}");
        }
        self.waiting -= usize::from(reply.get("id").is_some());
        Ok(())
    }

    /// Makes the event that ends the watchers.
    fn end(mut self) -> Result<()> {
        while self.waiting > 0 {
            self.take()?;
        }
        let params = json!({"sessionId": self.session, "input": [{"type": "text", "text": END}]});
        self.link.call("agent/prompt", &params).map(drop)
    }
}

/// Looks at the memory of a process until it is told to stop; returns the most that was seen, in MB.
struct Peak(Arc<AtomicBool>, std::thread::JoinHandle<f64>);

impl Peak {
    fn watch(pid: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut most = 0_f64;
            while !stopped.load(Ordering::Relaxed) {
                most = most.max(process::resident_mb(pid).unwrap_or(0.0));
                std::thread::sleep(LOOK);
            }
            most
        });
        Self(stop, thread)
    }

    fn finish(self) -> f64 {
        self.0.store(true, Ordering::Relaxed);
        self.1.join().unwrap_or(f64::NAN)
    }
}

/// A hundred observers of one session, in which a thousand events a second happen.
pub(crate) fn crowd(setup: &Setup) -> Result<Vec<Figure>> {
    let time = if setup.quick { CROWD_QUICK } else { CROWD };
    let place = Place::new(setup, Script::always(Reply::text("done")))?;
    let (daemon, _link, _) = place.start()?;
    let mut source = Source::new(&place, &daemon)?;
    let watchers: Vec<Watcher> = (0..OBSERVERS)
        .map(|_| Watcher::start(&daemon, &source.session, Duration::ZERO))
        .collect::<Result<_>>()?;
    let peak = Peak::watch(daemon.pid());
    let (cpu, started) = (process::cpu(daemon.pid())?, Instant::now());
    source.work(EVENTS_PER_S * time.as_secs(), time)?;
    let busy =
        process::cpu(daemon.pid())?.saturating_sub(cpu).as_secs_f64() / started.elapsed().as_secs_f64();
    source.end()?;
    let seen = all(watchers)?;
    let rate = number(seen.events) / started.elapsed().as_secs_f64();
    let about = format!("{OBSERVERS} observers, {} s, {:.0} events/s in all", time.as_secs(), rate);
    Ok(vec![
        Figure::one("event to 100 observers, p99", seen.delay(0.99), "ms", Goal::AtMost(50.0)).note(format!(
            "{about}, none lost; p50 {:.0} ms, {:.0} % of a core",
            seen.delay(0.5),
            busy * 100.0
        )),
        Figure::one("memory with 100 observers", peak.finish(), "MB", Goal::AtMost(100.0)),
    ])
}

fn all(watchers: Vec<Watcher>) -> Result<Seen> {
    let mut seen: Option<Seen> = None;
    for watcher in watchers {
        let one = watcher.finish()?;
        match &mut seen {
            Some(seen) => seen.add(&one),
            None => seen = Some(one),
        }
    }
    seen.context("nobody observed")
}

/// One observer sleeps while the others, and the daemon, go on.
pub(crate) fn sleeper(setup: &Setup) -> Result<Vec<Figure>> {
    let (time, events) = if setup.quick { (SLEEP_QUICK, MISSED_QUICK) } else { (SLEEP, MISSED) };
    let place = Place::new(setup, Script::always(Reply::text("done")))?;
    let (daemon, _link, _) = place.start()?;
    let mut source = Source::new(&place, &daemon)?;
    let awake = Watcher::start(&daemon, &source.session, Duration::ZERO)?;
    source.work(1_000, Duration::from_millis(300))?;
    std::thread::sleep(LOOK);
    let before = process::resident_mb(daemon.pid())?;
    let asleep = Watcher::start(&daemon, &source.session, time)?;
    let peak = Peak::watch(daemon.pid());
    source.work(events, time)?;
    source.end()?;
    let (awake, asleep) = (awake.finish()?, asleep.finish()?);
    if awake.events != asleep.events {
        bail!("{} events for one, {} for the other", awake.events, asleep.events);
    }
    Ok(vec![
        Figure::one("growth while a client sleeps", peak.finish() - before, "MB", Goal::AtMost(8.4))
            .note(format!("{} s, {events} events, none lost", time.as_secs())),
        Figure::one("event to another client, p99", awake.delay(0.99), "ms", Goal::AtMost(50.0))
            .note(format!("meanwhile; p50 {:.0} ms", awake.delay(0.5))),
    ])
}

/// A thousand sessions and two hundred clients that do nothing.
pub(crate) fn many(setup: &Setup) -> Result<Vec<Figure>> {
    let place = Place::new(setup, Script::always(Reply::text("done")))?;
    let (daemon, mut link, _) = place.start()?;
    for _ in 0..SESSIONS {
        let opened = link.call("agent/open", &json!({"workspace": place.workspace()}))?;
        let session = &opened["session"]["id"];
        link.call("agent/close", &json!({"sessionId": session, "how": "detach"}))?;
    }
    let clients: Vec<SocketLink> = (0..CLIENTS).map(|_| daemon.link()).collect::<Result<_>>()?;
    std::thread::sleep(Duration::from_secs(2));
    let (cpu, since) = (process::cpu(daemon.pid())?, Instant::now());
    std::thread::sleep(IDLE);
    let used = process::cpu(daemon.pid())?.saturating_sub(cpu);
    let memory = process::resident_mb(daemon.pid())?;
    drop(clients);
    Ok(vec![
        Figure::one("1,000 sessions, 200 clients", memory, "MB", Goal::AtMost(60.0))
            .note(format!("{:.1} MB of it anonymous", process::private_mb(daemon.pid())?)),
        Figure::one(
            "CPU with them",
            milliseconds(used) / since.elapsed().as_secs_f64() * 60.0,
            "ms/min",
            Goal::AtMost(5.0),
        ),
    ])
}
