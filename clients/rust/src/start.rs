//! Starting the agent on demand, once however many clients come at the same time. Not here: becoming a daemon, which the
//! agent does itself.
//!
//! A client that finds nobody listening spawns `PROGRAM serve --daemonised --ready-fd 1`, which exits at once, and reads
//! one line of the daemon from that pipe: `ready`, or `error …`. The kernel lock on the state directory decides among agents started at once; the
//! losers close the pipe without a line and exit, and their clients connect to the winner, which may take a moment to
//! listen. Should the holder of the lock have been about to leave, the client starts another one. All of it happens
//! within one deadline.
use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use crate::build::Build;
use crate::error::ClientError;

/// What the agent writes when it listens.
pub const READY_LINE: &str = "ready";

/// How long a start may take in all. Recovery of a large journal after a power cut takes a second or two, and
/// many times that beside a build that keeps processors and disk busy.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How long to wait for the winner of the lock before another start is tried.
const WINNER_TIMEOUT: Duration = Duration::from_millis(500);

/// Variables that an agent is born with, beside `TENON_DAEMON_*`: where things are, and whether it is a CI's. Everything
/// else comes with each client.
const VARIABLES: &[&str] = &[
    "CI",
    "HOME",
    "LANG",
    "LC_ALL",
    "LOGNAME",
    "PATH",
    "TMPDIR",
    "USER",
    "TENON_LOG",
    "TENON_POLICY_FILE",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];

/// The first and the longest pause between two tries to connect.
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// Longest line the agent may write, in bytes.
const LINE_BYTES_MAX: u64 = 4096;

/// How to start the agent.
#[derive(Clone, Debug)]
pub struct Start {
    /// The program, absolute.
    pub program: PathBuf,
    /// Its whole environment: nothing else of the caller's reaches it this way.
    pub environment: BTreeMap<String, String>,
    /// Which build the program is. With it, an older agent that runs is asked to leave, and this one takes over.
    pub build: Option<Build>,
}

impl Start {
    /// Starts this program, with those of the caller's variables that an agent is born with, for this state directory.
    pub fn new(program: PathBuf, variables: &BTreeMap<String, String>, state_dir: &Path) -> Self {
        let is_wanted = |name: &str| VARIABLES.contains(&name) || name.starts_with("TENON_DAEMON_");
        let wanted = variables.iter().filter(|(name, _)| is_wanted(name));
        let mut environment: BTreeMap<_, _> =
            wanted.map(|(name, value)| (name.clone(), value.clone())).collect();
        // One state directory is one agent: the starter's, whatever it was derived from.
        environment.insert("TENON_STATE_DIR".to_owned(), state_dir.display().to_string());
        Self { program, environment, build: None }
    }
}

/// Starts the agent and returns a connection; `connected` tries once to make one.
pub(crate) fn start_and_connect(
    start: &Start,
    mut connected: impl FnMut() -> Result<Option<UnixStream>, ClientError>,
) -> Result<UnixStream, ClientError> {
    let deadline = Instant::now() + START_TIMEOUT;
    while Instant::now() < deadline {
        spawn(start, deadline)?;
        let until = deadline.min(Instant::now() + WINNER_TIMEOUT);
        let mut pause = PAUSE_MIN;
        loop {
            if let Some(stream) = connected()? {
                return Ok(stream);
            }
            if Instant::now() >= until {
                break;
            }
            std::thread::sleep(pause);
            pause = PAUSE_MAX.min(pause * 2);
        }
    }
    Err(ClientError::StartTimeout(START_TIMEOUT.as_secs()))
}

/// Spawns the agent and waits for its line or for the end of the pipe.
fn spawn(start: &Start, deadline: Instant) -> Result<(), ClientError> {
    let failed = |source: io::Error| ClientError::Spawn { program: start.program.clone(), source };
    let (mut ready, theirs) = io::pipe().map_err(failed)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the agent itself cannot be started by the agent's spawner"
    )]
    let child = Command::new(&start.program)
        .args(["serve", "--daemonised", "--ready-fd", "1"])
        .env_clear()
        .envs(&start.environment)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(theirs)
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let line = read_line(&mut ready, deadline).map_err(failed)?;
    reap(child);
    match line.strip_prefix("error") {
        Some(message) => Err(ClientError::Start(message.trim_start_matches(':').trim().to_owned())),
        None => Ok(()),
    }
}

/// Reads up to a line break, the end of the pipe or the deadline.
fn read_line(pipe: &mut io::PipeReader, deadline: Instant) -> io::Result<String> {
    let mut line = Vec::new();
    let mut bytes = pipe.try_clone()?.take(LINE_BYTES_MAX);
    let mut chunk = [0; 512];
    while !line.contains(&b'\n') {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = rustix::event::Timespec::try_from(left).ok();
        let mut fds = [PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)];
        match rustix::event::poll(&mut fds, timeout.as_ref()) {
            Ok(0) => break,
            Ok(_) => match bytes.read(&mut chunk)? {
                0 => break,
                count => line.extend_from_slice(&chunk[..count]),
            },
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(String::from_utf8_lossy(&line).lines().next().unwrap_or_default().to_owned())
}

/// Collects the exit of an agent that outlives this call, so that a long-lived client keeps no zombie of it.
fn reap(mut child: Child) {
    if matches!(child.try_wait(), Ok(None)) {
        // Without the thread only the zombie stays, until this process ends.
        drop(std::thread::Builder::new().name("agent-exit".to_owned()).spawn(move || child.wait()));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A program that does what the shell text says; its output is the pipe.
    fn program(text: &str) -> (tempfile::TempDir, Start) {
        let temp = tempfile::tempdir().unwrap();
        let program = temp.path().join("agent");
        std::fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        (temp, Start { program, environment: BTreeMap::new(), build: None })
    }

    #[test]
    fn a_start_that_fails_says_why() {
        let (_temp, start) = program("echo 'error the disk is full'");
        let error = start_and_connect(&start, || Ok(None)).unwrap_err();
        assert_eq!(error.to_string(), "the agent could not start: the disk is full");
    }

    #[test]
    fn the_loser_of_the_lock_waits_for_the_winner() {
        let (_temp, start) = program("exit 0");
        let mut tries = 0;
        let connected = || {
            tries += 1;
            Ok((tries == 4).then(|| UnixStream::pair().unwrap().0))
        };
        start_and_connect(&start, connected).unwrap();
        assert_eq!(tries, 4);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let start =
            Start { program: PathBuf::from("/nowhere/agent"), environment: BTreeMap::new(), build: None };
        let error = start_and_connect(&start, || Ok(None)).unwrap_err();
        assert_eq!(error.to_string(), "the agent could not be started from /nowhere/agent");
    }
}
