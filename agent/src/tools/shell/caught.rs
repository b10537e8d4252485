//! What a command wrote, from its layer into the workspace: judged, asked about, recorded, committed. Not here: finding it
//! and writing it (`changes::capture`).
use std::convert::Infallible;
use std::sync::Arc;

use tenon_protocol::change::FileChange;

use crate::base::causes;
use crate::changes::blobs::BlobStore;
use crate::changes::capture::{
    BUDGET_BYTES, Bases, Captured, Committed, Look, commit, glimpse, look, uncovered,
};
use crate::sandbox::{LayerFolder, Needs};
use crate::tools::RunContext;
use crate::tools::background::blocking;
use crate::tools::context::{Begun, Judge, Judgement};
use crate::tools::prepared::{Outcome, StagedFiles, ToolFailure};
use crate::tools::shadow::{Shadow, Wrote};
use crate::tools::shell::told::told;
use crate::tools::shell::verdict::Verdict;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;
use crate::workspace::through::is_written_since;

const THROUGH: &str = "not watched while a command runs: it was written to, and that cannot be undone";

/// What became of what a command wrote.
#[derive(Debug, Default)]
pub(super) struct Caught {
    /// The change, where it was recorded as begun.
    pub(super) begun: Option<Begun>,
    /// What is in the workspace now.
    pub(super) committed: Committed,
    /// What is staged, in a plan turn.
    pub(super) staged: Vec<FileChange>,
    /// Sentences for the model; empty where there is nothing to say.
    pub(super) note: String,
}

impl Caught {
    /// Nothing of it is wanted: it goes with its layer.
    fn dropped() -> Self {
        let note =
            "[what it had written is dropped, as the person wished: nothing of it is in the workspace]"
                .to_owned();
        Self { note, ..Self::default() }
    }

    /// Stages what a command of a plan turn wrote.
    pub(super) async fn in_shadow(shadow: Shadow, context: &RunContext) -> Self {
        if context.written.is_dropped().await {
            return Self::dropped();
        }
        let Some(judge) = context.written.judge().await else { return Self::default() };
        match shadow.settle(judge).await {
            Ok(Wrote { files, note }) => Self { staged: files, note, ..Self::default() },
            Err(failure) => Self {
                note: format!("[what the command wrote could not be staged: {failure}]"),
                ..Self::default()
            },
        }
    }

    /// Writes what happened into the outcome of the call.
    pub(super) fn into_outcome(self, outcome: &mut Outcome) {
        let Committed { files, folders, uncovered, conflicts } = self.committed;
        let told = folders.iter().map(RelPath::to_wire).filter(|(_, encoded)| !encoded);
        outcome.folders = told.map(|(folder, _)| folder.into_owned()).collect();
        (outcome.files, outcome.uncovered, outcome.conflicts) = (files, uncovered, conflicts);
        outcome.begun = self.begun;
        // Which step a command belongs to nobody says.
        outcome.staged = (!self.staged.is_empty()).then_some(StagedFiles { files: self.staged, step: None });
    }
}

/// What is needed to bring a layer in.
#[derive(Clone, Debug)]
pub(super) struct Layered {
    /// The workspace.
    pub(super) root: Arc<Root>,
    /// Where contents go.
    pub(super) blobs: Arc<dyn BlobStore>,
    /// The layer.
    pub(super) layer: LayerFolder,
    /// What files held before the command ran, as far as that was kept.
    pub(super) bases: Arc<Bases>,
    /// What lies in the workspace and is not covered by the layer.
    pub(super) through: Vec<RelPath>,
}

impl Layered {
    /// Shows what the command has changed so far, each time that it is more, or somebody came to watch; never returns.
    pub(super) async fn show(&self, context: &RunContext) -> Infallible {
        let (mut last, mut shown_to) = ((Vec::new(), 0), 0);
        loop {
            let watchers = context.written.watched().await;
            let (root, upper) = (Arc::clone(&self.root), self.layer.upper());
            let look = move || Root::open(&upper).map(|layer| glimpse(&root, &layer));
            // A layer that cannot be looked at now is told of when the command ends.
            let Ok(Ok(seen)) = blocking(look).await else { continue };
            let has_seen = watchers <= shown_to || seen.0.is_empty();
            if seen != last || !has_seen {
                context.written.show(seen.0.clone(), seen.1);
                last = seen;
            }
            shown_to = watchers;
        }
    }

    /// Brings in what the command wrote. What cannot be brought in is said in the note, never silent.
    pub(super) async fn settle(self, context: &RunContext, needs: &Needs) -> Caught {
        self.try_settle(context, needs).await.unwrap_or_else(|failure| Caught {
            note: format!("[what the command wrote could not be brought into the workspace: {failure}]"),
            ..Caught::default()
        })
    }

    async fn try_settle(self, context: &RunContext, needs: &Needs) -> Result<Caught, ToolFailure> {
        if context.written.is_dropped().await {
            return Ok(Caught::dropped());
        }
        let gone = || ToolFailure::new("the session is gone");
        let judge = context.written.judge().await.ok_or_else(gone)?;
        let (own, guard) = (self.clone(), judge.clone());
        let mut captured = blocking(move || own.look(&guard)).await??;
        if captured.is_empty() {
            return Ok(Caught::default());
        }
        let mut verdict = Verdict::of(captured.paths(), &judge, needs);
        verdict.ask_about_size(&captured.over_budget);
        if verdict.is_open() {
            let blobs = Arc::clone(&self.blobs);
            let (question, back) =
                blocking(move || (verdict.question(&captured.files, &*blobs), (verdict, captured))).await?;
            (verdict, captured) = back;
            if verdict.close(context.written.ask(question).await) {
                captured.carry_over_budget();
            }
        }
        // It may have taken a person's time to come here.
        if context.written.is_dropped().await {
            return Ok(Caught::dropped());
        }
        captured.leave_out(&verdict.refused.iter().map(|refused| refused.0.clone()).collect());
        let files = captured.files.iter().map(|file| file.wire.clone()).collect();
        let begun =
            if captured.writes() { Some(context.written.begin(files).await.ok_or_else(gone)?) } else { None };
        let (root, blobs, upper) = (self.root, self.blobs, self.layer.upper());
        let committed = blocking(move || {
            let layer = Root::open(&upper).map_err(|error| ToolFailure::new(causes::told(&error)))?;
            commit(&root, &layer, captured, &*blobs, &|path| judge.judge(path) != Judgement::Keep)
                .map_err(|error| ToolFailure::new(causes::told(&error)))
        })
        .await??;
        let note = told(&committed, &verdict.refused);
        Ok(Caught { begun, committed, note, ..Caught::default() })
    }

    fn look(&self, judge: &Judge) -> Result<Captured, ToolFailure> {
        let layer =
            Root::open(&self.layer.upper()).map_err(|error| ToolFailure::new(causes::told(&error)))?;
        let request = Look {
            root: &self.root,
            layer: &layer,
            blobs: &*self.blobs,
            since_ns: self.layer.since_ns(),
            bases: &self.bases,
            budget_bytes: BUDGET_BYTES,
        };
        let mut captured = look(&request, &|path| judge.judge(path) != Judgement::Keep)
            .map_err(|error| ToolFailure::new(causes::told(&error)))?;
        let since_ns = self.layer.since_ns();
        let written = self.through.iter().filter(|path| is_written_since(&self.root, path, since_ns));
        captured.uncovered.extend(written.map(|path| uncovered(path, THROUGH)));
        Ok(captured)
    }
}
