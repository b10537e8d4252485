//! Going back: what a session did to files is taken back, its conversation goes on from an earlier place. Not here: what becomes
//! of one file (`changes::revert`), how conflicts are told (`report`).
//!
//! A revert is a change like any other: it is announced before the first file is touched, done as one, settled, and can be taken
//! back itself. The actor does it between two commands, so that no turn works at the same time.
mod look;
mod report;
mod target;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tenon_protocol::apply::{RevertParams, RevertResult, RevertScope, RevertTo};
use tenon_protocol::change::{FileChange, Uncovered};
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::event::change::ChangeStarted;
use tenon_protocol::event::session::{By, SessionReverted};
use tenon_protocol::ids::{ChangeId, CheckpointId};

use crate::base::ids;
use crate::changes::apply::{ApplyError, apply, remove_empty};
use crate::changes::change::{ChangeSet, FileEdit};
use crate::changes::diff::FileDiff;
use crate::changes::settle::{Recovered, Settled, recover, settle};
use crate::journal::{AppendError, Blobs};
use crate::session::actor::{Actor, Refusal};
use crate::session::difference;
use crate::session::revert::look::{Looked, Looking};
use crate::session::written::{ended, told};
use crate::turn::ports::Fact;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// Paths in the note that the model gets.
const NOTED_MAX: usize = 20;

/// The private column of the event that announces a revert: what is told when it is settled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    to: RevertTo,
    scope: RevertScope,
    at: Option<u64>,
    by: Option<By>,
    /// Folders that go where they are empty then, outermost first.
    folders: Vec<RelPath>,
    skipped: Vec<Uncovered>,
}

/// A revert that was announced and is not settled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reverting {
    started: ChangeStarted,
    record: Record,
}

impl Reverting {
    /// Reads the announcement; `None` for a change of another kind.
    pub(crate) fn of(started: &ChangeStarted, private: Option<&[u8]>) -> Option<Box<Self>> {
        let record = serde_json::from_slice(private?).ok()?;
        Some(Box::new(Self { started: started.clone(), record }))
    }

    /// Tells whether it is this change.
    pub(crate) fn is(&self, change: &ChangeId) -> bool {
        self.started.change_id == *change
    }

    /// Returns what the model is told of it with the next message: nothing where the conversation went back too.
    pub(crate) fn note(&self, files: &[FileChange]) -> Option<String> {
        let paths: Vec<&str> = files.iter().take(NOTED_MAX).map(|file| file.path.as_str()).collect();
        let more = if files.len() > NOTED_MAX { " and others" } else { "" };
        let tells = !files.is_empty() && self.record.at.is_none();
        tells.then(|| {
            format!(
                "[the person took back changes of yours; not as you left them any more: {}{more}. Read a file again before you \
                 rely on it, and do not redo what was taken back unless you are asked to]",
                paths.join(", ")
            )
        })
    }

    fn settled(&self, files: Vec<FileChange>, folders: Vec<String>, uncovered: Vec<Uncovered>) -> Vec<Fact> {
        let ChangeStarted { change_id, checkpoint_id, .. } = self.started.clone();
        let Record { to, scope, at, by, .. } = self.record.clone();
        let is_done = !files.is_empty();
        let applied = ended(&self.started, files, uncovered, folders);
        let reverted = SessionReverted { to, checkpoint_id, scope, change_id: Some(change_id), at, by };
        let reverted = is_done.then(|| Fact::new(reverted));
        std::iter::once(Fact::new(applied)).chain(reverted).collect()
    }
}

/// How far a change got that is over.
struct Over {
    /// Which of its files are as they shall be.
    settled: Settled,
    /// Folders that had to be made.
    folders: Vec<String>,
    /// What went wrong.
    problem: Option<ApplyError>,
}

impl Actor {
    /// Goes back, or says what would happen.
    pub(crate) async fn revert(
        &mut self,
        params: RevertParams,
        by: Option<By>,
    ) -> Result<RevertResult, Refusal> {
        self.at_rest()?;
        self.settle_revert().await?;
        let history = difference::read(&self.resources.journal, &self.state.id).await?;
        let scope = params.scope.unwrap_or(RevertScope::Files);
        let going = self.going(&history, &params.to, scope).await?;
        let at = (scope != RevertScope::Files).then_some(going.at);
        let looked = if scope == RevertScope::Conversation {
            Looked::default()
        } else {
            let looking = Looking {
                history,
                going,
                root: Arc::clone(&self.root),
                blobs: self.blobs(),
                unsaved: self.resources.board.unsaved_in(&self.state.id, &self.root),
                select: params.select,
                resolve: params.resolve.unwrap_or_default(),
            };
            let looked = tokio::task::spawn_blocking(move || looking.look()).await;
            looked.map_err(|error| internal(&error))??
        };
        let checkpoint_id: CheckpointId = ids::new(&*self.resources.entropy);
        let mut result = RevertResult {
            checkpoint_id: checkpoint_id.clone(),
            restored: looked.restored(),
            skipped: looked.skipped.clone(),
            conflicts: looked.conflicts.clone(),
            change_id: None,
            seq: None,
            backups: looked.backups(),
        };
        if params.dry_run == Some(true) {
            return Ok(result);
        }
        if !looked.conflicts.is_empty() && params.partial != Some(true) {
            return Err(report::refusal(&looked.conflicts).into());
        }
        let record =
            Record { to: params.to, scope, at, by, folders: looked.folders.clone(), skipped: looked.skipped };
        result.change_id = self.carry_out(looked.edits, record, checkpoint_id).await?;
        result.seq = Some(self.state.head.seq);
        Ok(result)
    }

    /// Writes, and records it; returns the change, if there was anything to write.
    async fn carry_out(
        &mut self,
        edits: Vec<(FileEdit, FileDiff, bool)>,
        record: Record,
        checkpoint_id: CheckpointId,
    ) -> Result<Option<ChangeId>, Refusal> {
        if edits.is_empty() {
            let Record { to, scope, at, by, .. } = record;
            let reverted = SessionReverted { to, checkpoint_id, scope, change_id: None, at, by };
            self.commit(vec![Fact::new(reverted)]).await?;
            return Ok(None);
        }
        let files: Vec<FileChange> = edits.iter().map(|(edit, diff, _)| edit.to_wire(&diff.hunks)).collect();
        let change = ChangeSet::new(edits.into_iter().map(|(edit, ..)| edit).collect());
        let change = change.map_err(|error| {
            RpcError::new(ErrorKind::Failed, error.to_string())
                .hint("go back in several steps: name the files in `select`")
        })?;
        let change_id: ChangeId = ids::new(&*self.resources.entropy);
        let started = ChangeStarted {
            change_id: change_id.clone(),
            checkpoint_id,
            files,
            call_id: None,
            plan_id: None,
        };
        let private = serde_json::to_vec(&record).map_err(|error| internal(&error))?;
        self.commit(vec![Fact { body: started.clone().into(), private: Some(private) }]).await?;
        let reverting = Reverting { started, record };
        let (root, blobs, folders) = (Arc::clone(&self.root), self.blobs(), reverting.record.folders.clone());
        let work = tokio::task::spawn_blocking(move || write(&root, &change, &blobs, &folders)).await;
        let over = work.map_err(|error| internal(&error))?;
        let problem = self.record(&reverting, over).await?;
        problem.map_or(Ok(Some(change_id)), |error| Err(report::failure(&error).into()))
    }

    /// Brings a revert that was cut to its end: what is done stays, what is not is done now, by digest. Where somebody has edited
    /// a file since, nothing more is written, and what was done by then is what is recorded.
    pub(crate) async fn settle_revert(&mut self) -> Result<(), AppendError> {
        let Some(reverting) = self.state.reverting.clone() else { return Ok(()) };
        let (root, blobs) = (Arc::clone(&self.root), self.blobs());
        let announced = Arc::new(*reverting);
        let cut = Arc::clone(&announced);
        let work = tokio::task::spawn_blocking(move || {
            let change = announced_change(&cut.started.files)?;
            Some(finish(&root, &change, &blobs, &cut.record.folders))
        });
        let nothing = || Over { settled: Settled::Before, folders: Vec::new(), problem: None };
        let over = work.await.ok().flatten().unwrap_or_else(nothing);
        if let Some(problem) = self.record(&announced, over).await? {
            tracing::warn!(session = %self.state.id, error = %problem, "a revert that was cut is not whole");
        }
        Ok(())
    }

    /// Records how far a revert got; returns what went wrong.
    async fn record(&mut self, reverting: &Reverting, over: Over) -> Result<Option<ApplyError>, AppendError> {
        let (done, open) = told(&reverting.started.files, &over.settled, "it could not be taken back");
        let uncovered = reverting.record.skipped.iter().cloned().chain(open).collect();
        self.commit(reverting.settled(done, over.folders, uncovered)).await?;
        Ok(over.problem)
    }

    /// Requires that nothing works in the session.
    fn at_rest(&self) -> Result<(), RpcError> {
        let id = &self.state.id;
        if self.state.closed {
            let error = RpcError::new(ErrorKind::SessionClosed, format!("session {id} is closed"));
            return Err(error.retry(Retry::Never));
        }
        if self.turn.is_some() || self.state.turn.is_some() {
            let error = RpcError::new(ErrorKind::SessionBusy, format!("a turn works in session {id}"));
            return Err(error.retry(Retry::Later).hint("wait for turn.ended, or interrupt it"));
        }
        Ok(())
    }
}

/// Applies the change of a revert. What could not be written is taken back; how far it got is told by digest.
fn write(root: &Root, change: &ChangeSet, blobs: &Blobs, folders: &[RelPath]) -> Over {
    match apply(root, change, blobs) {
        Ok(applied) => {
            remove_empty(root, folders);
            Over { settled: Settled::After, folders: applied.folders(), problem: None }
        }
        Err(error) => Over { settled: settle(root, change), folders: Vec::new(), problem: Some(error) },
    }
}

fn finish(root: &Root, change: &ChangeSet, blobs: &Blobs, folders: &[RelPath]) -> Over {
    match recover(root, change, blobs) {
        Ok(Recovered::Done(applied)) => {
            remove_empty(root, folders);
            Over { settled: Settled::After, folders: applied.folders(), problem: None }
        }
        Ok(Recovered::Unknown(settled)) => Over { settled, folders: Vec::new(), problem: None },
        Err(error) => Over { settled: settle(root, change), folders: Vec::new(), problem: Some(error) },
    }
}

/// Returns the change that was announced; `None` if its files make none.
fn announced_change(files: &[FileChange]) -> Option<ChangeSet> {
    ChangeSet::new(files.iter().map(FileEdit::from_wire).collect::<Option<Vec<_>>>()?).ok()
}

fn internal(error: &dyn std::fmt::Display) -> RpcError {
    RpcError::new(ErrorKind::Internal, error.to_string())
}
