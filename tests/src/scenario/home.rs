//! A daemon with a home, a state directory and a workspace of its own; it never outlives its scenario.
//!
//! Not here: what is said to it (`connection`, `play`).
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::process::Process;
use crate::surroundings::bubblewrap;

/// How long everything beneath a killed daemon may take to end.
const BURIAL: Duration = Duration::from_mins(1);

/// The places of a scenario, and its daemon.
#[derive(Debug)]
pub(crate) struct Home {
    /// Removes everything at the end.
    _directory: TempDir,
    /// The person's home.
    pub(crate) person: PathBuf,
    /// The state directory.
    pub(crate) state: PathBuf,
    /// The workspace.
    pub(crate) workspace: PathBuf,
    /// Everything of it.
    root: PathBuf,
    /// Whether the daemon serves HTTP.
    pub(crate) has_http: bool,
    daemon: Option<Daemon>,
}

/// The folder of the person in which commands make signs while they run; they need it by name, since they are confined.
const SIGNS: &str = "signs";

/// A daemon that was started.
#[derive(Debug)]
enum Daemon {
    /// By itself, as a client starts it.
    Daemonised(Pid),
    /// With its standard streams as a connection.
    OnStdio(Child),
}

impl Home {
    /// Makes the places.
    pub(crate) fn new() -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("tenon-scenario-").tempdir()?;
        let root = directory.path().canonicalize()?;
        let [person, state, workspace] = ["home", "state", "workspace"].map(|name| root.join(name));
        for path in [&person, &workspace, &person.join(SIGNS)] {
            fs::create_dir(path)?;
        }
        Ok(Self { _directory: directory, person, state, workspace, root, has_http: false, daemon: None })
    }

    /// Replaces the person's configuration, in one step: an agent that runs sees each text, and no half of one.
    pub(crate) fn configure(&self, text: &str) -> Result<()> {
        let folder = self.person.join(".config/tenon");
        fs::create_dir_all(&folder)?;
        let saving = folder.join("config.toml.new");
        fs::write(&saving, text)?;
        Ok(fs::rename(saving, folder.join("config.toml"))?)
    }

    /// Returns the path of the agent's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.state.join("run/agent.sock")
    }

    /// Starts the daemon, and returns when it accepts connections.
    pub(crate) fn start(&mut self) -> Result<()> {
        let (mut reader, writer) = std::io::pipe()?;
        let mut child = self
            .command()?
            .args(["serve", "--daemonised", "--ready-fd", "1"])
            .stdin(Stdio::null())
            .stdout(writer)
            .spawn()
            .context("the daemon cannot be started")?;
        let mut line = String::new();
        BufReader::new(&mut reader).read_line(&mut line)?;
        child.wait()?;
        ensure!(line.trim() == "ready", "the daemon did not become ready: {line}");
        let holder = fs::read_to_string(self.state.join("lock"))?;
        let pid = serde_json::from_str::<serde_json::Value>(&holder)?["pid"].as_i64();
        let pid = pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let pid = pid.with_context(|| format!("the lock names no process: {holder}"))?;
        self.daemon = Some(Daemon::Daemonised(pid));
        Ok(())
    }

    /// Starts the daemon with its standard streams as the first connection, and returns them.
    pub(crate) fn start_on_stdio(&mut self) -> Result<(ChildStdin, ChildStdout)> {
        let mut child = self
            .command()?
            .args(["serve", "--stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let streams = child.stdin.take().zip(child.stdout.take());
        self.daemon = Some(Daemon::OnStdio(child));
        streams.context("the daemon has no standard streams")
    }

    /// Returns when the daemon has ended whose standard streams were the first connection, which is closed by now.
    pub(crate) fn leave_on_stdio(&mut self) -> Result<()> {
        let Some(Daemon::OnStdio(child)) = &mut self.daemon else { return Ok(()) };
        let deadline = Instant::now() + BURIAL;
        while child.try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, "the daemon did not end with its standard input");
            std::thread::yield_now();
        }
        self.daemon = None;
        self.wait_for_nobody()
    }

    /// Ends the daemon as a power cut does, and returns when it and everything beneath it is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        match self.daemon.take() {
            None => return Ok(()),
            Some(Daemon::OnStdio(mut child)) => {
                child.kill()?;
                child.wait()?;
            }
            Some(Daemon::Daemonised(pid)) => end(pid)?,
        }
        self.wait_for_nobody()
    }

    /// Returns when no process works in these places any more.
    fn wait_for_nobody(&self) -> Result<()> {
        let deadline = Instant::now() + BURIAL;
        loop {
            let left = self.processes();
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                for (pid, _) in &left {
                    // It is reported below either way.
                    let _gone = kill_process(*pid, Signal::KILL);
                }
                let names: Vec<&str> = left.iter().map(|(_, name)| name.as_str()).collect();
                bail!("these outlived the daemon: {}", names.join("; "));
            }
            std::thread::yield_now();
        }
    }

    /// Returns the processes whose directory or command line lies in these places.
    fn processes(&self) -> Vec<(Pid, String)> {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        let root = self.root.to_string_lossy().into_owned();
        let belongs = |path: PathBuf| {
            let pid = path.file_name()?.to_str()?.parse::<i32>().ok().and_then(Pid::from_raw)?;
            let line = fs::read(path.join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let beneath = fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&self.root));
            (beneath || line.contains(&root)).then_some((pid, line))
        };
        entries.filter_map(|entry| belongs(entry.ok()?.path())).collect()
    }

    /// A command of the program under test, in this home and nothing else.
    fn command(&self) -> Result<Command> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the program under test is started as a person's shell does"
        )]
        let mut command = Command::new(program()?);
        command.env_clear();
        let brought = bubblewrap().map(|folder| format!(":{}", folder.display())).unwrap_or_default();
        command.env("HOME", &self.person).env("PATH", format!("/usr/local/bin:/usr/bin:/bin{brought}"));
        command.env("TENON_STATE_DIR", &self.state).env("TENON_LOG", "debug");
        if self.has_http {
            command.env("TENON_DAEMON_LISTEN", "127.0.0.1:0");
        }
        let log = fs::OpenOptions::new().create(true).append(true).open(self.root.join("stderr"))?;
        command.current_dir("/").stderr(log);
        Ok(command)
    }

    /// Returns everything that was written outside of the workspace, by name; the stored keys alone are left out.
    pub(crate) fn written(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let mut files = Vec::new();
        collect(&self.state, &mut files)?;
        let keys = self.state.join("credentials.json").display().to_string();
        files.retain(|(name, _)| *name != keys);
        files.push(("stderr".to_owned(), fs::read(self.root.join("stderr"))?));
        Ok(files)
    }
}

fn collect(folder: &Path, files: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else if entry.file_type()?.is_file() {
            files.push((entry.path().display().to_string(), fs::read(entry.path())?));
        }
    }
    Ok(())
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Err(error) = self.kill()
            && !std::thread::panicking()
        {
            // A scenario that ends well has killed it already and was told.
            drop(std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{error:#}\n")));
        }
    }
}

/// Kills a process that is no child of ours and waits for its end.
fn end(pid: Pid) -> Result<()> {
    let number = u32::try_from(pid.as_raw_nonzero().get())?;
    let Some(process) = Process::of(number) else { return Ok(()) };
    process.kill();
    ensure!(process.ends_within(BURIAL)?, "the daemon was killed and did not end");
    Ok(())
}

/// Returns the program under test: `TENON_BIN`, else `target/debug/tenon`, which is built if need be.
fn program() -> Result<PathBuf> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    PROGRAM
        .get_or_init(|| find_program().map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(anyhow::Error::msg)
}

fn find_program() -> Result<PathBuf> {
    if let Some(path) = crate::scenario::variable("TENON_BIN") {
        return Ok(PathBuf::from(path));
    }
    // This test stands in `target/PROFILE/deps`.
    let test = std::env::current_exe()?;
    let folder = test.ancestors().nth(2).context("the test stands in no target directory")?;
    let cargo = crate::scenario::variable("CARGO").unwrap_or_else(|| "cargo".to_owned());
    #[expect(clippy::disallowed_methods, reason = "the program under test is built as a person's shell does")]
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "-p", "tenon-agent", "--bin", "tenon"]);
    if folder.file_name().is_some_and(|name| name == "release") {
        build.arg("--release");
    }
    ensure!(build.current_dir(env!("CARGO_MANIFEST_DIR")).status()?.success(), "tenon cannot be built");
    Ok(folder.join("tenon"))
}
