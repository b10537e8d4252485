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
pub(crate) const WARM_UP: usize = 5;

/// The file that is read and edited: a source file of middling size.
const FILE: &str = "notes.txt";
const FILE_LINES: usize = 300;

/// A turn of many calls of one tool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turns<'a> {
    pub(crate) tool: &'static str,
    /// Where; `None`: in a workspace of one file.
    pub(crate) workspace: Option<&'a Path>,
    /// What is configured beside the model, as TOML.
    pub(crate) settings: &'a str,
}

/// Measures a turn of each kind, and what is sent first.
pub(crate) fn measure(setup: &Setup) -> Result<Vec<Figure>> {
    let rounds = setup.rounds(90);
    let turns = |tool| Turns { tool, workspace: None, settings: "[sandbox]\nlevel = 1\n" };
    let counted = |mut times: Vec<Duration>| times.split_off(WARM_UP);
    let read = turns("read").measure(setup, rounds, |_| json!({"path": FILE, "limit": 100}))?;
    let edit = turns("edit").measure(
        setup,
        rounds,
        |n| json!({"path": FILE, "old": format!("value {n} of"), "new": format!("value {} of", n + 1)}),
    )?;
    let shell = turns("shell").measure(setup, rounds, |_| json!({"command": "true"}))?;
    let first = first_request(setup)?;
    Ok(vec![
        Figure::times("tool turn: read", &counted(read), Goal::AtMost(3.0)),
        Figure::times("tool turn: edit", &counted(edit), Goal::AtMost(3.0)),
        Figure::times("tool turn: shell true", &counted(shell), Goal::AtMost(20.0))
            .note("level 1, exact capture"),
        Figure::one("first request", first, "bytes", Goal::AtMost(10_000.0))
            .note("system prompt and tools; the same in every request"),
    ])
}

impl Turns<'_> {
    /// Runs one turn of [`WARM_UP`] and then `rounds` calls, and returns the harness's time of each.
    pub(crate) fn measure(
        self,
        setup: &Setup,
        rounds: usize,
        arguments: impl Fn(usize) -> Value + Send + Sync + 'static,
    ) -> Result<Vec<Duration>> {
        let (tool, calls) = (self.tool, rounds + WARM_UP);
        let script = Script::function(move |number, _| match number {
            // An edit wants a file that was read.
            0 => Reply::call("read", &json!({"path": FILE})),
            number if number <= calls => Reply::call(tool, &arguments(number - 1)),
            _ => Reply::text("done"),
        });
        let place = Place::new(setup, script)?;
        place.configure(self.settings)?;
        let workspace = self.workspace.map_or_else(|| place.workspace(), Path::to_path_buf);
        let lines = (0..FILE_LINES).map(|line| format!("line {line} of a file\n"));
        agent::write(&workspace.join(FILE), &format!("value 0 of it\n{}", lines.collect::<String>()))?;
        let (_daemon, mut link, _) = place.start()?;
        Session::open(&mut link, &workspace)?.turn(&mut link, "work")?;
        let requests = place.model.requests();
        ensure!(requests.len() == calls + 2, "{} requests, not {}", requests.len(), calls + 2);
        ensure!(
            !failed(&requests[calls + 1].body),
            "a {tool} call failed: {}",
            requests[calls + 1].last_text()
        );
        // The first request follows a prompt, the second the read.
        let counted = requests.iter().skip(2);
        counted
            .map(|request| {
                let answered = request.previous_answered.context("an answer without a time")?;
                Ok(request.arrived.saturating_duration_since(answered))
            })
            .collect()
    }
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
