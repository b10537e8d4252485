//! A started command: its lines as they come, its input, its end. Not here: what it is started with (`home`).
use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::Signal;
use serde_json::Value;

use crate::process::Process;

/// How long a test waits for something that must happen; only a failing test waits this long. Some commands do many things one
/// after the other, each of which takes a second beside a few builds.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// Lines that may wait for the test; a command that writes more waits itself, as with any pipe.
const LINES_MAX: usize = 10_000;

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output and nobody had read yet.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Finished {
    /// Returns itself if it ended with `code`.
    ///
    /// # Errors
    /// It did not; the error shows all of it.
    pub fn expect(self, code: i32) -> Result<Self> {
        ensure!(self.code == Some(code), "expected exit {code}: {self:#?}");
        Ok(self)
    }

    /// Returns its output, each line of which has to be an object.
    ///
    /// # Errors
    /// One is not.
    pub fn json_lines(&self) -> Result<Vec<Value>> {
        self.stdout.lines().map(json).collect()
    }
}

/// A command that runs. Dropping it ends it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Its input, until it is taken or closed.
    pub stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Running {
    /// Starts a command with both its outputs caught; its input is what the command says.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(mut command: Command) -> Result<Self> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let stdout = lines(child.stdout.take().context("no output")?)?;
        let stderr = lines(child.stderr.take().context("no errors")?)?;
        Ok(Self { stdin: child.stdin.take(), child, stdout, stderr })
    }

    /// Returns its process.
    ///
    /// # Errors
    /// It has ended and was collected.
    pub fn process(&self) -> Result<Process> {
        Process::of(self.child.id()).context("the command has ended")
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// It has ended and was collected.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        self.process()?.signal(signal);
        Ok(())
    }

    /// Returns the next line of its output; `None` at the end.
    ///
    /// # Errors
    /// It does not come in time.
    pub fn line(&mut self) -> Result<Option<String>> {
        match self.stdout.recv_timeout(PATIENCE) {
            Ok(line) => Ok(Some(line.trim_end_matches('\n').to_owned())),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => {
                self.child.kill()?;
                let errors: String = self.stderr.iter().collect();
                bail!("no line within {PATIENCE:?}; errors: {errors}");
            }
        }
    }

    /// Returns the next line of its errors; `None` at the end.
    ///
    /// # Errors
    /// It does not come in time.
    pub fn error_line(&mut self) -> Result<Option<String>> {
        match self.stderr.recv_timeout(PATIENCE) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => bail!("no line of errors within {PATIENCE:?}"),
        }
    }

    /// Returns the next line of its output, which has to be an object; `None` at the end.
    ///
    /// # Errors
    /// As `line`, or it is none.
    pub fn event(&mut self) -> Result<Option<Value>> {
        self.line()?.map(|line| json(&line)).transpose()
    }

    /// Reads objects up to one of the type `kind`, and returns it.
    ///
    /// # Errors
    /// The output ends before it.
    pub fn event_of(&mut self, kind: &str) -> Result<Value> {
        while let Some(event) = self.event()? {
            if event["type"] == kind {
                return Ok(event);
            }
        }
        bail!("the output ended without {kind}: {:?}", self.child.try_wait()?)
    }

    /// Closes its input and waits for its end, and for the end of both its outputs.
    ///
    /// # Errors
    /// It or one of the outputs does not end in time.
    pub fn finish(mut self) -> Result<Finished> {
        self.stdin = None;
        self.finish_with_open_stdin()
    }

    /// Waits as `finish` does, but leaves its input open.
    ///
    /// # Errors
    /// As `finish`.
    pub fn finish_with_open_stdin(mut self) -> Result<Finished> {
        let deadline = Instant::now() + PATIENCE;
        let stdout = drain(&self.stdout, deadline);
        let stderr = drain(&self.stderr, deadline);
        let (Ok(stdout), Ok(stderr)) = (stdout, stderr) else {
            bail!("an output did not end within {PATIENCE:?}, the command: {:?}", self.child.try_wait()?)
        };
        let ended = self.process()?.ends_within(deadline.saturating_duration_since(Instant::now()))?;
        ensure!(ended, "it closed its outputs and did not end within {PATIENCE:?}: {stdout}{stderr}");
        Ok(Finished { code: self.child.wait()?.code(), stdout, stderr })
    }

    /// Ends it at once, as a crash does, and returns when it is gone.
    ///
    /// # Errors
    /// It cannot be collected.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended is only collected; there is nothing to do about one that cannot be.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn json(line: &str) -> Result<Value> {
    serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))
}

fn drain(lines: &Receiver<String>, deadline: Instant) -> Result<String, RecvTimeoutError> {
    let mut text = String::new();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => text.push_str(&line),
            Err(RecvTimeoutError::Disconnected) => return Ok(text),
            Err(RecvTimeoutError::Timeout) => return Err(RecvTimeoutError::Timeout),
        }
    }
}

/// Reads lines on a thread, so that a full pipe never holds the command.
fn lines(from: impl Read + Send + 'static) -> Result<Receiver<String>> {
    let (sender, receiver) = sync_channel(LINES_MAX);
    std::thread::Builder::new().name("lines".to_owned()).spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
            line.clear();
        }
    })?;
    Ok(receiver)
}
