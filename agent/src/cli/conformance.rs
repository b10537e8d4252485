//! `tenon conformance`: plays the published vectors against an agent, ours or another, or against a client. Not here: what
//! either does; it is a program on the other side of two pipes or of a socket.
mod client;
mod pattern;
mod play;
mod stream;
mod vector;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgGroup, Args};
use serde_json::{Value, json};

use crate::cli::conformance::play::{Play, Start};
use crate::cli::conformance::stream::Framing;
use crate::cli::conformance::vector::Vector;
use crate::cli::demo::scratch::Scratch;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::terminal::{Terminal, safe};
use crate::config::environment::{self, Variables};

/// Characters of the program's standard error that a report shows.
const ERRORS_SHOWN_MAX: usize = 2_000;

/// The arguments of `tenon conformance`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("tested").required(true))]
pub(crate) struct ConformanceArgs {
    /// An agent: a shell command that speaks the protocol on its standard streams, such as "tenon serve --stdio"
    #[arg(long, value_name = "CMD", group = "tested")]
    agent: Option<String>,
    /// A client: a shell command that runs one turn in its directory against the agent of its state directory, itself or
    /// through "$TENON attach"
    #[arg(long, value_name = "CMD", group = "tested")]
    client: Option<String>,
    /// Only this vector; may be given several times
    #[arg(long, value_name = "NAME")]
    vector: Vec<String>,
    /// Vectors of a directory in place of those that are built in
    #[arg(long, value_name = "DIR")]
    vectors: Option<PathBuf>,
    /// How long to wait for anything that must come, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Prints one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Runs the command: done when every vector passes.
pub(crate) fn run(args: &ConformanceArgs) -> Result<Exit, Failure> {
    let variables = environment::ambient();
    let mut tally =
        Tally { terminal: Terminal::of(&variables, false), json: args.json, passed: 0, failed: 0 };
    match (&args.agent, &args.client) {
        (Some(agent), _) => {
            let vectors = chosen(args, vector::load(args.vectors.as_deref())?)?;
            for (name, vector) in &vectors {
                for framing in framings(vector) {
                    let outcome = play(args, agent, &variables, vector, framing)?;
                    tally.count(&format!("{name} ({})", framing.name()), &vector.about, &outcome)?;
                }
            }
        }
        (None, Some(client)) => {
            let patience = Duration::from_secs(args.timeout);
            for (name, script) in &chosen(args, client::load(args.vectors.as_deref())?)? {
                let outcome = client::play(client, patience, &variables, script)?;
                tally.count(name, &script.about, &outcome)?;
            }
        }
        // The arguments do not allow it.
        (None, None) => return Ok(Exit::Usage),
    }
    if !args.json {
        tally.terminal.line(&format!("{} passed, {} failed", tally.passed, tally.failed))?;
    }
    Ok(if tally.failed == 0 { Exit::Done } else { Exit::Failed })
}

/// Leaves the vectors that were asked for.
fn chosen<T>(
    args: &ConformanceArgs,
    mut vectors: BTreeMap<String, T>,
) -> Result<BTreeMap<String, T>, Failure> {
    if let Some(unknown) = args.vector.iter().find(|name| !vectors.contains_key(*name)) {
        let names = vectors.keys().cloned().collect::<Vec<_>>().join(", ");
        return Err(Failure::usage(format!("there is no vector {unknown}")).hint(format!("vectors: {names}")));
    }
    vectors.retain(|name, _| args.vector.is_empty() || args.vector.contains(name));
    Ok(vectors)
}

fn framings(vector: &Vector) -> impl Iterator<Item = Framing> {
    Framing::ALL.into_iter().filter(|framing| {
        vector.framings.is_empty() || vector.framings.iter().any(|name| name == framing.name())
    })
}

/// Plays a vector against a fresh agent in a home of its own. The inner outcome says what the agent did wrong.
fn play(
    args: &ConformanceArgs,
    agent: &str,
    ambient: &Variables,
    vector: &Vector,
    framing: Framing,
) -> Result<Result<(), String>, Failure> {
    let scratch = Scratch::new(ambient)?;
    let model = prepare(&scratch, vector)
        .map_err(|error| Failure::failed(format!("the files of the vector cannot be written: {error}")))?;
    let mut variables = scratch.variables(ambient);
    variables.insert("TENON_CONFORMANCE_MODEL".to_owned(), model.display().to_string());
    let (workspace, errors) = (scratch.project(), scratch.directory().join("stderr"));
    let start = Start {
        command: agent,
        workspace: &workspace,
        variables: &variables,
        errors: &errors,
        framing,
        patience: Duration::from_secs(args.timeout),
    };
    let mut play = Play::new(start)?;
    let outcome =
        play.steps(&vector.steps).map_err(|(step, reason)| format!("step {step}: {reason}{}", said(&errors)));
    // A program that goes on is ended before its directory goes.
    drop(play);
    scratch.clean_up(None)?;
    Ok(outcome)
}

/// Returns what the program wrote to its standard error, as a part of a report.
fn said(errors: &Path) -> String {
    let said = fs::read_to_string(errors).unwrap_or_default();
    let shown: String = said.chars().take(ERRORS_SHOWN_MAX).collect();
    if shown.is_empty() { shown } else { format!("\nits standard error:\n{shown}") }
}

/// Writes workspace, configuration and the model's answers. Returns the file with the answers.
fn prepare(scratch: &Scratch, vector: &Vector) -> std::io::Result<PathBuf> {
    for (path, text) in &vector.files {
        write(&scratch.project().join(path), text)?;
    }
    fs::create_dir_all(scratch.project())?;
    fs::create_dir_all(scratch.directory().join("home"))?;
    let model = scratch.directory().join("model.json");
    write(&model, &Value::from(vector.model.clone()).to_string())?;
    // What tenon itself reads: a provider that plays these answers.
    let scenario = json!({"pause_ms": vector.pause_ms, "step": vector.model});
    let scenario = toml::to_string(&scenario).map_err(std::io::Error::other)?;
    let config = scratch.directory().join("config/tenon");
    write(&config.join("scenario.toml"), &scenario)?;
    let settings = "model = \"script/any\"\n\n[providers.script]\nwire = \"script\"\nfile = \"scenario.toml\"\n\n[daemon]\nlinger_s = 1\n";
    write(&config.join("config.toml"), settings)?;
    Ok(model)
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(path, text)
}

/// What has passed so far, and how it is told.
struct Tally {
    terminal: Terminal,
    json: bool,
    passed: u32,
    failed: u32,
}

impl Tally {
    fn count(&mut self, name: &str, about: &str, outcome: &Result<(), String>) -> Result<(), Failure> {
        *(if outcome.is_ok() { &mut self.passed } else { &mut self.failed }) += 1;
        if self.json {
            let line = json!({"vector": name, "ok": outcome.is_ok(), "reason": outcome.as_ref().err()});
            return Ok(self.terminal.line(&line.to_string())?);
        }
        match outcome {
            Ok(()) => self.terminal.line(&format!("ok    {name}"))?,
            Err(reason) => {
                let reason = safe(reason).replace('\n', "\n      ");
                self.terminal.line(&format!("FAIL  {name}: {about}\n      {reason}"))?;
            }
        }
        Ok(())
    }
}
