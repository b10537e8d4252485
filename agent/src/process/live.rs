//! A command as the daemon sees it: two pipes of output and the supervisor's socket. Not here: starting it (`spawner`).
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rustix::process::{Signal, pidfd_send_signal};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::process::launch::{Boxed, Chunk, Exit, Live, ProcessError, Source};
use crate::process::record::Line;
use crate::process::spawner::ROUSE_EVERY;
use crate::process::spec::KILL;
use crate::process::supervisor::SWEEP_MAX;
use crate::process::terminal::Terminal;

/// The largest chunk: what a pipe holds.
const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// The longest line that a supervisor sends.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// What is read of each output after the end. The tree is dead and its pipe holds no more than this; survivors, which
/// belong to somebody else, could go on for ever.
const DRAIN_BYTES_MAX: usize = 1024 * 1024;

/// How long past the command's time a supervisor may stay silent before the spawner's thread sees to it: something has
/// stopped it.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// How long that thread may take to end the tree in one way or another, before the command is given up.
const GRACE: Duration = SWEEP_MAX.saturating_add(Duration::from_secs(5));

/// How long the execution of a command may take; a program on a slow network is the worst that is no fault.
const START_MAX: Duration = Duration::from_secs(30);

/// Our ends of a supervisor.
#[derive(Debug)]
pub(crate) struct Ends {
    /// Closing it kills the tree.
    pub(crate) socket: StdUnixStream,
    /// Where the command's output comes out.
    pub(crate) outputs: Outputs,
    /// The supervisor itself, as a process descriptor.
    pub(crate) handle: Arc<OwnedFd>,
    /// Told when the tree must die.
    pub(crate) dying: Dying,
    /// Ends when the supervisor is buried and, if it was killed, its orphans are dead.
    pub(crate) buried: oneshot::Receiver<Infallible>,
}

/// Where a command's output comes out.
#[derive(Debug)]
pub(crate) enum Outputs {
    /// The reading ends of two pipes.
    Pipes {
        /// Of its stdout.
        stdout: OwnedFd,
        /// Of its stderr.
        stderr: OwnedFd,
    },
    /// The controlling end of its terminal.
    Terminal(OwnedFd),
}

/// One of our ends, within the runtime.
enum Reader {
    Pipe(pipe::Receiver),
    Terminal(Terminal),
}

/// Tells the spawner's thread that a supervisor has been told to die, so that it sees to it.
#[derive(Clone, Debug)]
pub(crate) struct Dying {
    /// Set once, never cleared.
    flag: Arc<AtomicBool>,
    /// The thread's wake-up descriptor.
    wake: Arc<OwnedFd>,
}

impl Dying {
    /// Returns a flag that is not set.
    pub(crate) fn new(wake: Arc<OwnedFd>) -> Self {
        Self { flag: Arc::default(), wake }
    }

    /// Tells whether it is set.
    pub(crate) fn is_set(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    fn set(&self) {
        self.flag.store(true, Ordering::Release);
        // Only a counter at its very end refuses, and then the thread is awake.
        let _ = rustix::io::write(&*self.wake, &1_u64.to_ne_bytes());
    }
}

/// A command under its supervisor.
pub(crate) struct Supervised {
    /// Held for its closing as much as for its lines: that is what kills the tree when this is dropped.
    talk: Talk,
    dying: Dying,
    stdout: Option<Reader>,
    stderr: Option<Reader>,
    /// Its terminal, where it has one: also a way in.
    terminal: Option<Terminal>,
    /// What was read after the end.
    rest: VecDeque<Chunk>,
    /// How many bytes may still be handed on.
    allowance: u64,
    end: Option<End>,
    /// Whether the supervisor fell silent without having told the end; then only its burial is waited for.
    is_lost: bool,
    buried: oneshot::Receiver<Infallible>,
    /// When a supervisor that says nothing is given up.
    give_up_at: Option<Instant>,
}

/// The supervisor's side of the conversation.
struct Talk {
    socket: UnixStream,
    /// Bytes of a line that has not come to its end.
    line: Vec<u8>,
}

impl Talk {
    /// Returns the next line, or `None` when the supervisor is gone. Cancel safe: the bytes stay in `line`.
    async fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.line.drain(..=end).collect();
                return serde_json::from_slice(&line).ok();
            }
            let is_too_long = self.line.len() >= LINE_BYTES_MAX;
            if is_too_long || self.socket.read_buf(&mut self.line).await.ok()? == 0 {
                return None;
            }
        }
    }
}

#[derive(Clone, Debug)]
enum End {
    Known(Exit),
    Lost,
}

impl fmt::Debug for Supervised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervised").field("end", &self.end).finish_non_exhaustive()
    }
}

/// What happened while waiting.
enum Happening {
    Output(Source, io::Result<Vec<u8>>),
    Line(Option<Line>),
    Buried,
    GaveUp,
}

impl Supervised {
    /// Waits until the supervisor has executed the command.
    pub(crate) async fn start(
        ends: Ends,
        timeout: Duration,
        output_bytes_max: u64,
        program: &str,
    ) -> Result<Self, ProcessError> {
        ends.socket.set_nonblocking(true).map_err(ProcessError::Supervisor)?;
        let (stdout, stderr, terminal) = readers(ends.outputs).map_err(ProcessError::Supervisor)?;
        let mut running = Self {
            talk: Talk {
                socket: UnixStream::from_std(ends.socket).map_err(ProcessError::Supervisor)?,
                line: Vec::new(),
            },
            dying: ends.dying,
            stdout: Some(stdout),
            stderr,
            terminal,
            rest: VecDeque::new(),
            allowance: output_bytes_max,
            end: None,
            is_lost: false,
            buried: ends.buried,
            give_up_at: timeout.checked_add(SILENCE_MAX).and_then(|after| Instant::now().checked_add(after)),
        };
        let give_up_at = Instant::now() + START_MAX;
        loop {
            let line = match tokio::time::timeout(ROUSE_EVERY, running.talk.next()).await {
                Ok(line) => line,
                Err(_) if Instant::now() > give_up_at => return Err(ProcessError::Lost),
                // The command may be so quick as to stop its supervisor before that has spoken.
                Err(_) => {
                    let _ = pidfd_send_signal(&*ends.handle, Signal::CONT);
                    continue;
                }
            };
            match line {
                Some(Line::Starting) => {}
                Some(Line::Spawned { .. }) => return Ok(running),
                Some(Line::Failed { reason }) => {
                    return Err(ProcessError::NotStarted { program: program.to_owned(), reason });
                }
                Some(Line::NoLayer { reason }) => return Err(ProcessError::NoLayer(reason)),
                Some(Line::Exited(_)) | None => {
                    return Err(ProcessError::Supervisor(io::ErrorKind::UnexpectedEof.into()));
                }
            }
        }
    }

    /// Waits for whatever comes first. The losers lose nothing: no byte is taken before it is ours.
    async fn wait(&mut self) -> Happening {
        tokio::select! {
            bytes = read(self.stdout.as_ref()) => Happening::Output(Source::Stdout, bytes),
            bytes = read(self.stderr.as_ref()) => Happening::Output(Source::Stderr, bytes),
            line = self.talk.next(), if !self.is_lost => Happening::Line(line),
            _ = &mut self.buried, if self.is_lost => Happening::Buried,
            () = sleep_until(self.give_up_at) => Happening::GaveUp,
        }
    }

    async fn advance(&mut self) -> Option<Chunk> {
        loop {
            if let Some(chunk) = self.rest.pop_front() {
                return Some(chunk);
            }
            if self.end.is_some() {
                return None;
            }
            match self.wait().await {
                Happening::Output(source, Ok(bytes)) if !bytes.is_empty() => {
                    if let Some(chunk) = self.admit(source, bytes) {
                        return Some(chunk);
                    }
                }
                Happening::Output(Source::Stdout, _) => self.stdout = None,
                Happening::Output(Source::Stderr, _) => self.stderr = None,
                Happening::Line(Some(Line::Exited(exit))) => self.finish(End::Known(exit)),
                Happening::Line(Some(
                    Line::Starting | Line::Spawned { .. } | Line::Failed { .. } | Line::NoLayer { .. },
                )) => {}
                Happening::Line(None) => self.lose(),
                Happening::GaveUp if !self.dying.is_set() => {
                    self.dying.set();
                    self.give_up_at = Instant::now().checked_add(GRACE);
                }
                Happening::Buried | Happening::GaveUp => self.finish(End::Lost),
            }
        }
    }

    /// Goes over to waiting for the burial, for a while.
    fn lose(&mut self) {
        self.is_lost = true;
        self.give_up_at = Instant::now().checked_add(GRACE);
    }

    /// Counts some output against what is allowed; `None` if nothing of it is.
    fn admit(&mut self, source: Source, bytes: Vec<u8>) -> Option<Chunk> {
        let mut bytes = Bytes::from(bytes);
        let allowed = usize::try_from(self.allowance).unwrap_or(usize::MAX).min(bytes.len());
        self.allowance -= allowed as u64;
        bytes.truncate(allowed);
        (!bytes.is_empty()).then_some(Chunk { source, bytes })
    }

    /// Notes the end and takes what is left in the pipes, without waiting: nobody is there to write more.
    fn finish(&mut self, end: End) {
        self.end = Some(end);
        for (source, reader) in [(Source::Stdout, self.stdout.take()), (Source::Stderr, self.stderr.take())] {
            let Some(reader) = reader else { continue };
            let mut left = DRAIN_BYTES_MAX;
            while let Ok(bytes) = read_rest(&reader) {
                if bytes.is_empty() || left == 0 {
                    break;
                }
                left = left.saturating_sub(bytes.len());
                if let Some(chunk) = self.admit(source, bytes) {
                    self.rest.push_back(chunk);
                }
            }
        }
    }
}

impl Live for Supervised {
    fn next(&mut self) -> Boxed<'_, Option<Chunk>> {
        Box::pin(self.advance())
    }

    fn kill(&mut self) {
        // A full socket holds the byte already; a closed one needs none.
        self.talk.socket.try_write(&[KILL]).ok();
        self.dying.set();
    }

    fn terminal(&self) -> Option<Terminal> {
        self.terminal.clone()
    }

    fn end(&self) -> Option<Result<Exit, ProcessError>> {
        self.end.clone().map(|end| match end {
            End::Known(exit) => Ok(exit),
            End::Lost => Err(ProcessError::Lost),
        })
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.dying.set();
    }
}

/// Takes over our ends: stdout, stderr where it is apart, and the terminal. Must be called within the runtime.
fn readers(outputs: Outputs) -> io::Result<(Reader, Option<Reader>, Option<Terminal>)> {
    let pipe = |end| pipe::Receiver::from_owned_fd(end).map(Reader::Pipe);
    match outputs {
        Outputs::Pipes { stdout, stderr } => Ok((pipe(stdout)?, Some(pipe(stderr)?), None)),
        Outputs::Terminal(end) => {
            let terminal = Terminal::new(end)?;
            Ok((Reader::Terminal(terminal.clone()), None, Some(terminal)))
        }
    }
}

/// Waits for output; for ever if there is no way for it any more.
async fn read(reader: Option<&Reader>) -> io::Result<Vec<u8>> {
    let receiver = match reader {
        None => return pending().await,
        Some(Reader::Terminal(terminal)) => return terminal.read(CHUNK_BYTES_MAX).await,
        Some(Reader::Pipe(receiver)) => receiver,
    };
    loop {
        receiver.readable().await?;
        match read_now(receiver) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return result,
        }
    }
}

/// Reads what is there: at most a chunk, empty at the end of the pipe.
fn read_now(receiver: &pipe::Receiver) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(CHUNK_BYTES_MAX);
    receiver.try_read_buf(&mut bytes)?;
    bytes.shrink_to_fit();
    Ok(bytes)
}

/// Reads what is there after the end. By the system's own call: the runtime's would find nothing in a pipe that it has
/// not yet been told about.
fn read_rest(reader: &Reader) -> io::Result<Vec<u8>> {
    let receiver = match reader {
        Reader::Terminal(terminal) => return terminal.read_rest(CHUNK_BYTES_MAX),
        Reader::Pipe(receiver) => receiver,
    };
    let mut bytes = Vec::with_capacity(CHUNK_BYTES_MAX);
    rustix::io::read(receiver, rustix::buffer::spare_capacity(&mut bytes))?;
    bytes.shrink_to_fit();
    Ok(bytes)
}

async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => pending().await,
    }
}
