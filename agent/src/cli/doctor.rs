//! `tenon doctor`: what is known about this installation, with or without an agent. Not here: repairing anything.
//!
//! It starts nothing and shows no key.
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use clap::Args;
use serde::Deserialize;
use tenon_client::{Client, ClientError};
use tenon_protocol::cursor::Cursor;
use tenon_protocol::event::all::WorkspaceItem;
use tenon_protocol::handshake::{AgentHello, CaptureMode, SandboxLevel};
use tenon_protocol::log::LogParams;
use tenon_protocol::methods::Log;

use crate::base::uri;
use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, sentence};
use crate::cli::listing::{self, Wanted};
use crate::cli::sessions::short_time;
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::{Terminal, safe_line};
use crate::config::Config;
use crate::config::credentials::{Credentials, KeyPlace, KeyState};
use crate::config::environment::Environment;
use crate::config::paths::workspace_config;
use crate::sandbox::copies;

/// The arguments of `tenon doctor`.
#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {}

/// What the owner of the state directory writes into its lock.
#[derive(Deserialize)]
struct Holder {
    pid: u32,
    version: String,
    since: String,
}

/// Notices that are shown, the newest ones; the log `all` has every one.
const NOTICES_MAX: u64 = 5;

/// As much of an event as is shown.
#[derive(Deserialize)]
struct Told {
    at: String,
    text: String,
}

/// What is found, line by line, and whether something is wrong.
struct Report {
    terminal: Terminal,
    problems: usize,
}

impl Report {
    fn fact(&self, name: &str, text: &str) -> Result<(), Failure> {
        let name = format!("{name:<14}");
        Ok(self.terminal.line(&format!("{}{}", self.terminal.heading(&name), safe_line(text)))?)
    }

    fn problem(&mut self, name: &str, text: &str, remedy: &str) -> Result<(), Failure> {
        self.problems += 1;
        self.fact(name, &format!("PROBLEM: {text}"))?;
        if remedy.is_empty() { Ok(()) } else { self.fact("", &format!("→ {remedy}")) }
    }
}

/// Runs the command; fails if something is wrong.
pub(crate) fn run(_: &DoctorArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let mut report = Report { terminal: Terminal::of(&surroundings.variables, false), problems: 0 };
    report.fact("tenon", env!("CARGO_PKG_VERSION"))?;
    state_dir(&mut report, &surroundings)?;
    let trusted = agent(&mut report, &surroundings)?;
    caches(&report, &surroundings)?;
    configuration(&mut report, &surroundings)?;
    workspace(&mut report, &surroundings, trusted.as_deref())?;
    match report.problems {
        0 => Ok(Exit::Done),
        1 => Err(Failure::failed("there is a problem")),
        count => Err(Failure::failed(format!("there are {count} problems"))),
    }
}

fn state_dir(report: &mut Report, surroundings: &Surroundings) -> Result<(), Failure> {
    let directory = &surroundings.paths.state_dir;
    let shown = directory.display().to_string();
    match fs::symlink_metadata(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            report.fact("state", &format!("{shown} (not made yet)"))
        }
        Err(error) => report.problem("state", &format!("{shown} cannot be looked at: {error}"), ""),
        Ok(found) if !found.is_dir() => {
            report.problem("state", &format!("{shown} is no directory"), "move it away")
        }
        Ok(found) if found.uid() != rustix::process::geteuid().as_raw() => report.problem(
            "state",
            &format!("{shown} belongs to uid {}", found.uid()),
            "set TENON_STATE_DIR to your own",
        ),
        Ok(found) if found.mode() & 0o077 != 0 => report.problem(
            "state",
            &format!("{shown} may be entered by others"),
            &format!("chmod 700 {shown}"),
        ),
        Ok(_) => report.fact("state", &shown),
    }
}

/// Tells how large the copies of caches are that commands write to.
fn caches(report: &Report, surroundings: &Surroundings) -> Result<(), Failure> {
    let copies = copies(&surroundings.paths.caches_dir());
    let Some(largest) = copies.first() else { return Ok(()) };
    let mib = |bytes: u64| bytes >> 20;
    let all = copies.iter().map(|copies| copies.bytes).fold(0, u64::saturating_add);
    let largest = format!("{} has {} MiB", largest.workspace.display(), mib(largest.bytes));
    let line = format!(
        "copies for {} workspaces, {} MiB; {largest} (`tenon sessions prune --caches` removes them)",
        copies.len(),
        mib(all)
    );
    report.fact("caches", &line)
}

/// Tells about the agent; returns the trusted workspaces if one runs.
fn agent(report: &mut Report, surroundings: &Surroundings) -> Result<Option<Vec<String>>, Failure> {
    let endpoint = surroundings.endpoint(Starting::Never)?;
    report.fact("socket", &endpoint.socket().display().to_string())?;
    match endpoint.open() {
        Ok(probe) => drop(probe),
        Err(ClientError::NotRunning { .. }) => {
            report.fact("agent", "none is running; commands start one")?;
            report.fact("sandbox", "not probed: the agent does that")?;
            return Ok(None);
        }
        Err(error) => {
            report.problem("agent", &sentence(&error), "")?;
            owner(report, &surroundings.paths.lock())?;
            return Ok(None);
        }
    }
    let met = block_on(async {
        let client = surroundings.client(Starting::Never, Presence::Watching).await?;
        let hello = client.agent().await?;
        let wanted = Wanted { kind: "workspace", session: None, filter: None };
        let told = told(&client, &hello.instance.started_at).await?;
        Ok((hello, listing::read(&client, &wanted).await?, told))
    });
    match met {
        Ok((hello, workspaces, told)) => {
            instance(report, &hello)?;
            http(report, surroundings)?;
            for event in &told {
                report.fact("notice", &format!("{} UTC: {}", short_time(&event.at), event.text))?;
            }
            let items = workspaces.iter().filter_map(|item| item.parse::<WorkspaceItem>().ok());
            Ok(Some(items.map(|item| item.id).collect()))
        }
        Err(failure) => {
            report.problem("agent", &failure.message, "`tenon stop`, or end the process named here")?;
            owner(report, &surroundings.paths.lock())?;
            Ok(None)
        }
    }
}

/// Returns what the agent has told since it started that a person should know, the newest last.
async fn told(client: &Client, since: &str) -> Result<Vec<Told>, Failure> {
    let all = || "all".to_owned();
    let types = ["notice", "config.rejected"].map(str::to_owned).to_vec();
    let first = LogParams { session_id: all(), after: None, before: None, limit: Some(1), types: None };
    let head = client.call::<Log>(&first).await?.head;
    let behind = Cursor { seq: head.seq.saturating_add(1), ..head };
    let newest = LogParams { before: Some(behind), limit: Some(NOTICES_MAX), types: Some(types), ..first };
    let page = client.call::<Log>(&newest).await?;
    let events = page.events.iter().filter_map(|event| event.parse::<Told>().ok());
    // Times of one form are in the order of their texts.
    Ok(events.filter(|event| event.at.as_str() >= since).collect())
}

fn instance(report: &mut Report, hello: &AgentHello) -> Result<(), Failure> {
    let instance = &hello.instance;
    let since = short_time(&instance.started_at);
    let line = format!("version {}, pid {}, running since {since} UTC", instance.version, instance.pid);
    report.fact("agent", &line)?;
    if instance.version != env!("CARGO_PKG_VERSION") {
        report.problem(
            "",
            "the agent is of another version than this program",
            "`tenon stop`; the next command starts it",
        )?;
    }
    let Some(shell) = &hello.can.shell else { return report.fact("sandbox", "this agent runs no commands") };
    let missing = shell.sandbox.missing.join("; ");
    match shell.sandbox.level {
        SandboxLevel::Probing => report.fact("sandbox", "being probed"),
        SandboxLevel::Level(level) if missing.is_empty() => report.fact("sandbox", &format!("level {level}")),
        SandboxLevel::Level(level) => {
            report.fact("sandbox", &format!("level {level}; a higher one lacks: {missing}"))
        }
    }?;
    match shell.sandbox.configured {
        None => {}
        Some(0) => report.fact(
            "",
            "commands run in no sandbox: `sandbox.level` is 0, so nothing confines them and nothing bounds them",
        )?,
        Some(level) => report.fact("", &format!("commands run at level {level}: `sandbox.level` says so"))?,
    }
    let text = match shell.capture.as_ref().map(|capture| (capture.mode, capture.reason.as_deref())) {
        None => "what commands change: not known yet how it is found".to_owned(),
        Some((CaptureMode::Exact, _)) => "what commands change is caught exactly".to_owned(),
        Some((CaptureMode::Compared, reason)) => format!(
            "what commands change is found by comparing before and after, since nothing can be laid over the workspace: {}",
            reason.unwrap_or("no reason is known")
        ),
    };
    report.fact("changes", &text)
}

/// Tells where the agent serves HTTP, and where the token is; never the token itself.
fn http(report: &mut Report, surroundings: &Surroundings) -> Result<(), Failure> {
    let run = surroundings.paths.run_dir();
    if let Ok(address) = fs::read_to_string(run.join("http-address")) {
        return report.fact("http", &format!("{address}, token in {}", run.join("http-token").display()));
    }
    // A configuration that is not valid is reported further down.
    let wanted = surroundings.configuration().ok().and_then(|resolved| resolved.config.daemon.listen);
    match wanted {
        None => report.fact("http", "off"),
        Some(wanted) => report.problem(
            "http",
            &format!("daemon.listen is {wanted}, and the agent does not listen there"),
            "its log says why; `tenon stop`, and the next command starts it anew",
        ),
    }
}

/// Shows what the holder of the lock has written into it.
fn owner(report: &Report, lock: &Path) -> Result<(), Failure> {
    let Ok(text) = fs::read_to_string(lock) else { return Ok(()) };
    let holder = match serde_json::from_str::<Holder>(text.trim()) {
        Ok(holder) => {
            format!(
                "held by process {} (version {}) since {}",
                holder.pid,
                holder.version,
                short_time(&holder.since)
            )
        }
        Err(_) => "held by a process that does not say which".to_owned(),
    };
    report.fact("lock", &holder)
}

fn configuration(report: &mut Report, surroundings: &Surroundings) -> Result<(), Failure> {
    let file = &surroundings.paths.config_file;
    let shown = file.display();
    let there = if file.exists() { "" } else { " (not there: all is built in)" };
    report.fact("configuration", &format!("{shown}{there}"))?;
    let resolved = match surroundings.configuration() {
        Ok(resolved) => resolved,
        Err(failure) => {
            return report.problem(
                "",
                &failure.message,
                "correct it; until then an agent that runs keeps the last good one",
            );
        }
    };
    for warning in &resolved.warnings {
        report.fact("", &format!("warning: {warning}"))?;
    }
    report.fact("profile", &resolved.config.profile)?;
    report.fact(
        "model",
        resolved.config.model.as_deref().unwrap_or("not chosen: the first provider's default"),
    )?;
    providers(report, surroundings, &resolved.config)
}

fn providers(report: &mut Report, surroundings: &Surroundings, config: &Config) -> Result<(), Failure> {
    let environment = Environment::from_wire(surroundings.for_agent(), config);
    let credentials = match Credentials::read(&surroundings.paths.credentials()) {
        Ok(credentials) => credentials,
        Err(error) => {
            report.problem("keys", &sentence(&error), "")?;
            Credentials::default()
        }
    };
    let names = config.available(&environment, &credentials);
    if names.is_empty() {
        let remedy = "run `tenon auth login`, set OPENAI_API_KEY or ANTHROPIC_API_KEY, or point [providers.local] at a server; `tenon demo` needs neither";
        return report.problem("providers", "none is set up", remedy);
    }
    for name in names {
        let Some(provider) = config.provider(&name, &environment) else { continue };
        let key = match provider.key(&environment, &credentials) {
            KeyState::NotNeeded => "needs no key".to_owned(),
            KeyState::Found { place: KeyPlace::Variable(name), .. } => format!("key in {name}"),
            KeyState::Found { place: KeyPlace::File(file), .. } => format!("key in {}", file.display()),
            KeyState::Found { place: KeyPlace::Stored, .. } => "key stored by `tenon auth login`".to_owned(),
            KeyState::Missing { how } => format!("no key: {how}"),
        };
        let at = provider.shown_address().map(|url| format!(" at {url}")).unwrap_or_default();
        report.fact("provider", &format!("{name} ({}{at}): {key}", provider.wire))?;
    }
    Ok(())
}

fn workspace(
    report: &mut Report,
    surroundings: &Surroundings,
    trusted: Option<&[String]>,
) -> Result<(), Failure> {
    let root = surroundings.workspace()?;
    report.fact("workspace", &root.display().to_string())?;
    let own = workspace_config(&root);
    let has_own = own.exists();
    let trust = match trusted {
        None => "not known: the agent keeps it",
        Some(trusted) if trusted.contains(&uri::of_path(&root)) => "trusted",
        Some(_) if has_own => "not trusted: reading only, and its configuration is not read (`tenon trust`)",
        Some(_) => "not trusted: reading only (`tenon trust`)",
    };
    report.fact("trust", trust)?;
    if has_own { report.fact("", &format!("has a configuration: {}", own.display())) } else { Ok(()) }
}
