//! A place of its own for the agent: home, state directory, workspace, configuration, and the daemon in it. Not here:
//! what is measured.

use super::Setup;
use super::link::{Link, SocketLink};
use crate::shell;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tenon_client::Endpoint;
use tenon_tests::model_server::{ModelServer, Script};

/// How long the daemon may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Between two tries to connect: far below what is measured.
const POLL_PAUSE: Duration = Duration::from_micros(50);

/// Home, state directory and workspace of one measurement, with the model server it talks to.
#[derive(Debug)]
pub(crate) struct Place {
    binary: PathBuf,
    /// The `PATH` of the agent.
    programs: String,
    directory: TempDir,
    /// The scripted model.
    pub(crate) model: ModelServer,
}

/// A daemon; dropping it kills it.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    endpoint: Endpoint,
}

impl Place {
    /// Makes a place whose model follows `script`.
    pub(crate) fn new(setup: &Setup, script: Script) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("place-").tempdir_in(&setup.scratch)?;
        let model = ModelServer::start(script)?;
        let place = Self { binary: setup.binary.clone(), programs: setup.path(), directory, model };
        std::fs::create_dir_all(place.workspace().join(".git"))?;
        let config = place.path("home/.config/tenon");
        std::fs::create_dir_all(&config)?;
        let provider = format!(
            "model = \"bench/model\"\n\n[providers.bench]\nwire = \"openai-chat\"\nbase_url = \"{}\"\n",
            place.model.url()
        );
        std::fs::write(config.join("config.toml"), provider)?;
        Ok(place)
    }

    /// Configures something beside the model, before the agent starts: a table of TOML.
    pub(crate) fn configure(&self, settings: &str) -> Result<()> {
        let file = std::fs::OpenOptions::new().append(true).open(self.path("home/.config/tenon/config.toml"));
        Ok(file?.write_all(format!("\n{settings}").as_bytes())?)
    }

    /// Returns a path in the place.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Returns the workspace.
    pub(crate) fn workspace(&self) -> PathBuf {
        self.path("workspace")
    }

    /// Returns the agent of the place; `None` starts none.
    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint { state_dir: self.path("state"), start: None }
    }

    /// Returns a command of the binary in this place.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = shell::command(&self.binary);
        command.args(arguments).env_clear().current_dir(self.workspace());
        command.env("HOME", self.path("home")).env("TENON_STATE_DIR", self.path("state"));
        command.env("PATH", &self.programs).env("LANG", "C.UTF-8");
        command.stderr(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Starts the daemon, shakes hands with it, and tells how long both took together.
    pub(crate) fn start(&self) -> Result<(Daemon, SocketLink, Duration)> {
        let endpoint = self.endpoint();
        let started = Instant::now();
        let child = self.command(&["serve"]).spawn().context("cannot start the daemon")?;
        let mut daemon = Daemon { child, endpoint };
        let stream = loop {
            if let Ok(stream) = daemon.endpoint.open() {
                break stream;
            }
            if let Some(status) = daemon.child.try_wait()? {
                bail!("the daemon ended with {status}");
            }
            if started.elapsed() > START_TIMEOUT {
                bail!("the daemon does not listen");
            }
            std::thread::sleep(POLL_PAUSE);
        };
        let link = Link::over(stream)?;
        let took = started.elapsed();
        Ok((daemon, link, took))
    }

    /// Lets the daemon leave, if there is one, and waits until it has.
    pub(crate) fn stop(&self) -> Result<()> {
        shell::run(&mut self.command(&["stop", "--now"]))
    }

    /// Opens a session in the place's workspace.
    pub(crate) fn open(&self, link: &mut SocketLink) -> Result<Session> {
        Session::open(link, &self.workspace())
    }
}

/// A session that is observed.
#[derive(Debug)]
pub(crate) struct Session {
    /// Its id.
    pub(crate) id: String,
}

impl Session {
    /// Opens a session in a workspace, and observes it.
    pub(crate) fn open(link: &mut SocketLink, workspace: &Path) -> Result<Self> {
        let settings = json!({"profile": "full", "trust": "session", "limits": {"steps": 100_000}});
        let params = json!({"workspace": workspace, "settings": settings});
        let opened = link.call("agent/open", &params)?;
        let id = opened["session"]["id"].as_str().context("agent/open names no session")?.to_owned();
        let observed = json!({"sessionId": id, "after": opened["cursor"]});
        link.call("agent/observe", &observed)?;
        Ok(Self { id })
    }

    /// Sends a prompt and waits for the end of its turn; fails if that did not go well.
    pub(crate) fn turn(&self, link: &mut SocketLink, text: &str) -> Result<()> {
        let input = json!([{"type": "text", "text": text}]);
        link.call("agent/prompt", &json!({"sessionId": self.id, "input": input}))?;
        let ended = link.wait_for(&["turn.ended"])?;
        if ended["data"]["stop"] != "done" {
            bail!("the turn ended badly: {ended}");
        }
        Ok(())
    }
}

impl Daemon {
    /// Returns its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Makes another connection to it.
    pub(crate) fn link(&self) -> Result<SocketLink> {
        Link::over(self.endpoint.open()?)
    }

    /// Waits until it has left.
    pub(crate) fn wait(&mut self) -> Result<()> {
        self.child.wait().map(drop).context("cannot wait for the daemon")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have left already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Writes a file of the workspace.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Returns the text of what a model is sent before the conversation: system message and tools.
pub(crate) fn prefix(body: &Value) -> String {
    let system =
        body["messages"].as_array().into_iter().flatten().take_while(|message| message["role"] != "user");
    let system: Vec<&Value> = system.collect();
    format!("{}{}", json!(system), body["tools"])
}
