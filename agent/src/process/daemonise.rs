//! Becoming a daemon, from an ordinary start. Not here: who starts it, and what it does then.
//!
//! # Contract with the starter
//!
//! The starter runs `tenon serve --daemonised --ready-fd N` by any means that can spawn a program: no fork of its own, no
//! `setsid`, nothing between fork and exec. Descriptor N is the writing end of a pipe or a socket. The easiest is
//! `N = 1`, a piped stdout: then not one descriptor has to be inherited beside the three that every library can set.
//!
//! 1. The process that was spawned exits with 0 at once. The starter waits for it, so no zombie stays, then reads the pipe.
//! 2. The daemon writes exactly one line and closes the pipe: `ready`, the socket accepts connections; or `error TEXT`,
//!    a sentence for people. End of the pipe without a line: it died, and the log file tells why.
//! 3. From then on nothing of the starter is left in the daemon: no controlling terminal, no session, no process group,
//!    no open descriptor (stdin is `/dev/null`, stdout and stderr are the log file), no current directory, no umask. A
//!    shell that captures the starter's output sees its end; a login over the network can close.
//!
//! The environment is kept; a session takes its variables from its client anyway.
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::process;

use crate::process::system::{self, Side};

/// The longest text of an error on the pipe: what a pipe takes in one piece.
const ERROR_BYTES_MAX: usize = 4000;

/// Why this process did not become a daemon.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DaemoniseError {
    /// The number names no open descriptor.
    #[error("descriptor {0} is not open, so nobody can be told that the daemon is ready")]
    NoReadyDescriptor(RawFd),
    /// The log file cannot be written.
    #[error("cannot open the log file")]
    Log(#[source] io::Error),
    /// The system refused a step.
    #[error("cannot become a daemon")]
    System(#[source] io::Error),
}

/// A process that has become a daemon, and owes its starter one line. Dropping it tells the starter that it failed.
#[derive(Debug)]
#[must_use = "the starter waits for `ready` or `failed`"]
pub(crate) struct Daemonised {
    pipe: File,
}

impl Daemonised {
    /// Leaves the starter: forks, starts a session, forks again so that no terminal can ever be acquired, and lets go of
    /// all that was inherited. Only the last of the three processes returns.
    ///
    /// Must be called in `main` before a thread is started or anything is opened: it is refused with a second thread, and
    /// closes every descriptor but the pipe. The directory of the log file is made if it is missing (0700). The log file
    /// is appended to (0600); that it is no link is checked.
    pub(crate) fn enter(ready: RawFd, log_file: &Path) -> Result<Self, DaemoniseError> {
        let pipe = move_up(ready)?;
        match Self::detach(pipe.as_raw_fd(), log_file) {
            Ok(()) => Ok(Self { pipe: File::from(pipe) }),
            Err(error) => {
                let reason = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                Self { pipe: File::from(pipe) }.failed(&format!("{error}: {reason}"));
                Err(error)
            }
        }
    }

    fn detach(pipe: RawFd, log_file: &Path) -> Result<(), DaemoniseError> {
        leave_parent().map_err(DaemoniseError::System)?;
        process::setsid().map_err(|error| DaemoniseError::System(error.into()))?;
        leave_parent().map_err(DaemoniseError::System)?;
        process::umask(Mode::RWXG | Mode::RWXO);
        let log = open_log(log_file).map_err(DaemoniseError::Log)?;
        replace_stdio(&log).map_err(DaemoniseError::System)?;
        drop(log);
        system::close_all_but(pipe);
        system::disarm_hangup();
        process::chdir("/").map_err(|error| DaemoniseError::System(error.into()))
    }

    /// Tells the starter that connections are accepted.
    pub(crate) fn ready(mut self) {
        // A starter that has left needs no answer.
        self.pipe.write_all(b"ready\n").ok();
    }

    /// Tells the starter, in one sentence for people, why there is no daemon.
    pub(crate) fn failed(mut self, reason: &str) {
        let mut line: String =
            reason.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
        line.truncate(line.floor_char_boundary(ERROR_BYTES_MAX));
        self.pipe.write_all(format!("error {line}\n").as_bytes()).ok();
    }
}

/// Takes over the starter's descriptor under a number above the standard ones, which are about to be replaced.
fn move_up(ready: RawFd) -> Result<OwnedFd, DaemoniseError> {
    let given = system::adopt(ready).ok_or(DaemoniseError::NoReadyDescriptor(ready))?;
    let moved = given.try_clone().map_err(DaemoniseError::System)?;
    if ready <= 2 {
        // The standard three must stay open: whatever is opened next would take the number. They are replaced soon.
        std::mem::forget(given);
    }
    Ok(moved)
}

fn leave_parent() -> io::Result<()> {
    match system::fork_alone()? {
        Side::Parent(_) => system::leave_to_child(),
        Side::Child => Ok(()),
    }
}

fn open_log(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
    OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(flags).open(path)
}

fn replace_stdio(log: &File) -> io::Result<()> {
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(log)?;
    rustix::stdio::dup2_stderr(log)?;
    Ok(())
}
