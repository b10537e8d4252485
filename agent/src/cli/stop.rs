//! `tenon stop`: lets the agent leave, and returns when it has. Not here: how it leaves.
use std::fs::File;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use clap::Args;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tenon_client::{ClientError, peer_of};
use tenon_protocol::admin::{AdminOp, AdminParams};
use tenon_protocol::methods::Admin;

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on, turns};
use crate::cli::terminal::Terminal;

/// The arguments of `tenon stop`.
#[derive(Args, Debug)]
pub(crate) struct StopArgs {
    /// Interrupts turns that run instead of waiting for their end
    #[arg(long)]
    now: bool,
}

/// Runs the command. Without an agent there is nothing to do, and none is started.
pub(crate) fn run(args: &StopArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(None)?;
    let terminal = Terminal::of(&surroundings.variables, false);
    let endpoint = surroundings.endpoint(Starting::Never)?;
    let process = match endpoint.open() {
        Ok(probe) => peer_of(&probe).and_then(Process::of),
        Err(ClientError::NotRunning { .. }) => return free(&surroundings.paths.lock()).map(|()| Exit::Done),
        Err(error) => return Err(error.into()),
    };
    let op = if args.now { AdminOp::Stop } else { AdminOp::Drain };
    let asked = block_on(async {
        let client = surroundings.client(Starting::Never, Presence::Watching).await?;
        let params = AdminParams::of(op);
        match client.call::<Admin>(&params).await {
            Ok(result) => Ok((result.running.unwrap_or(0), result.pid)),
            // It left before the answer was out.
            Err(ClientError::Disconnected | ClientError::Left) => Ok((0, None)),
            Err(error) => Err(error.into()),
        }
    });
    let pid = match asked {
        Ok((running, pid)) => {
            if running > 0 && !args.now {
                let turns = turns(running);
                terminal.note(&format!(
                    "waiting for the end of {turns}; `tenon stop --now` interrupts, Ctrl-C only ends the waiting"
                ));
            }
            pid
        }
        // It left between the two looks.
        Err(failure) if failure.kind == FailureKind::Failed && endpoint.open().is_err() => None,
        Err(failure) => return Err(failure),
    };
    match process.filter(|process| pid.is_none_or(|pid| process.is(pid))) {
        Some(process) => process.ended()?,
        None => free(&surroundings.paths.lock())?,
    }
    Ok(Exit::Done)
}

/// An agent that was asked to leave. Its end is waited for rather than that of its lock, which another one may take at once:
/// whoever needs an agent starts it.
#[derive(Debug)]
struct Process {
    pid: Pid,
    handle: OwnedFd,
}

impl Process {
    /// Finds a process that lives; from a container it may not be seen.
    fn of(pid: Pid) -> Option<Self> {
        let handle = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        Some(Self { pid, handle })
    }

    fn is(&self, pid: u32) -> bool {
        u32::try_from(self.pid.as_raw_nonzero().get()) == Ok(pid)
    }

    /// Waits for its end. The kernel wakes us: nothing is polled.
    fn ended(&self) -> Result<(), Failure> {
        let mut ended = [PollFd::from_borrowed_fd(self.handle.as_fd(), PollFlags::IN)];
        loop {
            match poll(&mut ended, None) {
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    return Err(Failure::failed(format!("the agent cannot be waited for: {error}")));
                }
            }
        }
    }
}

/// Waits until nobody holds the state directory's lock. The kernel wakes us: nothing is polled.
pub(crate) fn free(lock: &Path) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::failed(format!("{} cannot be looked at: {error}", lock.display()));
    let lock_file = match File::open(lock) {
        Ok(file) => file,
        // Where nothing ever ran there is no lock.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    loop {
        match flock(&lock_file, FlockOperation::LockShared) {
            // Given back at once, when the file is closed.
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(failed(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a process that is waited for, which runs nothing")]
    fn the_wait_is_for_the_process_and_not_for_who_comes_after_it() {
        let mut child = std::process::Command::new("/bin/sh")
            .args(["-c", "read line"])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let process = Process::of(Pid::from_child(&child)).unwrap();
        assert!(process.is(child.id()) && !process.is(child.id() + 1));
        let waiting = std::thread::spawn(move || process.ended().unwrap());
        assert!(!waiting.is_finished());
        drop(child.stdin.take());
        waiting.join().unwrap();
        child.wait().unwrap();
        assert!(Process::of(Pid::from_child(&child)).is_none(), "nobody is waited for twice");
    }

    #[test]
    fn the_wait_ends_when_the_lock_is_given_back() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("lock");
        free(&path).unwrap();
        let owner = File::create(&path).unwrap();
        flock(&owner, FlockOperation::LockExclusive).unwrap();
        let waiting = std::thread::spawn(move || free(&path).unwrap());
        assert!(!waiting.is_finished());
        drop(owner);
        waiting.join().unwrap();
    }
}
