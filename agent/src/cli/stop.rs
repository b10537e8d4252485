//! `tenon stop`: lets the agent leave, and returns when it has. Not here: how it leaves.
use std::fs::File;
use std::path::Path;

use clap::Args;
use rustix::fs::{FlockOperation, flock};
use tenon_client::ClientError;
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
    match endpoint.open() {
        Ok(probe) => drop(probe),
        Err(ClientError::NotRunning { .. }) => return free(&surroundings.paths.lock()).map(|()| Exit::Done),
        Err(error) => return Err(error.into()),
    }
    let op = if args.now { AdminOp::Stop } else { AdminOp::Drain };
    let asked = block_on(async {
        let client = surroundings.client(Starting::Never, Presence::Watching).await?;
        let params = AdminParams { op, workspace: None, grant: None, session_id: None };
        match client.call::<Admin>(&params).await {
            Ok(result) => Ok(result.running.unwrap_or(0)),
            // It left before the answer was out.
            Err(ClientError::Disconnected | ClientError::Left) => Ok(0),
            Err(error) => Err(error.into()),
        }
    });
    match asked {
        Ok(running) if running > 0 && !args.now => {
            let turns = turns(running);
            terminal.note(&format!(
                "waiting for the end of {turns}; `tenon stop --now` interrupts, Ctrl-C only ends the waiting"
            ));
        }
        Ok(_) => {}
        // It left between the two looks.
        Err(failure) if failure.kind == FailureKind::Failed && endpoint.open().is_err() => {}
        Err(failure) => return Err(failure),
    }
    free(&surroundings.paths.lock())?;
    Ok(Exit::Done)
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
