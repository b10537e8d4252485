//! What is asked of a spawner, and what it gives back: launch, chunk, exit. Not here: how it is done.
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::future::Future;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::process::terminal::{Terminal, TerminalSize};

/// A future that a trait object returns.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One command, complete: nothing is added to it and nothing is looked up elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The program and its arguments, as they will be passed; the program with a slash in it, or found on `PATH` of `env`.
    pub(crate) argv: Vec<OsString>,
    /// The directory it starts in; absolute, existing.
    pub(crate) cwd: PathBuf,
    /// The whole environment.
    pub(crate) env: BTreeMap<String, String>,
    /// How long it may run, measured from its start; `Duration::MAX` means for ever.
    pub(crate) timeout: Duration,
    /// How many bytes of output are handed on; what comes after is read and thrown away.
    pub(crate) output_bytes_max: u64,
    /// The file that keeps the records of this launch beyond the daemon's life; its directory must exist.
    pub(crate) record_path: Option<PathBuf>,
    /// The layer that catches what it writes beneath a folder; `None` lets it write there itself.
    pub(crate) layer: Option<Layer>,
    /// Layers that are seen beside what they cover, where they can be had; the folder of one that cannot is removed.
    pub(crate) beside: Vec<Layer>,
    /// The size of the terminal that it gets for its three standard streams; `None` gives it an empty input and two pipes.
    pub(crate) terminal: Option<TerminalSize>,
    /// What stands between the supervisor and the command, where it is confined.
    pub(crate) helper: Option<Helper>,
    /// A socket for the helper, through which whoever confines the command hands something out; the caller has its other end.
    pub(crate) way_out: Option<Arc<OwnedFd>>,
    /// How much of the machine its whole tree may take.
    pub(crate) bounds: Bounds,
}

/// What stands between the supervisor and a command: this program once more, which confines itself and then becomes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Helper {
    /// The program that starts the helper inside namespaces of its own, with its arguments; empty where it has none.
    pub(crate) through: Vec<OsString>,
    /// What the helper does to itself, for whoever wrote it to read.
    pub(crate) orders: String,
    /// Whether it gets a folder of its own for temporary files, named by `TMPDIR` and gone with it.
    pub(crate) scratch: bool,
}

/// How much of the machine a command may take, with everything it starts. `None` is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bounds {
    /// Bytes of memory that are its own: files in the cache do not count.
    pub(crate) memory_bytes: Option<u64>,
    /// Processes at one time.
    pub(crate) processes: Option<u32>,
    /// Processor time in milliseconds.
    pub(crate) cpu_ms: Option<u64>,
}

/// What a command took too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    /// Memory.
    Memory,
    /// Processes.
    Processes,
    /// Processor time.
    Cpu,
}

impl fmt::Display for Bound {
    /// Names it behind "it took more", with the key that sets it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory than it may (sandbox.memory_mib)",
            Self::Processes => "processes at one time than it may (sandbox.processes)",
            Self::Cpu => "processor time than it may (sandbox.cpu_s)",
        })
    }
}

/// A layer over a folder: the command sees the folder as it is, and what it changes lies in `upper` instead, in the form of
/// the kernel's overlay file system with user attributes. Only the command sees the layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    /// The folder; absolute, links resolved.
    pub(crate) root: PathBuf,
    /// Where the folder is seen with its layer: an existing folder, the same or another one.
    pub(crate) at: PathBuf,
    /// Where writes go: an empty folder.
    pub(crate) upper: PathBuf,
    /// A second empty folder on the same file system, for the kernel.
    pub(crate) work: PathBuf,
    /// What is not covered beneath `root`: there the command writes itself. Relative to `root`; existing.
    pub(crate) through: Vec<PathBuf>,
}

/// Which of its two outputs a command wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Standard output; a terminal, which is both.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Some output, as it was read: at most 64 KiB, cut anywhere, also inside a character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Where it was written to.
    pub(crate) source: Source,
    /// What was written; never empty.
    pub(crate) bytes: Bytes,
}

/// Why a command came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    /// It ended by itself, with a code or by a signal of its own making.
    Itself,
    /// Its time was up.
    TimedOut,
    /// `Running::kill` was called.
    Killed,
    /// It took more of the machine than it may.
    Exceeded(Bound),
    /// Nobody held it any more: `Running` was dropped, or the daemon died.
    Abandoned,
}

/// How a command ended. Everything it had started is dead by then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Exit {
    /// The exit code, if it exited.
    pub(crate) code: Option<i32>,
    /// The number of the signal that killed it, if one did.
    pub(crate) signal: Option<i32>,
    /// Why it came to its end.
    pub(crate) ended: Ended,
    /// Processor time of the whole tree in milliseconds, user and system.
    pub(crate) cpu_ms: u64,
    /// The largest resident size that one process of the tree had, in KiB.
    pub(crate) max_rss_kib: u64,
    /// Processes of the tree that could not be killed: they belong to another user, or hang in the kernel.
    #[serde(default)]
    pub(crate) survivors: u32,
}

/// Why there is no command, or no exit.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    /// The launch names no program, or one of its parts holds a NUL.
    #[error("cannot start a command: {0}")]
    Invalid(&'static str),
    /// The command could not be executed; nothing of it ran.
    #[error("cannot start `{program}`: {reason}")]
    NotStarted {
        /// The first word of the command.
        program: String,
        /// The system's words.
        reason: String,
    },
    /// The layer that was asked for cannot be had; nothing of the command ran.
    #[error("no layer can be laid over the folder: {0}")]
    NoLayer(String),
    /// Our own supervisor could not be started or spoken to; nothing of the command ran.
    #[error("cannot start the supervisor of a command")]
    Supervisor(#[source] std::io::Error),
    /// More launches wait than the spawner takes.
    #[error("too many commands are being started")]
    Busy,
    /// The supervisor died without a word, so how the command ended is not known; what it left was killed.
    #[error("the supervisor of the command was lost; how the command ended is not known")]
    Lost,
}

/// Starts commands. Behind a trait, so that a simulation can take its place.
pub(crate) trait Spawn: fmt::Debug + Send + Sync {
    /// Starts a command. The future ends when the command has been executed or could not be; dropping it kills what it
    /// started.
    fn run(&self, launch: Launch) -> Boxed<'static, Result<Running, ProcessError>>;
}

/// The inside of a [`Running`]: a real command, or a simulated one.
pub(crate) trait Live: fmt::Debug + Send {
    /// Returns the next output, or `None` when all is read and the end is known. Cancel safe: nothing is lost.
    fn next(&mut self) -> Boxed<'_, Option<Chunk>>;
    /// Asks for the death of the whole tree; may be called again.
    fn kill(&mut self);
    /// Returns its terminal, if it has one.
    fn terminal(&self) -> Option<Terminal>;
    /// Returns how it ended; `None` until `next` has returned `None`.
    fn end(&self) -> Option<Result<Exit, ProcessError>>;
}

/// A command that was started. Dropping it kills its whole tree.
///
/// Output waits in the pipe until it is asked for: a command whose output nobody reads stands still, and costs no memory.
#[derive(Debug)]
#[must_use = "dropping it kills the command"]
pub(crate) struct Running(Box<dyn Live>);

impl Running {
    /// Wraps a command, real or simulated.
    pub(crate) fn new(live: Box<dyn Live>) -> Self {
        Self(live)
    }

    /// Returns the next output in order of arrival, or `None` at the end. Cancel safe, so it may stand in a `select!`.
    ///
    /// A process that was left in the background does not hold this up: it is killed when the command ends.
    pub(crate) async fn next(&mut self) -> Option<Chunk> {
        self.0.next().await
    }

    /// Asks for the death of the whole tree and returns at once; the end comes through `next` and `wait` as ever.
    pub(crate) fn kill(&mut self) {
        self.0.kill();
    }

    /// Returns its terminal, if it was launched with one.
    pub(crate) fn terminal(&self) -> Option<Terminal> {
        self.0.terminal()
    }

    /// Waits for the end, throws away the output that was not read, and returns how it ended. Cancel safe.
    pub(crate) async fn wait(&mut self) -> Result<Exit, ProcessError> {
        while self.next().await.is_some() {}
        self.0.end().unwrap_or(Err(ProcessError::Lost))
    }
}
