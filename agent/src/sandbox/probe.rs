//! Finding out which levels commands can have here, by having them: this program is run at each. Not here: what a level is
//! (`level`).
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::process::Spawn;
use crate::sandbox::bubblewrap;
use crate::sandbox::landlock;
use crate::sandbox::launch::{Command, Given, Limits, launch};
use crate::sandbox::level::{Level, Missing, Probe};
use crate::sandbox::remembered::{Remembered, dependence, recall, remember};

/// What is found missing by an attempt that failed.
const ATTEMPTED: [&str; 2] = ["seccomp", "namespaces"];

/// How long an attempt may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Finds out, once, which levels there are.
#[derive(Debug)]
pub(crate) struct Probing {
    spawner: Arc<dyn Spawn>,
    /// Where programs are looked for.
    path: String,
    /// The agent's own folders.
    own: Vec<PathBuf>,
    /// Where what was found out is remembered, and which build did.
    memory: (PathBuf, String),
    found: OnceCell<Arc<Probe>>,
}

impl Probing {
    /// Takes what is needed; `own` are folders of the agent that no command may see, `path` is where programs are looked for, and `memory`
    /// the folder in which what this build found out is remembered.
    /// Finds nothing out yet.
    pub(crate) fn new(
        spawner: Arc<dyn Spawn>,
        path: String,
        own: Vec<PathBuf>,
        memory: (PathBuf, String),
    ) -> Self {
        Self { spawner, path, own, memory, found: OnceCell::new() }
    }

    /// Returns what is known now; before it was found out, that nothing can be had.
    pub(crate) fn known(&self) -> Arc<Probe> {
        self.found.get().cloned().unwrap_or_else(|| Arc::new(self.unknown()))
    }

    fn unknown(&self) -> Probe {
        let lacks =
            |level| Missing { name: "probe".into(), level, reason: "it is being found out".to_owned() };
        Probe {
            level: Level::Clean,
            missing: vec![lacks(Level::Confined), lacks(Level::Isolated)],
            bubblewrap: None,
            own: self.own.clone(),
            knows_ports: false,
        }
    }

    /// Finds out, the first time; after that costs nothing.
    pub(crate) async fn find(&self) -> Arc<Probe> {
        Arc::clone(self.found.get_or_init(|| async { Arc::new(self.attempt().await) }).await)
    }

    async fn attempt(&self) -> Probe {
        let bubblewrap = bubblewrap::find(&self.path);
        let (folder, build) = &self.memory;
        let of = dependence(build, bubblewrap.as_deref());
        if let Some(Remembered { level, missing, .. }) = recall(folder, &of) {
            return Probe { level, missing, ..self.nothing_yet(bubblewrap) };
        }
        let probe = self.try_all(bubblewrap).await;
        // An attempt may have failed because the machine was busy.
        if !probe.missing.iter().any(|missing| ATTEMPTED.contains(&&*missing.name)) {
            remember(folder, &Remembered { of, level: probe.level, missing: probe.missing.clone() });
        }
        probe
    }

    fn nothing_yet(&self, bubblewrap: Option<PathBuf>) -> Probe {
        let knows_ports = landlock::version() >= Some(landlock::PORTS);
        Probe { level: Level::Clean, missing: Vec::new(), bubblewrap, own: self.own.clone(), knows_ports }
    }

    async fn try_all(&self, bubblewrap: Option<PathBuf>) -> Probe {
        let mut probe = self.nothing_yet(bubblewrap);
        let lacks = |name: &'static str, level, reason: String| Missing { name: name.into(), level, reason };
        let version = landlock::version();
        if version.is_none() {
            let reason = "this kernel has none, or it is not switched on".to_owned();
            probe.missing.push(lacks("landlock", Level::Confined, reason));
        } else if version < Some(landlock::TRUNCATES) {
            let reason = "this kernel's cannot keep files from being emptied; Linux 6.2 can".to_owned();
            probe.missing.push(lacks("landlock", Level::Confined, reason));
        } else if let Err(reason) = self.try_at(&probe, Level::Confined).await {
            probe.missing.push(lacks("seccomp", Level::Confined, reason));
        } else {
            probe.level = Level::Confined;
        }
        if probe.bubblewrap.is_none() {
            let reason = "the program bwrap is not installed (the package is called bubblewrap)".to_owned();
            probe.missing.push(lacks("bubblewrap", Level::Isolated, reason));
        } else if let Err(reason) = self.try_at(&probe, Level::Isolated).await {
            probe.missing.push(lacks("namespaces", Level::Isolated, reason));
        } else {
            probe.level = Level::Isolated;
        }
        if probe.level < Level::Isolated && version < Some(landlock::SCOPES) && version.is_some() {
            let reason = "this kernel does not keep signals apart at level 2; Linux 6.12 does".to_owned();
            probe.missing.push(lacks("landlock-scope", Level::Isolated, reason));
        }
        for missing in &probe.missing {
            tracing::info!(part = %missing.name, reason = %missing.reason, "a part of the sandbox is missing");
        }
        probe
    }

    /// Runs this program at a level. A folder that nobody writes to stands for the workspace.
    async fn try_at(&self, probe: &Probe, level: Level) -> Result<(), String> {
        let claimed = Probe { level, missing: Vec::new(), ..probe.clone() };
        let workspace = PathBuf::from("/usr");
        let session_env = BTreeMap::new();
        let command = Command {
            text: "/proc/self/exe --version",
            cwd: &workspace,
            workspace: &workspace,
            given: Given::default(),
            limits: Limits::default(),
            session_env: &session_env,
            timeout: TIMEOUT,
            output_bytes_max: 0,
            record_path: None,
        };
        let mut launch = launch(command, level, &claimed).map_err(|error| error.to_string())?;
        // A shell's own link would lead to the shell.
        launch.argv = vec!["/proc/self/exe".into(), "--version".into()];
        let mut running = self.spawner.run(launch).await.map_err(|error| error.to_string())?;
        let exit = running.wait().await.map_err(|error| error.to_string())?;
        (exit.code == Some(0)).then_some(()).ok_or_else(|| format!("a program does not run in it: {exit:?}"))
    }
}
