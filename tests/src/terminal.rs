//! A program in a real terminal: keys in, screen out, by a tmux server of its own. Not here: what the program is.
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::home::Home;
use crate::running::{PATIENCE, Running};

/// How often the screen is looked at; nothing tells when it changes.
const LOOK_EVERY: Duration = Duration::from_millis(30);

/// How many were started here, for a server of its own each: one that is leaving answers on its socket for a moment.
static STARTED: AtomicUsize = AtomicUsize::new(0);

/// A terminal of 120 by 36. Dropping it ends its server and what runs in it.
#[derive(Debug)]
pub struct Terminal<'a> {
    home: &'a Home,
    socket: String,
}

impl<'a> Terminal<'a> {
    /// Runs a shell command in a new terminal, in the workspace of a home; `None` where there is no tmux.
    ///
    /// # Errors
    /// tmux does not start it.
    pub fn start(home: &'a Home, command: &str) -> Result<Option<Self>> {
        if Running::start(home.shell("command -v tmux"))?.finish()?.code != Some(0) {
            return Ok(None);
        }
        let name = format!("tmux{}", STARTED.fetch_add(1, Ordering::Relaxed));
        let terminal = Self { home, socket: home.root().join(name).display().to_string() };
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "36", command])?;
        // Else an Escape waits for what might follow.
        terminal.tmux(&["set", "-s", "escape-time", "0"])?;
        Ok(Some(terminal))
    }

    fn tmux(&self, arguments: &[&str]) -> Result<String> {
        let mut command = self.home.shell("exec tmux -S \"$@\"");
        command.arg(&self.socket).args(arguments).env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8");
        Ok(Running::start(command)?.finish()?.expect(0)?.stdout)
    }

    /// Types a text as it stands.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn types(&self, text: &str) -> Result<()> {
        self.tmux(&["send-keys", "-l", text]).map(drop)
    }

    /// Types a line of text and Enter.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn enters(&self, text: &str) -> Result<()> {
        self.types(text)?;
        self.tmux(&["send-keys", "Enter"]).map(drop)
    }

    /// Waits until the screen shows a text, and returns the screen.
    ///
    /// # Errors
    /// It does not in time; the error has the screen.
    pub fn shows(&self, text: &str) -> Result<String> {
        self.until(text, |screen| screen.contains(text))
    }

    /// Waits until the screen is as it should be, and returns it.
    ///
    /// # Errors
    /// It is not in time; the error has the screen.
    pub fn until(&self, what: &str, reached: impl Fn(&str) -> bool) -> Result<String> {
        let started = Instant::now();
        loop {
            let screen = self.tmux(&["capture-pane", "-p"])?;
            if reached(&screen) {
                return Ok(screen);
            }
            ensure!(started.elapsed() < PATIENCE, "never on the screen: {what}\n{screen}");
            thread::sleep(LOOK_EVERY);
        }
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        // One that has ended by itself has no server any more.
        self.tmux(&["kill-server"]).map(drop).unwrap_or_default();
    }
}
