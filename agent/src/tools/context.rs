//! What a tool is given. Not here: how a session comes by it.
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tenon_protocol::change::FileChange;
use tenon_protocol::ids::{CallId, ChangeId, CheckpointId};
use tenon_protocol::signal::Provisional;
use tokio_util::sync::CancellationToken;

use crate::base::digest::Digest;
use crate::base::secret::Secrets;
use crate::changes::blobs::BlobStore;
use crate::changes::overlay::Overlay;
use crate::changes::read_set::ReadSet;
use crate::config::Sandbox;
use crate::network::{Admits, Egress};
use crate::process::Spawn;
use crate::sandbox::{Caches, Capturing, Foreseen, Probe};
use crate::tools::Boxed;
use crate::tools::settling::Settling;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// The world of one session, as its tools see it.
#[derive(Clone, Debug)]
pub(crate) struct ToolContext {
    /// The workspace.
    pub(crate) root: Arc<Root>,
    /// What the model has seen of which file.
    pub(crate) reads: Arc<ReadSet>,
    /// What is staged, in a plan turn: tools see it in front of the disk, and what they write is staged too.
    pub(crate) staged: Option<Arc<Overlay>>,
    /// Where the tree lies in which the commands of a plan turn run: the workspace with what is staged.
    pub(crate) shadow: Option<PathBuf>,
    /// Files that somebody has open with changes that are not saved.
    pub(crate) unsaved: Unsaved,
    /// Which paths a search may show: a rule that denies reading holds there too.
    pub(crate) sight: Sight,
    /// Where contents go: pre-images, and output too long to show.
    pub(crate) blobs: Arc<dyn BlobStore>,
    /// What starts commands.
    pub(crate) spawner: Arc<dyn Spawn>,
    /// What sandbox there is.
    pub(crate) probe: Arc<Probe>,
    /// Whether what commands write can be caught.
    pub(crate) capturing: Arc<Capturing>,
    /// Copies of caches that commands write to.
    pub(crate) caches: Arc<Caches>,
    /// What is configured of the sandbox, and whether what commands write shall be caught.
    pub(crate) sandbox: Sandbox,
    /// What well-known commands need.
    pub(crate) foresee: Foresee,
    /// How requests leave the machine.
    pub(crate) network: Egress,
    /// Which hosts are reached without a question.
    pub(crate) permits: Admits,
    /// The session's variables for its children.
    pub(crate) environment: Arc<BTreeMap<String, String>>,
    /// What must not be kept when a tool comes across it.
    pub(crate) secrets: Secrets,
    /// Where the records of commands are kept; the directory exists.
    pub(crate) records_dir: PathBuf,
    /// How long a command may run where the call does not say.
    pub(crate) command_timeout: Duration,
}

/// Files that somebody has open with changes that are not saved, under each of their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unsaved(pub(crate) Arc<BTreeMap<RelPath, UnsavedFile>>);

/// A file with changes that are not saved.
#[derive(Clone, Debug)]
pub(crate) struct UnsavedFile {
    /// Its text as the editor has it, if the editor told.
    pub(crate) text: Option<Arc<str>>,
    /// What holds it.
    pub(crate) editor: String,
}

/// Tells which paths may be read.
#[derive(Clone)]
pub(crate) struct Sight(pub(crate) Arc<dyn Fn(&RelPath) -> bool + Send + Sync>);

impl Sight {
    /// Tells whether a path may be shown.
    pub(crate) fn shows(&self, path: &RelPath) -> bool {
        (self.0)(path)
    }
}

impl fmt::Debug for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sight")
    }
}

/// Tells what a well-known command needs beyond its confinement, from its text.
#[derive(Clone)]
pub(crate) struct Foresee(pub(crate) Arc<dyn Fn(&str) -> Foreseen + Send + Sync>);

impl fmt::Debug for Foresee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Foresee")
    }
}

/// Where the output of a running call is shown as it comes: ephemeral, never waited for.
#[derive(Clone)]
pub(crate) struct Progress(pub(crate) Arc<dyn Fn(&str) + Send + Sync>);

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

/// What a call is given when it runs.
#[derive(Clone, Debug)]
pub(crate) struct RunContext {
    /// The call.
    pub(crate) call: CallId,
    /// Is cancelled when the call has to end.
    pub(crate) cancel: CancellationToken,
    /// Where its output is shown as it comes.
    pub(crate) progress: Progress,
    /// What happens about files of which it is only known what they are when a command has written them.
    pub(crate) written: Arc<dyn Written>,
    /// What of it must not be cut in the middle when its time is up.
    pub(crate) settling: Settling,
}

/// What the policy says of a file that a command wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// Nothing speaks against it.
    Keep,
    /// A person is asked, for this reason.
    Ask(String),
    /// It must not be, for this reason.
    Refuse(String),
}

/// Tells what the policy says of a file that a command wrote.
#[derive(Clone)]
pub(crate) struct Judge(pub(crate) Arc<dyn Fn(&RelPath) -> Judgement + Send + Sync>);

impl Judge {
    /// Tells what the policy says of a path.
    pub(crate) fn judge(&self, path: &RelPath) -> Judgement {
        (self.0)(path)
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Judge")
    }
}

/// Files that a command wrote and that are not in the workspace yet, for a question.
#[derive(Clone, Debug)]
pub(crate) struct Withheld {
    /// What is asked, one line.
    pub(crate) title: String,
    /// Why.
    pub(crate) reason: String,
    /// The files.
    pub(crate) files: Vec<FileChange>,
    /// The same to read.
    pub(crate) patch: String,
    /// What the question is bound to.
    pub(crate) digest: Digest,
}

/// A change that is recorded as begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Begun {
    /// The change.
    pub(crate) change: ChangeId,
    /// The place just before it.
    pub(crate) checkpoint: CheckpointId,
}

/// A call's way to policy, people and log while it runs.
pub(crate) trait Written: fmt::Debug + Send + Sync {
    /// Waits for a moment, and until somebody watches; returns how many do.
    fn watched(&self) -> Boxed<'_, usize>;

    /// Shows what a command that runs has changed so far, and how many more files: ephemeral, never waited for.
    fn show(&self, files: Vec<Provisional>, more: u64);

    /// Returns the policy as it is now; `None` if the session is gone.
    fn judge(&self) -> Boxed<'_, Option<Judge>>;
    /// Tells whether a person wants nothing of what the command wrote: they interrupted it and said so.
    fn is_dropped(&self) -> Boxed<'_, bool>;
    /// Asks a person whether files that a command wrote may be; an interrupt is a no.
    fn ask(&self, withheld: Withheld) -> Boxed<'_, bool>;
    /// Records that a change begins, before the first of its files is touched; `None` if the session is gone.
    fn begin(&self, files: Vec<FileChange>) -> Boxed<'_, Option<Begun>>;
}
