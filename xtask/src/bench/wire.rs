//! Requests and events through the socket: how long one takes, and how many go through. Not here: what they are about.

use super::Setup;
use super::agent::{Daemon, Place};
use super::figures::{Figure, Goal, milliseconds, number, quantile};
use super::link::SocketLink;
use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use std::time::Instant;
use tenon_tests::model_server::{Reply, Script};

/// Requests one after the other.
const REQUESTS: usize = 3_000;

/// Requests that are on the way at once, below what a connection may have in flight.
const IN_FLIGHT: usize = 32;

/// Turns that fill the log that is read: about ten events each.
const TURNS: usize = 150;

/// How often the log is read.
const READS: usize = 20;

/// Observers at once.
const OBSERVERS: usize = 100;

/// Measures requests and events.
pub(crate) fn measure(setup: &Setup) -> Result<Vec<Figure>> {
    let place = Place::new(setup, Script::always(Reply::text("done")))?;
    let (daemon, mut link, _) = place.start()?;
    let session = place.open(&mut link)?;
    let turns = setup.rounds(TURNS);
    for _ in 0..turns {
        session.turn(&mut link, "say done")?;
    }
    drop(link);
    let mut figures = requests(setup, &mut daemon.link()?)?;
    figures.push(events(&mut daemon.link()?, &session.id)?);
    figures.push(events_to_many(&daemon, &session.id)?);
    Ok(figures)
}

fn params() -> Value {
    json!({"kind": "session", "limit": 1})
}

/// `agent/list` of one session: a request that reads the database.
fn requests(setup: &Setup, link: &mut SocketLink) -> Result<Vec<Figure>> {
    let count = setup.rounds(REQUESTS);
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let started = Instant::now();
        link.call("agent/list", &params())?;
        times.push(milliseconds(started.elapsed()));
    }
    times.sort_by(f64::total_cmp);
    let started = Instant::now();
    let mut waiting = 0;
    for _ in 0..count {
        link.send("agent/list", &params())?;
        waiting += 1;
        if waiting == IN_FLIGHT {
            link.next()?;
            waiting -= 1;
        }
    }
    for _ in 0..waiting {
        link.next()?;
    }
    let rate = number(count) / started.elapsed().as_secs_f64();
    let mut one = Figure::one("request round trip", quantile(&times, 0.5), "ms", Goal::None);
    one.p95 = Some(quantile(&times, 0.95));
    Ok(vec![
        one.note(format!("agent/list, {count} one after the other")),
        Figure::one("request round trip, p99", quantile(&times, 0.99), "ms", Goal::None),
        Figure::one("requests", rate, "/s", Goal::None).note(format!("agent/list, {IN_FLIGHT} in flight")),
    ])
}

/// Reads the whole log as an observer does, again and again.
fn events(link: &mut SocketLink, session: &str) -> Result<Figure> {
    let last = last(link, session)?;
    let started = Instant::now();
    for _ in 0..READS {
        read_whole(link, session, last)?;
    }
    let rate = number(last) * number(READS) / started.elapsed().as_secs_f64();
    Ok(Figure::one("events to an observer", rate, "/s", Goal::None)
        .note(format!("{READS} times a log of {last}")))
}

/// A hundred observers read it at once.
fn events_to_many(daemon: &Daemon, session: &str) -> Result<Figure> {
    let mut links: Vec<SocketLink> = (0..OBSERVERS).map(|_| daemon.link()).collect::<Result<_>>()?;
    let last = last(&mut links[0], session)?;
    let started = Instant::now();
    std::thread::scope(|scope| {
        let readers: Vec<_> =
            links.iter_mut().map(|link| scope.spawn(|| read_whole(link, session, last))).collect();
        readers
            .into_iter()
            .try_for_each(|reader| reader.join().map_err(|_| anyhow!("an observer panicked"))?)
    })?;
    let rate = number(last) * number(OBSERVERS) / started.elapsed().as_secs_f64();
    Ok(Figure::one("events to 100 observers", rate, "/s", Goal::None)
        .note(format!("in all; each a log of {last}, at once")))
}

/// Returns the number of the log's last event.
fn last(link: &mut SocketLink, session: &str) -> Result<u64> {
    let head = link.call("agent/log", &json!({"sessionId": session, "limit": 1}))?;
    let (_, seq) =
        head["head"].as_str().and_then(|cursor| cursor.split_once('.')).context("no end of the log")?;
    Ok(seq.parse()?)
}

/// Observes a log from its start to the event of that number.
fn read_whole(link: &mut SocketLink, session: &str, last: u64) -> Result<()> {
    let needle = format!("\"seq\":{last},");
    let subscription = link.call("agent/observe", &json!({"sessionId": session, "after": "start"}))?;
    while !link.next_line()?.contains(&needle) {}
    link.call("agent/unobserve", &json!([subscription])).map(drop)
}
