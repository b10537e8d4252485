//! The temporary directory of the demonstration, and of a conformance test, and leaving nothing of it. Not here: what is in it.
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::base::ids::{SystemEntropy, unique};
use crate::cli::failure::Failure;
use crate::cli::stop;
use crate::config::environment::Variables;

/// How long the demonstration's agent may take to leave; then it is ended.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(3);

/// A directory that goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: PathBuf,
}

impl Scratch {
    /// Makes the directory (0700) in `$TMPDIR`, else in `/tmp`.
    pub(crate) fn new(variables: &Variables) -> Result<Self, Failure> {
        let parent = variables.get("TMPDIR").map(PathBuf::from).filter(|path| path.is_absolute());
        let parent = parent.unwrap_or_else(|| PathBuf::from("/tmp"));
        let failed = |error: std::io::Error| {
            Failure::failed(format!("no directory can be made in {}: {error}", parent.display()))
        };
        let parent = parent.canonicalize().map_err(failed)?;
        let directory = parent.join(format!("tenon-{}", unique(&SystemEntropy)));
        DirBuilder::new().mode(0o700).create(&directory).map_err(failed)?;
        Ok(Self { directory })
    }

    /// Returns the directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the agent's state directory.
    pub(crate) fn state_dir(&self) -> PathBuf {
        self.directory.join("state")
    }

    /// Returns the sample project.
    pub(crate) fn project(&self) -> PathBuf {
        self.directory.join("project")
    }

    /// Returns the variables of the agent and its commands: nothing of the person's own but the `PATH`.
    pub(crate) fn variables(&self, ambient: &Variables) -> BTreeMap<String, String> {
        let place = |name: &str| self.directory.join(name).display().to_string();
        let mut variables = BTreeMap::from([
            ("HOME".to_owned(), place("home")),
            ("TENON_STATE_DIR".to_owned(), place("state")),
            ("XDG_CONFIG_HOME".to_owned(), place("config")),
        ]);
        for name in ["PATH", "LANG", "TMPDIR", "TENON_LOG"] {
            if let Some(value) = ambient.get(name) {
                variables.insert(name.to_owned(), value.clone());
            }
        }
        variables
    }

    /// Waits until the agent has left, ends it if it does not, and removes the directory.
    pub(crate) fn clean_up(self, agent: Option<u32>) -> Result<(), Failure> {
        let lock = self.state_dir().join("lock");
        let (sender, left) = mpsc::channel();
        let wait = move || sender.send(stop::free(&lock)).ok();
        let waits = std::thread::Builder::new().name("agent-exit".to_owned()).spawn(wait).is_ok();
        let in_time = waits && left.recv_timeout(LEAVE_TIMEOUT).is_ok();
        if !in_time && let Some(pid) = agent.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) {
            // It is ours alone: its state directory is in ours, and nobody else knows of it.
            kill_process(pid, Signal::KILL).ok();
            left.recv_timeout(LEAVE_TIMEOUT).ok();
        }
        let failed = |error: std::io::Error| {
            Failure::failed(format!("{} cannot be removed: {error}", self.directory.display()))
        };
        fs::remove_dir_all(&self.directory).map_err(failed)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Normally it is gone by now; this is for the ways out before the agent was started.
        fs::remove_dir_all(&self.directory).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_behind() {
        let temp = tempfile::tempdir().unwrap();
        let variables = Variables::from([("TMPDIR".to_owned(), temp.path().display().to_string())]);
        let scratch = Scratch::new(&variables).unwrap();
        fs::create_dir_all(scratch.project()).unwrap();
        scratch.clean_up(None).unwrap();
        drop(Scratch::new(&variables).unwrap());
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
    }
}
