//! A program of somebody else's with its streams piped: what `tenon conformance` tests. Not here: commands of a session,
//! which run under the supervisor.
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// How long one look for the end of a program waits.
const LOOK: Duration = Duration::from_millis(10);

/// A running program. Dropping it kills its process group.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    ended: bool,
}

impl Program {
    /// Starts `sh -c COMMAND` in `directory`, with these variables and no others, as a process group of its own.
    ///
    /// # Errors
    /// The shell cannot be started.
    pub(crate) fn start<'a>(
        command: &str,
        directory: &Path,
        variables: impl IntoIterator<Item = (&'a String, &'a String)>,
        errors: File,
    ) -> io::Result<(Self, ChildStdin, ChildStdout)> {
        #[expect(
            clippy::disallowed_methods,
            reason = "a tool of the command line, not a command of a session"
        )]
        let mut child = Command::new("/bin/sh")
            .arg("-c")
            .arg(command)
            .current_dir(directory)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .process_group(0)
            .spawn()?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(stdin), Some(stdout)) => Ok((Self { child, ended: false }, stdin, stdout)),
            _ => Err(io::Error::other("the program has no pipes")),
        }
    }

    /// Waits for the end. Returns the exit code, 128 and the signal where one ended it, `None` when it goes on after
    /// `patience`.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub(crate) fn ends_within(&mut self, patience: Duration) -> io::Result<Option<i32>> {
        use std::os::unix::process::ExitStatusExt as _;
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.ended = true;
                return Ok(status.code().or_else(|| status.signal().map(|signal| 128 + signal)));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            // A wait with a time limit takes a signal handler or a thread; this is a tool for people who wait anyway.
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if !self.ended
            && let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
        {
            kill_process_group(group, Signal::KILL).ok();
            self.child.wait().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{Read as _, Write as _};

    use super::*;

    fn start(command: &str) -> (Program, ChildStdin, ChildStdout) {
        let variables = BTreeMap::from([("NAME".to_owned(), "value".to_owned())]);
        let nowhere = File::create("/dev/null").unwrap();
        Program::start(command, Path::new("/"), &variables, nowhere).unwrap()
    }

    #[test]
    fn a_program_gets_its_variables_and_its_streams() {
        let (mut program, mut stdin, mut stdout) = start("printf '%s %s ' \"$NAME\" \"$HOME\"; cat; exit 3");
        stdin.write_all(b"hello").unwrap();
        drop(stdin);
        let mut said = String::new();
        stdout.read_to_string(&mut said).unwrap();
        assert_eq!(said, "value  hello");
        assert_eq!(program.ends_within(Duration::from_secs(20)).unwrap(), Some(3));
    }

    #[test]
    fn a_program_that_goes_on_is_killed_with_its_children() {
        let (mut program, _stdin, mut stdout) = start("sleep 600 & wait");
        assert_eq!(program.ends_within(Duration::ZERO).unwrap(), None);
        drop(program);
        // The child of the shell held the pipe.
        assert_eq!(stdout.read(&mut [0]).unwrap(), 0);
    }
}
