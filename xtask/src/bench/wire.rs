//! Requests and events through the socket: how long one takes, and how many go through. Not here: what they are about.

use super::Setup;
use super::agent::Place;
use super::figures::{Figure, Goal, milliseconds, number, quantile};
use super::link::SocketLink;
use anyhow::{Context, Result};
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
        one.note(format!("agent/list, p99 {:.2} ms", quantile(&times, 0.99))),
        Figure::one("requests", rate, "/s", Goal::None).note(format!("agent/list, {IN_FLIGHT} in flight")),
    ])
}

/// Reads the whole log as an observer does, again and again.
fn events(link: &mut SocketLink, session: &str) -> Result<Figure> {
    let head = link.call("agent/log", &json!({"sessionId": session, "limit": 1}))?;
    let head =
        head["head"].as_str().and_then(|cursor| cursor.split_once('.')).context("no end of the log")?;
    let last: u64 = head.1.parse()?;
    let needle = format!("\"seq\":{last},");
    let started = Instant::now();
    for _ in 0..READS {
        let subscription = link.call("agent/observe", &json!({"sessionId": session, "after": "start"}))?;
        while !link.next_line()?.contains(&needle) {}
        link.call("agent/unobserve", &json!([subscription]))?;
    }
    let rate = number(last) * number(READS) / started.elapsed().as_secs_f64();
    Ok(Figure::one("events to an observer", rate, "/s", Goal::None)
        .note(format!("{READS} times a log of {last}")))
}
