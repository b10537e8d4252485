//! A home directory of its own for the binary under test: state, configuration, a workspace, and nothing of the person's.
//! Dropping it ends the daemon that runs on it. Not here: what the binary writes (`running`).
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;
use tempfile::TempDir;

use crate::model_server::ModelServer;
use crate::process::Process;
use crate::running::{Finished, PATIENCE, Running};
use crate::surroundings::{binary, bubblewrap};

/// A place to run the binary in.
#[derive(Debug)]
pub struct Home {
    root: PathBuf,
    variables: BTreeMap<String, String>,
    binary: PathBuf,
    /// Removes all of it in the end, where it is temporary.
    _temp: Option<TempDir>,
}

impl Home {
    /// Makes a home without configuration, with an empty workspace.
    ///
    /// # Errors
    /// The temporary directory or the binary is missing.
    pub fn new() -> Result<Self> {
        let temp = tempfile::Builder::new().prefix("tenon-home-").tempdir()?;
        let root = temp.path().canonicalize()?;
        Self::make(root, Some(temp))
    }

    /// Makes one at a place that is known, from nothing, where the name of the workspace matters.
    ///
    /// # Errors
    /// As `new`.
    pub fn at(root: &Path) -> Result<Self> {
        if root.exists() {
            fs::remove_dir_all(root)?;
        }
        Self::make(root.to_owned(), None)
    }

    fn make(root: PathBuf, temp: Option<TempDir>) -> Result<Self> {
        fs::create_dir_all(root.join("work/.git"))?;
        let home = root.join("home").display().to_string();
        let own = Self { root, variables: BTreeMap::new(), binary: binary()?, _temp: temp };
        // Where the agent looks for bubblewrap, behind what every system has.
        let brought = bubblewrap().map(|folder| format!(":{}", folder.display())).unwrap_or_default();
        let own = own.with("PATH", &format!("/usr/local/bin:/usr/bin:/bin{brought}")).with("LANG", "C.UTF-8");
        Ok(own.with("HOME", &home))
    }

    /// Makes a home whose provider `fake` is the model server, spoken to in `wire`.
    ///
    /// # Errors
    /// As `new`.
    pub fn with_model(wire: &str, server: &ModelServer) -> Result<Self> {
        let home = Self::new()?;
        home.configure(&provider(wire, server))?;
        Ok(home)
    }

    /// Sets a variable that every command sees.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Uses another binary.
    #[must_use]
    pub fn with_binary(mut self, binary: &Path) -> Self {
        binary.clone_into(&mut self.binary);
        self
    }

    /// Writes the user's configuration.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn configure(&self, toml: &str) -> Result<()> {
        self.save(&self.config_file(), toml)
    }

    /// Writes a file that an agent may watch, in one step: it sees each text, and no half of one.
    fn save(&self, path: &Path, text: &str) -> Result<()> {
        let saving = self.root.join("saving");
        write(&saving, text)?;
        fs::create_dir_all(path.parent().context("a file beneath the home")?)?;
        Ok(fs::rename(saving, path)?)
    }

    /// Returns the directory that holds everything.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the workspace, in which every command starts.
    pub fn workspace(&self) -> PathBuf {
        self.root.join("work")
    }

    /// Returns the state directory.
    pub fn state_dir(&self) -> PathBuf {
        self.root.join("home/.local/state/tenon")
    }

    /// Returns the user's configuration file.
    pub fn config_file(&self) -> PathBuf {
        self.root.join("home/.config/tenon/config.toml")
    }

    /// Writes a file of the workspace.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn write(&self, path: &str, text: &str) -> Result<()> {
        let whole = self.workspace().join(path);
        if path.starts_with('.') { self.save(&whole, text) } else { write(&whole, text) }
    }

    /// Reads a file of the workspace; one that is not there is empty.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.workspace().join(path)).unwrap_or_default()
    }

    /// Returns a command of the binary: this home's variables alone, in the workspace, without input.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(&self.binary);
        command.args(arguments);
        command
    }

    /// Returns a command of another binary, otherwise as `command`.
    pub fn command_of(&self, binary: &Path, arguments: &[&str]) -> Command {
        let mut command = self.program(binary);
        command.args(arguments);
        command
    }

    /// Returns a command of `sh -c SCRIPT`, where `$0` is the binary.
    pub fn shell(&self, script: &str) -> Command {
        let mut command = self.program(Path::new("/bin/sh"));
        command.arg("-c").arg(script).arg(&self.binary);
        command
    }

    #[expect(clippy::disallowed_methods, reason = "the one place where the tests start processes")]
    fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.variables).current_dir(self.workspace()).stdin(Stdio::null());
        command
    }

    /// Runs a command of the binary to its end.
    ///
    /// # Errors
    /// It does not start, or does not end in time.
    pub fn tenon(&self, arguments: &[&str]) -> Result<Finished> {
        Running::start(self.command(arguments))?.finish()
    }

    /// Starts a command of the binary.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(&self, arguments: &[&str]) -> Result<Running> {
        Running::start(self.command(arguments))
    }

    /// Returns the daemon, as the lock names it; `None` where nobody holds the lock.
    ///
    /// # Errors
    /// The lock cannot be read.
    pub fn daemon(&self) -> Result<Option<Process>> {
        let path = self.state_dir().join("lock");
        let Ok(file) = fs::File::open(&path) else { return Ok(None) };
        if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
            return Ok(None);
        }
        let holder: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
        let pid = holder["pid"].as_u64().context("the lock names no process")?;
        Ok(Process::of(u32::try_from(pid)?))
    }

    /// Ends the daemon at once, as a crash does, and returns when it is gone.
    ///
    /// # Errors
    /// There is none, or it does not go.
    pub fn kill_daemon(&self) -> Result<()> {
        let daemon = self.daemon()?.context("there is no daemon")?;
        daemon.kill();
        ensure!(daemon.ends_within(PATIENCE)?, "the daemon survived");
        Ok(())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // A daemon that is being started this moment would go by itself when its directory is gone.
        if let Ok(Some(daemon)) = self.daemon() {
            daemon.kill();
        }
    }
}

/// Returns the configuration of the provider `fake`.
pub fn provider(wire: &str, server: &ModelServer) -> String {
    format!("[providers.fake]\nwire = \"{wire}\"\nbase_url = \"{}\"\n", server.base_url(wire))
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
