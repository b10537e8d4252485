//! From a command line to a launch: the shell, the clean environment, the level. Not here: starting it (`process`).
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::process::{Bounds, Helper, Launch};
use crate::sandbox::bubblewrap::{self, View};
use crate::sandbox::caches::Cache;
use crate::sandbox::confinement::{Confinement, Network};
use crate::sandbox::environment::child_environment;
use crate::sandbox::hidden::hidden;
use crate::sandbox::level::{Held, Level, Probe};

/// The shell that is used where it exists: it is what people and models write for.
const BASH: &str = "/bin/bash";

/// The shell that is always there.
const SH: &str = "/bin/sh";

/// A command line that may run, and where.
#[derive(Clone, Debug)]
pub(crate) struct Command<'a> {
    /// The text for the shell. It becomes one argument of the shell, and is spliced into nothing.
    pub(crate) text: &'a str,
    /// The directory it starts in; absolute.
    pub(crate) cwd: &'a Path,
    /// The folder it may write in; absolute, links resolved.
    pub(crate) workspace: &'a Path,
    /// What it is given beyond that.
    pub(crate) given: Given,
    /// How much of the machine it may take.
    pub(crate) limits: Limits,
    /// The variables of the session; what a command gets of them is decided here.
    pub(crate) session_env: &'a BTreeMap<String, String>,
    /// How long it may run.
    pub(crate) timeout: Duration,
    /// How many bytes of output are handed on.
    pub(crate) output_bytes_max: u64,
    /// Where its spawn and exit records go.
    pub(crate) record_path: Option<PathBuf>,
}

/// What a command is given beyond its workspace, at levels that withhold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    /// What else it may write: absolute, links resolved.
    pub(crate) writable: Vec<PathBuf>,
    /// Caches of which it gets copies, at level 3.
    pub(crate) caches: Vec<Cache>,
    /// Whom it may talk to.
    pub(crate) network: Network,
    /// Whether it may talk to programs of this machine through their sockets.
    pub(crate) unix_sockets: bool,
}

impl Default for Given {
    /// Nothing.
    fn default() -> Self {
        Self { writable: Vec::new(), caches: Vec::new(), network: Network::Off, unix_sockets: false }
    }
}

/// How much of the machine a command may take, with everything it starts. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Memory of its own, in bytes.
    pub(crate) memory_bytes: Option<u64>,
    /// Processes at one time.
    pub(crate) processes: Option<u32>,
    /// Processor time in seconds.
    pub(crate) cpu_s: Option<u64>,
}

/// Threads that a process may have on average, where the kernel counts both together.
const THREADS_PER_PROCESS: u64 = 8;

/// Why a command cannot be launched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SandboxError {
    /// The level that was demanded cannot be had here; the command is not run at a lower one.
    #[error("sandbox level {} is demanded, level {} is what this machine has", demanded.number(), available.number())]
    Unavailable {
        /// The level that was demanded.
        demanded: Level,
        /// The level that can be had.
        available: Level,
        /// What is missing, as the protocol tells it.
        missing: Vec<String>,
    },
    /// A path of the confinement is no text.
    #[error("the sandbox cannot be described: the name of a folder is not UTF-8")]
    OddName,
    /// There is no shell, and the command needs one.
    #[error(
        "there is no shell on this machine ({BASH} or {SH}), so only a program with plain arguments can run: no quotes, variables, pipes or redirections"
    )]
    NoShell,
}

/// Returns the launch of a command at a level: `/bin/bash`, or `/bin/sh` where there is none, whatever the person's own
/// shell is; without start-up files; with the clean environment. Where there is neither, a command of plain words is started
/// without a shell. A level that is missing is an error.
pub(crate) fn launch(command: Command<'_>, demanded: Level, probe: &Probe) -> Result<Launch, SandboxError> {
    let Some(level) = probe.at_least(demanded) else {
        let missing = probe.missing_texts();
        return Err(SandboxError::Unavailable { demanded, available: probe.level, missing });
    };
    let mut env = child_environment(command.session_env);
    let helper = match level {
        Level::Bare | Level::Clean => None,
        Level::Confined | Level::Isolated => Some(helper(&command, level, &env, probe)?),
    };
    if level == Level::Isolated && env.contains_key("TMPDIR") {
        // Whatever it named is not there, or not its own.
        env.insert("TMPDIR".to_owned(), "/tmp".to_owned());
    }
    let Limits { memory_bytes, processes, cpu_s } = match level {
        Level::Bare => Limits::default(),
        Level::Clean | Level::Confined | Level::Isolated => command.limits,
    };
    let cpu_ms = cpu_s.map(|seconds| seconds.saturating_mul(1000));
    Ok(Launch {
        argv: argv(command.text, Shell::find())?,
        cwd: command.cwd.to_owned(),
        env,
        timeout: command.timeout,
        output_bytes_max: command.output_bytes_max,
        record_path: command.record_path,
        layer: None,
        beside: Vec::new(),
        terminal: None,
        helper,
        way_out: None,
        bounds: Bounds { memory_bytes, processes, cpu_ms },
    })
}

/// Returns what stands between the supervisor and a command at level 2 or 3.
fn helper(
    command: &Command<'_>,
    level: Level,
    env: &BTreeMap<String, String>,
    probe: &Probe,
) -> Result<Helper, SandboxError> {
    let Given { writable, caches, network, unix_sockets } = command.given.clone();
    let is_served = probe.held(level) != Held::No;
    let network = if network == Network::Off || is_served { network } else { Network::Machine };
    let confinement = Confinement {
        level,
        workspace: command.workspace.to_owned(),
        writable,
        copies: caches.iter().map(|cache| cache.place.clone()).collect(),
        network,
        unix_sockets,
        threads: command.limits.processes.map(|processes| u64::from(processes) * THREADS_PER_PROCESS),
        tmp_bytes: command.limits.memory_bytes.map(|bytes| bytes / 2),
    };
    let orders = serde_json::to_string(&confinement).map_err(|_| SandboxError::OddName)?;
    let through = match &probe.bubblewrap {
        Some(program) if level == Level::Isolated => {
            let hidden = hidden(env.get("HOME").map(Path::new), &probe.own);
            let kept = kept(env);
            bubblewrap::words(program, &confinement, View { hidden: &hidden, kept: &kept, caches: &caches })
        }
        Some(_) | None => Vec::new(),
    };
    Ok(Helper { through, orders, scratch: level == Level::Confined })
}

/// Returns the folders that a session's environment names and that lie where a private `/tmp` covers them: the home folder, and
/// folders of programs.
fn kept(env: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let path = env.get("PATH").map(String::as_str).unwrap_or_default();
    let named = env.get("HOME").map(String::as_str).into_iter().chain(path.split(':'));
    let beneath = |path: &&Path| path.starts_with("/tmp") && *path != Path::new("/tmp");
    named.map(Path::new).filter(beneath).map(Path::to_owned).collect()
}

/// What reads a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shell {
    Bash,
    Sh,
    /// A file system that holds little more than this program.
    None,
}

impl Shell {
    fn find() -> Self {
        if Path::new(BASH).exists() {
            Self::Bash
        } else if Path::new(SH).exists() {
            Self::Sh
        } else {
            Self::None
        }
    }
}

/// `--norc` and `--noprofile`: some builds of bash read start-up files when they believe to be run by a remote login.
/// `--` keeps a command that begins with a dash from being read as an option.
fn argv(text: &str, shell: Shell) -> Result<Vec<OsString>, SandboxError> {
    let shell: &[&str] = match shell {
        Shell::Bash => &[BASH, "--norc", "--noprofile", "-c", "--"],
        Shell::Sh => &[SH, "-c", "--"],
        Shell::None => return plain_words(text).ok_or(SandboxError::NoShell),
    };
    Ok(shell.iter().copied().chain([text]).map(OsString::from).collect())
}

/// Splits a command at its blanks, if a shell would do nothing else with it: `None` if any character could mean more.
fn plain_words(text: &str) -> Option<Vec<OsString>> {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:,+@%=^ \t".contains(&byte) || !byte.is_ascii();
    let words: Vec<_> = text.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
    // A first word with `=` is an assignment.
    let first_is_program = words.first().is_some_and(|word| !word.contains('='));
    (first_is_program && text.trim().bytes().all(is_plain))
        .then(|| words.into_iter().map(OsString::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command<'a>(text: &'a str, session_env: &'a BTreeMap<String, String>) -> Command<'a> {
        let (timeout, output_bytes_max) = (Duration::from_secs(5), 1024);
        Command {
            text,
            cwd: Path::new("/"),
            workspace: Path::new("/"),
            given: Given::default(),
            limits: Limits::default(),
            session_env,
            timeout,
            output_bytes_max,
            record_path: None,
        }
    }

    #[test]
    fn the_text_is_one_argument() {
        let text = "echo 'a b'; rm -rf \"$x\" # -c";
        for shell in [Shell::Bash, Shell::Sh] {
            let argv = argv(text, shell).unwrap();
            assert_eq!(argv.last().unwrap(), text);
            assert_eq!(argv[argv.len() - 3..argv.len() - 1], ["-c", "--"]);
        }
    }

    #[test]
    fn without_a_shell_plain_words_run_and_nothing_else_does() {
        assert_eq!(argv("cargo test\nls", Shell::None).unwrap_err(), SandboxError::NoShell);
        assert_eq!(argv(" cargo  test --lib ", Shell::None).unwrap(), ["cargo", "test", "--lib"]);
        for text in [
            "",
            "a | b",
            "a > b",
            "echo $HOME",
            "echo 'a b'",
            "ls *",
            "a; b",
            "A=b c",
            "~/x",
            "a\nb",
            "echo #a",
        ] {
            assert_eq!(argv(text, Shell::None), Err(SandboxError::NoShell), "{text}");
        }
    }

    #[test]
    fn a_missing_level_is_an_error_and_a_lower_one_is_not() {
        let env = BTreeMap::from([("LD_PRELOAD".to_owned(), "/x.so".to_owned())]);
        let refused = launch(command("true", &env), Level::Confined, &Probe::nothing()).unwrap_err();
        let SandboxError::Unavailable { demanded, available, missing } = refused else { panic!("{refused}") };
        assert_eq!((demanded, available, missing.is_empty()), (Level::Confined, Level::Clean, false));
        let limited = Command {
            limits: Limits { memory_bytes: Some(1 << 30), ..Limits::default() },
            ..command("true", &env)
        };
        for (level, is_limited) in [(Level::Clean, true), (Level::Bare, false)] {
            let launched = launch(limited.clone(), level, &Probe::nothing()).unwrap();
            assert!(!launched.env.contains_key("LD_PRELOAD"));
            assert_eq!(launched.bounds.memory_bytes.is_some(), is_limited);
        }
    }
}
