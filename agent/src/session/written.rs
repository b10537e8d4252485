//! Changes that are not a call's: announced, written as one, settled; and those that a crash cut. Not here: which changes
//! (`apply`), and writing files (`changes`).
use std::sync::Arc;

use tenon_protocol::change::{FileChange, Uncovered};
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::event::change::{ChangeApplied, ChangeStarted};
use tenon_protocol::ids::{ChangeId, CheckpointId, PlanId};

use crate::base::{causes, ids};
use crate::changes::apply::{ApplyError, apply};
use crate::changes::change::{ChangeSet, FileEdit};
use crate::changes::settle::{Recovered, Settled, recover, settle};
use crate::journal::{AppendError, BlobError};
use crate::session::actor::{Actor, Refusal};
use crate::session::apply::{changed, hunks_of};
use crate::turn::ports::Fact;
use crate::workspace::path::RelPath;

/// A change that is on the disk and in the log.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// The change.
    pub(crate) change_id: ChangeId,
    /// The place just before it.
    pub(crate) checkpoint_id: CheckpointId,
    /// The files.
    pub(crate) files: Vec<FileChange>,
}

impl Actor {
    /// Writes a change whose contents are stored: announces it, writes all of it or nothing, and records that, together with
    /// what else is true then. When this returns an error nothing was written.
    pub(crate) async fn write_change(
        &mut self,
        edits: Vec<FileEdit>,
        files: Vec<FileChange>,
        plan_id: Option<PlanId>,
        then: Vec<Fact>,
    ) -> Result<Written, Refusal> {
        let internal = |error: String| RpcError::new(ErrorKind::Internal, error);
        let change = ChangeSet::new(edits).map_err(|error| internal(error.to_string()))?;
        let change_id: ChangeId = ids::new(&*self.resources.entropy);
        let checkpoint_id: CheckpointId = ids::new(&*self.resources.entropy);
        let started = ChangeStarted {
            change_id: change_id.clone(),
            checkpoint_id: checkpoint_id.clone(),
            files: files.clone(),
            plan_id,
            call_id: None,
        };
        self.commit(vec![Fact::new(started.clone())]).await?;
        let (root, blobs) = (Arc::clone(&self.root), self.blobs());
        let work = tokio::task::spawn_blocking(move || {
            let applied = apply(&root, &change, &blobs);
            let settled = if applied.is_ok() { Settled::After } else { settle(&root, &change) };
            (applied, settled)
        });
        match work.await.map_err(|error| internal(error.to_string()))? {
            (Ok(applied), _) => {
                let done = ended(&started, files.clone(), Vec::new(), applied.folders());
                let facts = std::iter::once(Fact::new(done)).chain(then);
                self.commit(facts.collect()).await?;
                Ok(Written { change_id, checkpoint_id, files })
            }
            (Err(error), settled) => {
                let (files, uncovered) = told(&files, &settled, &error.to_string());
                self.commit(vec![Fact::new(ended(&started, files, uncovered, Vec::new()))]).await?;
                Err(refused(&error).into())
            }
        }
    }

    /// Settles the change that was announced and never settled: what is not done of it is done now, and where somebody has
    /// edited one of its files since, nothing more is touched.
    pub(crate) async fn settle_started(&mut self) -> Result<(), AppendError> {
        let Some(started) = self.state.writing.clone() else { return Ok(()) };
        let edits = started.files.iter().filter_map(FileEdit::from_wire).collect();
        let (settled, folders) = match ChangeSet::new(edits) {
            Ok(change) => {
                let (root, blobs) = (Arc::clone(&self.root), self.blobs());
                let work = tokio::task::spawn_blocking(move || match recover(&root, &change, &blobs) {
                    Ok(Recovered::Done(applied)) => (Settled::After, applied.folders()),
                    Ok(Recovered::Unknown(settled)) => (settled, Vec::new()),
                    Err(error) => {
                        tracing::warn!(%error, "a change cannot be finished");
                        (settle(&root, &change), Vec::new())
                    }
                });
                work.await.unwrap_or((Settled::Before, Vec::new()))
            }
            Err(_) => (Settled::Before, Vec::new()),
        };
        let reason = "the agent was stopped while it was written";
        let (files, uncovered) = told(&started.files, &settled, reason);
        let mut facts = Vec::new();
        if let Some((id, plan)) =
            started.plan_id.as_ref().and_then(|id| Some((id, self.state.plans.get(id)?)))
        {
            facts.push(Fact::new(changed(id.clone(), plan, &hunks_of(&files))));
        }
        facts.insert(0, Fact::new(ended(&started, files, uncovered, folders)));
        self.commit(facts).await
    }
}

/// Returns how a change ended that was announced.
pub(super) fn ended(
    started: &ChangeStarted,
    files: Vec<FileChange>,
    uncovered: Vec<Uncovered>,
    folders: Vec<String>,
) -> ChangeApplied {
    ChangeApplied {
        change_id: started.change_id.clone(),
        checkpoint_id: started.checkpoint_id.clone(),
        files,
        uncovered,
        folders: (!folders.is_empty()).then_some(folders),
        conflicts: None,
        call_id: started.call_id.clone(),
        plan_id: started.plan_id.clone(),
        job_id: None,
    }
}

/// Returns the files that are as they were to be, and the others with the reason why they are not.
pub(super) fn told(
    files: &[FileChange],
    settled: &Settled,
    reason: &str,
) -> (Vec<FileChange>, Vec<Uncovered>) {
    let is_done = |file: &&FileChange| match settled {
        Settled::After => true,
        Settled::Before => false,
        Settled::Mixed { after, .. } => {
            let path = RelPath::from_wire(&file.path, file.path_encoded == Some(true));
            path.is_ok_and(|path| after.contains(&path))
        }
    };
    let (done, open): (Vec<&FileChange>, Vec<&FileChange>) = files.iter().partition(is_done);
    let uncovered = |file: &FileChange| Uncovered { path: file.path.clone(), reason: reason.to_owned() };
    (done.into_iter().cloned().collect(), open.into_iter().map(uncovered).collect())
}

fn refused(error: &ApplyError) -> RpcError {
    let message = format!("nothing was applied: {}", causes::told(error));
    match error {
        ApplyError::Conflict(_) => RpcError::new(ErrorKind::Conflict, message)
            .retry(Retry::Now)
            .hint("somebody edited a file at this moment; the same call tells what stands in the way"),
        ApplyError::Blob(BlobError::StorageFull) => RpcError::new(ErrorKind::StorageFull, message),
        ApplyError::Blob(_) | ApplyError::File(_) => {
            RpcError::new(ErrorKind::Failed, message).retry(Retry::Later)
        }
        ApplyError::Incomplete { .. } => {
            RpcError::new(ErrorKind::Failed, message.replace("nothing was applied: ", "")).retry(Retry::Never)
        }
    }
}
