//! The harness's share of a tool turn: from the end of a model's answer to the arrival of the next request. Not here: the
//! model's share, which is zero.

use super::Setup;
use super::agent::{self, Place, Session};
use super::figures::{Figure, Goal, number};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tenon_tests::model_server::{Reply, Script};

/// Calls that are not counted: the first ones open files, connections and threads.
const WARM_UP: usize = 5;

/// The file that is read and edited: a source file of middling size.
const FILE: &str = "notes.txt";
const FILE_LINES: usize = 300;

/// Measures a turn of each kind, and what is sent first.
pub(crate) fn measure(setup: &Setup) -> Result<Vec<Figure>> {
    let rounds = setup.rounds(90);
    let read = times(setup, rounds, "read", |_| json!({"path": FILE, "limit": 100}))?;
    let edit = times(
        setup,
        rounds,
        "edit",
        |n| json!({"path": FILE, "old": format!("value {n} of"), "new": format!("value {} of", n + 1)}),
    )?;
    let shell = times(setup, rounds, "shell", |_| json!({"command": "true"}))?;
    let first = first_request(setup)?;
    Ok(vec![
        Figure::times("tool turn: read", &read, Goal::AtMost(3.0)),
        Figure::times("tool turn: edit", &edit, Goal::AtMost(3.0)),
        Figure::times("tool turn: shell true", &shell, Goal::AtMost(20.0)).note("no sandbox, no capture"),
        Figure::one("first request", first, "bytes", Goal::AtMost(10_000.0))
            .note("system prompt and tools; the same in every request"),
    ])
}

/// Runs one turn of `rounds` calls of a tool in a workspace with one file.
fn times(
    setup: &Setup,
    rounds: usize,
    tool: &'static str,
    arguments: impl Fn(usize) -> Value + Send + Sync + 'static,
) -> Result<Vec<Duration>> {
    times_in(setup, rounds, tool, None, arguments)
}

/// Runs one turn of `rounds` calls of a tool in `workspace`, else in one with one file, and returns the harness's time of
/// each.
pub(crate) fn times_in(
    setup: &Setup,
    rounds: usize,
    tool: &'static str,
    workspace: Option<&Path>,
    arguments: impl Fn(usize) -> Value + Send + Sync + 'static,
) -> Result<Vec<Duration>> {
    let calls = rounds + WARM_UP;
    let script = Script::function(move |number, _| match number {
        // An edit wants a file that was read.
        0 => Reply::call("read", &json!({"path": FILE})),
        number if number <= calls => Reply::call(tool, &arguments(number - 1)),
        _ => Reply::text("done"),
    });
    let place = Place::new(setup, script)?;
    let workspace = workspace.map_or_else(|| place.workspace(), Path::to_path_buf);
    let lines = (0..FILE_LINES).map(|line| format!("line {line} of a file\n"));
    agent::write(&workspace.join(FILE), &format!("value 0 of it\n{}", lines.collect::<String>()))?;
    let (_daemon, mut link, _) = place.start()?;
    Session::open(&mut link, &workspace)?.turn(&mut link, "work")?;
    let requests = place.model.requests();
    ensure!(requests.len() == calls + 2, "{} requests, not {}", requests.len(), calls + 2);
    ensure!(!failed(&requests[calls + 1].body), "a {tool} call failed: {}", requests[calls + 1].last_text());
    // The first request follows a prompt, the second the read.
    let counted = requests.iter().skip(2 + WARM_UP);
    counted
        .map(|request| {
            let answered = request.previous_answered.context("an answer without a time")?;
            Ok(request.arrived.saturating_duration_since(answered))
        })
        .collect()
}

/// Returns whether the newest tool result says that the call did not go well.
fn failed(body: &Value) -> bool {
    let last = body["messages"].as_array().and_then(|messages| messages.last());
    last.and_then(|last| last["content"].as_str()).is_some_and(|text| text.starts_with("error"))
}

/// Returns the size of what precedes the conversation; fails if it is not the same in a later request.
fn first_request(setup: &Setup) -> Result<f64> {
    let script =
        Script::new([Reply::call("list", &json!({"path": "."})), Reply::text("done"), Reply::text("done")]);
    let place = Place::new(setup, script)?;
    let (_daemon, mut link, _) = place.start()?;
    let session = place.open(&mut link)?;
    session.turn(&mut link, "look")?;
    session.turn(&mut link, "again")?;
    let requests = place.model.requests();
    let prefixes: Vec<String> = requests.iter().map(|request| agent::prefix(&request.body)).collect();
    ensure!(prefixes.iter().all(|prefix| *prefix == prefixes[0]), "the prefix changed within the session");
    Ok(number(prefixes[0].len()))
}
