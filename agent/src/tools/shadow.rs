//! A shadow tree: the workspace with staged files over it, in which commands run. Not here: which commands may (`turn`), what
//! is staged (`changes`), and mounting (`process`).
//!
//! What a command writes there lies in a layer of its own and never reaches the workspace; nothing of the workspace is left
//! uncovered, `target/` and `node_modules/` neither. What can be staged of it is; the rest (what git ignores, large files, git's
//! own records) is there for later commands in the same tree, and goes with it.
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use tenon_protocol::change::FileChange;

use crate::base::causes;
use crate::changes::blobs::BlobStore;
use crate::changes::capture::{BUDGET_BYTES, Bases, Captured, Look, look, planned};
use crate::changes::overlay::Overlay;
use crate::config::Capture;
use crate::process::{Launch, ProcessError, Running, Spawn};
use crate::sandbox::{Capturing, LayerFolder};
use crate::tools::ToolContext;
use crate::tools::background::blocking;
use crate::tools::context::{Judge, Judgement};
use crate::tools::prepared::ToolFailure;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// Names in one sentence for the model; the rest is counted.
const NAMES_MAX: usize = 10;

/// Why there is no shadow tree.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShadowError {
    /// No namespaces or no overlays here, or they are not wanted; with the reason.
    #[error("{0}")]
    Unavailable(String),
    /// The disk refuses, or a staged content is not there any more.
    #[error("the staged files cannot be laid out: {0}")]
    Failed(String),
}

/// What a shadow tree is made of.
#[derive(Clone, Debug)]
pub(crate) struct ShadowParts {
    /// The workspace.
    pub(crate) root: Arc<Root>,
    /// Where staged contents are.
    pub(crate) blobs: Arc<dyn BlobStore>,
    /// What starts commands.
    pub(crate) spawner: Arc<dyn Spawn>,
    /// What is staged.
    pub(crate) staged: Arc<Overlay>,
    /// Where it lies: a name that is no other tree's.
    pub(crate) place: PathBuf,
}

impl ShadowParts {
    /// Returns those of the plan that a turn makes; `None` in other turns.
    pub(crate) fn of(context: &ToolContext) -> Option<Self> {
        Some(Self {
            root: Arc::clone(&context.root),
            blobs: Arc::clone(&context.blobs),
            spawner: Arc::clone(&context.spawner),
            staged: Arc::clone(context.staged.as_ref()?),
            place: context.shadow.clone()?,
        })
    }
}

/// A shadow tree.
#[derive(Clone, Debug)]
pub(crate) struct Shadow {
    parts: ShadowParts,
    layer: LayerFolder,
}

/// What commands made of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Wrote {
    /// What is to be staged.
    pub(crate) files: Vec<FileChange>,
    /// What is told the model; empty where there is nothing to say.
    pub(crate) note: String,
}

impl Shadow {
    /// Tells why there can be none here. Costs nothing after the first time.
    ///
    /// # Errors
    /// [`ShadowError::Unavailable`].
    pub(crate) async fn available(capturing: &Capturing, capture: Capture) -> Result<(), ShadowError> {
        if capture == Capture::Compared {
            let why = "`sandbox.capture` is \"compared\", so nothing is laid over the workspace";
            return Err(ShadowError::Unavailable(why.to_owned()));
        }
        capturing.find().await.map_err(ShadowError::Unavailable)
    }

    /// Lays the staged files out, with what earlier commands left in a tree at this place. What a crash leaves is removed at the
    /// next start.
    ///
    /// # Errors
    /// A content is missing, or the disk refuses.
    pub(crate) async fn open(parts: ShadowParts) -> Result<Self, ShadowError> {
        let laid = blocking(move || lay(&parts).map(|layer| Self { parts, layer })).await;
        laid.unwrap_or_else(|failure| Err(failure.0)).map_err(ShadowError::Failed)
    }

    /// Starts a command in it, given as for the workspace itself. One at a time, and once for each time it is opened.
    ///
    /// # Errors
    /// As for any command; [`ProcessError::NoLayer`] where the tree cannot be laid over this workspace.
    pub(crate) async fn start(&self, launch: Launch) -> Result<Running, ProcessError> {
        let laid = self.layer.layer(self.parts.root.path().to_owned(), Vec::new());
        self.parts.spawner.run(Launch { layer: Some(laid), ..launch }).await
    }

    /// Finds out what commands wrote, and keeps of it what later ones find again beside what is staged.
    pub(crate) async fn settle(self, judge: Judge) -> Result<Wrote, ToolFailure> {
        blocking(move || self.look(&judge)).await?
    }

    fn look(&self, judge: &Judge) -> Result<Wrote, ToolFailure> {
        let told = |error: &dyn std::error::Error| ToolFailure::new(causes::told(error));
        let Self { parts: ShadowParts { root, blobs, staged, .. }, layer } = self;
        let upper = Root::open(&layer.upper()).map_err(|error| told(&error))?;
        let request = Look {
            root,
            layer: &upper,
            blobs: &**blobs,
            // Nothing is written to the workspace: who changes a file there meanwhile is met when the plan is applied.
            since_ns: i128::MAX,
            bases: &Bases::default(),
            budget_bytes: BUDGET_BYTES,
        };
        let is_guarded = |path: &RelPath| judge.judge(path) != Judgement::Keep;
        let captured = look(&request, &is_guarded).map_err(|error| told(&error))?;
        let refused: Vec<(RelPath, String)> = captured
            .paths()
            .filter_map(|path| match judge.judge(path) {
                Judgement::Refuse(reason) => Some((path.clone(), reason)),
                // As with every edit that is staged, whoever applies the plan decides.
                Judgement::Keep | Judgement::Ask(_) => None,
            })
            .collect();
        let left: BTreeSet<RelPath> = refused.iter().map(|(path, _)| path.clone()).collect();
        let files =
            planned(root, &upper, &captured, staged, &left, &**blobs).map_err(|error| told(&error))?;
        let kept = layer.kept();
        let note = note(&files, &refused, &captured, staged, &|path| kept.contains(path.as_bytes()));
        let mut entries: Vec<_> = captured.carried.iter().map(|carried| &carried.entry).collect();
        entries.retain(|entry| !left.contains(&entry.path));
        layer
            .keep_only(root, &captured.folders, &captured.removed, &entries)
            .map_err(|error| told(&error))?;
        Ok(Wrote { files, note })
    }
}

/// Makes the layer, or takes up the one that is there, and puts in what is staged.
fn lay(parts: &ShadowParts) -> Result<LayerFolder, String> {
    let layer = LayerFolder::renew(parts.place.clone()).map_err(|error| error.to_string())?;
    for (path, version) in parts.staged.all() {
        let file = version.map(|version| parts.blobs.get(version.digest).map(|bytes| (bytes, version.mode)));
        let file = file.transpose().map_err(|error| causes::told(&error))?;
        layer.stage(&parts.root, path, &file).map_err(|error| format!("{path}: {error}"))?;
    }
    Ok(layer)
}

/// Says what became of what commands wrote; what `is_known` was said before.
fn note(
    files: &[FileChange],
    refused: &[(RelPath, String)],
    captured: &Captured,
    staged: &Overlay,
    is_known: &dyn Fn(&RelPath) -> bool,
) -> String {
    let mut note = String::new();
    // Writing to a String cannot fail.
    if !files.is_empty() {
        let names = files.iter().map(|file| file.path.clone()).collect();
        let _ = writeln!(note, "[what the command wrote is staged: {}]", listed(names));
    }
    for (path, reason) in refused.iter().take(NAMES_MAX) {
        let _ = writeln!(note, "[{path} was not staged: {reason}]");
    }
    if let Some(more) = refused.len().checked_sub(NAMES_MAX).filter(|more| *more > 0) {
        let _ = writeln!(note, "[and {more} more files were not staged]");
    }
    let is_staged = |path: &RelPath| staged.beneath(path).next().is_some();
    let is_refused = |path: &RelPath| refused.iter().any(|refused| refused.0 == *path);
    let carried = captured.carried.iter().map(|carried| (&carried.entry.path, carried.reason));
    let carried = carried.filter(|(path, _)| !is_known(path) && !is_staged(path) && !is_refused(path));
    let rest: Vec<String> = carried.map(|(path, reason)| format!("{path} ({})", short(reason))).collect();
    if !rest.is_empty() {
        let _ = writeln!(
            note,
            "[not a part of the plan: {}. Later commands of this turn find it; then it is dropped]",
            listed(rest)
        );
    }
    let over = captured.over_budget.iter().map(|entry| entry.path.to_string()).collect::<Vec<_>>();
    if !over.is_empty() {
        let _ = writeln!(note, "[dropped, the plan would be too large with it: {}]", listed(over));
    }
    note.truncate(note.trim_end().len());
    note
}

/// Cuts off of a reason what only holds for what is written to the workspace.
fn short(reason: &str) -> &str {
    reason.split_once(": ").map_or(reason, |(what, _)| what)
}

fn listed(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMES_MAX);
    names.truncate(NAMES_MAX);
    let shown = names.join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}
