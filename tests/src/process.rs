//! Processes of this machine, held by descriptor so that a number that is used again is never mistaken. Not here: starting
//! them (`running`).
use std::fs;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A process that ran when it was looked for.
#[derive(Debug)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    descriptor: OwnedFd,
}

impl Process {
    /// Returns the process of that number; `None` where there is none.
    pub fn of(pid: u32) -> Option<Self> {
        let number = Pid::from_raw(i32::try_from(pid).ok()?)?;
        let descriptor = pidfd_open(number, PidfdFlags::empty()).ok()?;
        Some(Self { pid, descriptor })
    }

    /// Returns every process one of whose arguments holds `marker`, but for this one. What has ended and waits to be
    /// collected has no arguments any more.
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub fn with_argument(marker: &str) -> Result<Vec<Self>> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            // Opened before it is looked at, so that what is looked at is what is returned.
            let Some(process) = Self::of(pid).filter(|process| process.pid != std::process::id()) else {
                continue;
            };
            if process.command_line().contains(marker) {
                found.push(process);
            }
        }
        Ok(found)
    }

    /// Returns its arguments, separated by spaces; empty for one that has ended.
    pub fn command_line(&self) -> String {
        let bytes = fs::read(self.proc("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', " ")
    }

    /// Returns what `/proc` has of it under `name`.
    pub fn proc(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.pid))
    }

    /// Returns a row of its `/proc/PID/status`.
    ///
    /// # Errors
    /// It has ended, or there is no such row.
    pub fn status(&self, row: &str) -> Result<String> {
        let text = fs::read_to_string(self.proc("status"))?;
        let value = text.lines().find_map(|line| line.strip_prefix(row)?.strip_prefix(':'));
        Ok(value.with_context(|| format!("no row {row}"))?.trim().to_owned())
    }

    /// Returns the nearest process above it one of whose arguments holds `marker`.
    ///
    /// # Errors
    /// There is none, or one of them has ended.
    pub fn ancestor(&self, marker: &str) -> Result<Self> {
        let mut above = self.parent()?;
        while !above.command_line().contains(marker) {
            above = above.parent()?;
        }
        Ok(above)
    }

    fn parent(&self) -> Result<Self> {
        let number = self.status("PPid")?.parse()?;
        Self::of(number).with_context(|| format!("process {} has no parent", self.pid))
    }

    /// Sends a signal; one that has ended gets none.
    pub fn signal(&self, signal: Signal) {
        // It may have ended in this moment, which is what the caller wanted or is about to find out.
        pidfd_send_signal(&self.descriptor, signal).ok();
    }

    /// Ends it at once, whatever it ignores.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Returns whether it ends within that time; the kernel wakes us.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn ends_within(&self, limit: Duration) -> Result<bool> {
        let deadline = Instant::now() + limit;
        loop {
            let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now()))?;
            let mut descriptors = [PollFd::new(&self.descriptor, PollFlags::IN)];
            match poll(&mut descriptors, Some(&left)) {
                Ok(0) => return Ok(false),
                Ok(_) => return Ok(true),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => bail!("process {} cannot be watched: {error}", self.pid),
            }
        }
    }
}
