//! The benchmark of commands: what it takes to decide about a command's text, and to start one under each level of the
//! sandbox. A program of its own, made of the modules that do it and nothing else. Not here: any part of the library or the
//! binary; `cargo xtask bench` runs it and reads its lines.
//!
//! Called with the binary `tenon`, which is the supervisor and the helper of what is started, a directory for what it makes,
//! a `PATH`, and a number of rounds. It prints
//!
//! ```text
//! spawn LEVEL MILLISECONDS    one /bin/true, from the launch to its end, nothing else running
//! rate LEVEL PER_SECOND       the same, some at a time
//! decide MILLISECONDS TEXT    the decision about a text that is made to be hard, its median
//! skipped LEVEL REASON        this machine lacks it
//! ```
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "most of what these modules have is for the agent alone"
)]

mod approvals;
mod base;
mod config;
mod process;
mod sandbox;
mod workspace;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use tenon_protocol::session::TrustState;

use crate::approvals::{Action, Policy, Programs, Trust};
use crate::config::profile::built_in;
use crate::config::rule::Rule;
use crate::config::{Rules, Sandbox};
use crate::process::{Spawn, Spawner, Supervisor};
use crate::sandbox::{Command, Given, Level, Limits, Needs, Probe, Probing, launch};

/// The levels that are measured.
const LEVELS: [Level; 3] = [Level::Clean, Level::Confined, Level::Isolated];

/// Commands that run at one time where the rate is measured: sessions that work at once.
const AT_ONCE: usize = 4;

/// How long a command may take that does nothing.
const PATIENCE: Duration = Duration::from_secs(20);

/// Decisions of which the median is told.
const DECISIONS: usize = 5;

/// How long the texts are that are decided about: as long as one may be that is taken apart.
const TEXT_BYTES: usize = 64 * 1024;

/// Pieces that are repeated to a text that is hard to take apart, or to compare with rules.
const PIECES: [&str; 20] = [
    "(",
    "$(",
    "`",
    "{ ",
    "if ",
    "${a:-",
    "\"$(",
    "sh -c '",
    "sudo ",
    "env 'a b' ",
    "rm -rf ",
    "a=rm;",
    "\\",
    "<<E ",
    "*?[",
    "a;",
    "'' ",
    "true && ",
    ">/dev/null ",
    "sh -c 'a b;c' ",
];

/// Whatever went wrong ends the program, which prints it.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    // Cargo adds `--bench` of its own.
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [tenon, directory, path, rounds] = arguments.as_slice() else {
        // `cargo test --benches` calls it without arguments: then there is nothing to do.
        return Ok(());
    };
    let rounds: usize = rounds.parse()?;
    decide()?;
    let folder = Path::new(directory).join(format!("commands-{}", std::process::id()));
    let bench = Bench::new(tenon, &folder, path)?;
    // As the agent has it, but for its threads: what is awaited here is other processes.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(bench.measure(rounds));
    // The failure that counts is the measurement's.
    drop(std::fs::remove_dir_all(&folder));
    measured
}

/// Times the decisions about hard texts, under rules that each have to be compared with all of it.
fn decide() -> Result<()> {
    let parse = |texts: Vec<String>| {
        texts.iter().map(|text| Rule::parse(text)).collect::<std::result::Result<_, _>>()
    };
    let ask = (0..50).map(|number| format!("rm{number} -rf * {number}")).collect();
    let deny = ["rm -rf *", "read:**/.env", "net:*.example.org"].map(str::to_owned).to_vec();
    let rules = Rules { ask: parse(ask)?, deny: parse(deny)?, ..Rules::default() };
    let trust = Trust { state: TrustState::Trusted, setting: None };
    let profile = built_in().remove("full").ok_or("no profile `full`")?;
    let policy = Policy::new(&profile, &rules, trust, Level::Isolated);
    let many = format!("env{};", " a".repeat(63));
    for piece in PIECES.into_iter().chain([many.as_str()]) {
        let command = piece.repeat(TEXT_BYTES / piece.len());
        let action = Action::Command { command, programs: Programs::default(), needs: Needs::default() };
        let mut times: Vec<Duration> = (0..DECISIONS)
            .map(|_| {
                let started = Instant::now();
                std::hint::black_box(policy.decide(&action));
                started.elapsed()
            })
            .collect();
        times.sort();
        let shown: String = piece.chars().take(12).collect();
        say(&format!("decide {:.3} {shown}", milliseconds(times[DECISIONS / 2])));
    }
    Ok(())
}

/// What commands are started with.
struct Bench {
    spawner: Arc<dyn Spawn>,
    workspace: PathBuf,
    records: PathBuf,
    environment: BTreeMap<String, String>,
    probing: Probing,
}

impl Bench {
    fn new(tenon: &str, folder: &Path, path: &str) -> Result<Self> {
        let [workspace, state] = ["workspace", "state"].map(|name| folder.join(name));
        let records = state.join("records");
        for made in [workspace.join(".git"), records.clone()] {
            std::fs::create_dir_all(made)?;
        }
        let supervisor = Supervisor::new(Path::new(tenon).canonicalize()?, Vec::new());
        let spawner: Arc<dyn Spawn> = Arc::new(Spawner::start(supervisor));
        let memory = (state.clone(), "bench".to_owned());
        let probing = Probing::new(Arc::clone(&spawner), path.to_owned(), vec![state], memory);
        let variable = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let home = folder.to_string_lossy();
        let environment = [("PATH", path), ("HOME", &*home), ("LANG", "C.UTF-8")].map(variable).into();
        Ok(Self { spawner, workspace: workspace.canonicalize()?, records, environment, probing })
    }

    async fn measure(&self, rounds: usize) -> Result<()> {
        let probe = self.probing.find().await;
        let mut levels = Vec::new();
        for level in LEVELS {
            if probe.at_least(level) == Some(level) {
                levels.push(level);
            } else {
                say(&format!("skipped {} {}", level.number(), probe.missing_texts().join("; ")));
            }
        }
        // In turn, so that a noisy moment is nobody's alone; the first round opens what all share.
        for round in 0..=rounds {
            for level in &levels {
                let started = Instant::now();
                self.run(*level, &probe, round).await?;
                if round > 0 {
                    say(&format!("spawn {} {:.3}", level.number(), milliseconds(started.elapsed())));
                }
            }
        }
        for level in levels {
            let count = rounds * AT_ONCE;
            let started = Instant::now();
            let mut runs =
                futures_util::stream::iter((0..count).map(|number| self.run(level, &probe, number)))
                    .buffer_unordered(AT_ONCE);
            while let Some(ended) = runs.next().await {
                ended?;
            }
            let rate = f64::from(u32::try_from(count)?) / started.elapsed().as_secs_f64();
            say(&format!("rate {} {rate:.1}", level.number()));
        }
        Ok(())
    }

    /// Runs one command as a call does, the record of it included, and waits for its end.
    async fn run(&self, level: Level, probe: &Probe, number: usize) -> Result<()> {
        let record = self.records.join(format!("{}-{number}.jsonl", level.number()));
        let command = Command {
            text: "/bin/true",
            cwd: &self.workspace,
            workspace: &self.workspace,
            given: Given::default(),
            limits: Limits::of(&Sandbox::default()),
            session_env: &self.environment,
            timeout: PATIENCE,
            output_bytes_max: 1 << 20,
            record_path: Some(record.clone()),
        };
        let mut running = self.spawner.run(launch(command, level, probe)?).await?;
        let exit = running.wait().await?;
        std::fs::remove_file(record)?;
        if exit.code != Some(0) {
            return Err(format!("/bin/true at level {} ended with {exit:?}", level.number()).into());
        }
        Ok(())
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[expect(clippy::print_stdout, reason = "the lines are this program's output")]
fn say(line: &str) {
    println!("{line}");
}
