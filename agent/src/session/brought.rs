//! What a command had written when the agent was stopped: it lies in the command's layer, and is brought into the workspace as
//! an interrupt would have done. Not here: how the call is settled (`leftover`).
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tenon_protocol::event::change::{ChangeApplied, ChangeStarted};

use crate::base::ids;
use crate::changes::blobs::BlobStore;
use crate::changes::capture::{BUDGET_BYTES, Bases, Captured, Committed, Look, commit, look};
use crate::changes::settle::{Recovered, Settled, recover};
use crate::projections::turn::OpenCall;
use crate::sandbox::LayerFolder;
use crate::session::actor::Actor;
use crate::session::leftover::change_of_files;
use crate::session::written::ended;
use crate::turn::ports::Fact;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// How long a command whose agent died is waited for, and how often it is looked at: its supervisor ends it within a second.
const DYING: (Duration, Duration) = (Duration::from_secs(2), Duration::from_millis(20));

/// Names in what the model is told; the rest is counted.
const NAMES_MAX: usize = 10;

/// What was brought in.
pub(super) struct Brought {
    /// The change.
    pub(super) applied: ChangeApplied,
    /// What the model is told.
    pub(super) told: String,
}

impl Actor {
    /// Brings in what lies in a command's layer; `None` where there is none, or nothing in it. A change that was begun is
    /// finished by digest, and nothing is asked: protected files are left out, and told.
    pub(super) async fn bring_in(&mut self, call: &OpenCall) -> Option<Brought> {
        let place = LayerFolder::place(&self.resources.records_dir, call.id.as_str());
        let layer = LayerFolder::open(place).ok()?;
        self.wait_for_death(call.id.as_str()).await;
        let policy = self.policy();
        let is_guarded = move |path: &RelPath| policy.decide_written(path).is_some();
        let (root, blobs) = (Arc::clone(&self.root), self.blobs());
        let bring = Bring { root, blobs: Arc::new(blobs), layer, is_guarded: Arc::new(is_guarded) };
        let own = bring.clone();
        let mut captured = tokio::task::spawn_blocking(move || own.look()).await.ok()??;
        let begun = match &call.begun {
            Some(begun) => begun.clone(),
            None if captured.is_empty() => return None,
            None => self.begin(call, &mut captured, &bring).await?,
        };
        let is_new = call.begun.is_none();
        let (own, started) = (bring.clone(), begun.clone());
        let work = move || if is_new { own.commit(captured) } else { own.finish(&started, captured) };
        let committed = tokio::task::spawn_blocking(work).await.ok()??;
        let told = sentence(&committed);
        let Committed { files, folders, uncovered, conflicts } = committed;
        let folders: Vec<String> = folders.iter().map(|folder| folder.to_wire().0.into_owned()).collect();
        let conflicts = (!conflicts.is_empty()).then_some(conflicts);
        let applied = ChangeApplied { conflicts, ..ended(&begun, files, uncovered, folders) };
        Some(Brought { applied, told })
    }

    /// Waits until the supervisor of a call or job has recorded that nothing of it is left; it may be gone itself.
    pub(super) async fn wait_for_death(&mut self, id: &str) {
        let mut waited = Duration::ZERO;
        while waited < DYING.0
            && self.recorded(id).is_some_and(|record| record.spawned && record.exit.is_none())
        {
            self.resources.clock.sleep(DYING.1).await;
            waited += DYING.1;
        }
    }

    /// Records the change before it is made.
    async fn begin(
        &mut self,
        call: &OpenCall,
        captured: &mut Captured,
        bring: &Bring,
    ) -> Option<ChangeStarted> {
        let refused: BTreeSet<RelPath> =
            captured.paths().filter(|path| (bring.is_guarded)(path)).cloned().collect();
        let over = captured.over_budget.iter().map(|entry| entry.path.clone());
        let left: Vec<RelPath> = refused.iter().cloned().chain(over).collect();
        captured.leave_out(&refused);
        captured.note_left_out(&left);
        let started = ChangeStarted {
            change_id: ids::new(&*self.resources.entropy),
            checkpoint_id: ids::new(&*self.resources.entropy),
            files: captured.files.iter().map(|file| file.wire.clone()).collect(),
            call_id: Some(call.id.clone()),
            plan_id: None,
        };
        self.commit(vec![Fact::new(started.clone())]).await.ok()?;
        Some(started)
    }
}

/// Says what is in the workspace, and what is not.
fn sentence(committed: &Committed) -> String {
    let list = |paths: Vec<&str>| {
        let more = paths.len().saturating_sub(NAMES_MAX);
        let shown = paths[..paths.len() - more].join(", ");
        if more > 0 { format!("{shown} and {more} more") } else { shown }
    };
    let files: Vec<&str> = committed.files.iter().map(|file| file.path.as_str()).collect();
    let left: Vec<&str> = committed.conflicts.iter().map(|conflict| conflict.path.as_str()).collect();
    let mut text = if files.is_empty() {
        "It had changed no file that can be undone.".to_owned()
    } else {
        format!("What it had written until then is in the workspace: {}.", list(files))
    };
    if !left.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(text, " Left as somebody else changed them meanwhile: {}.", list(left));
    }
    text
}

/// What bringing in takes.
#[derive(Clone)]
struct Bring {
    root: Arc<Root>,
    blobs: Arc<dyn BlobStore>,
    layer: LayerFolder,
    is_guarded: Arc<dyn Fn(&RelPath) -> bool + Send + Sync>,
}

impl Bring {
    fn look(&self) -> Option<Captured> {
        let layer = Root::open(&self.layer.upper()).ok()?;
        let request = Look {
            root: &self.root,
            layer: &layer,
            blobs: &*self.blobs,
            since_ns: self.layer.since_ns(),
            bases: &Bases::default(),
            budget_bytes: BUDGET_BYTES,
        };
        told(look(&request, &*self.is_guarded))
    }

    fn commit(&self, captured: Captured) -> Option<Committed> {
        let layer = Root::open(&self.layer.upper()).ok()?;
        told(commit(&self.root, &layer, captured, &*self.blobs, &*self.is_guarded))
    }

    /// Finishes a change that was begun: what is done stays, what is not done is done now; what somebody else has edited since
    /// is left. Then what it carries over is.
    fn finish(&self, begun: &ChangeStarted, captured: Captured) -> Option<Committed> {
        let change = change_of_files(&begun.files)?;
        let left = match told(recover(&self.root, &change, &*self.blobs))? {
            Recovered::Done(_) => Vec::new(),
            Recovered::Unknown(Settled::Mixed { before, other, .. }) => [before, other].concat(),
            Recovered::Unknown(Settled::After | Settled::Before) => Vec::new(),
        };
        let is_left = |name: &str| left.iter().any(|path| path.to_wire().0 == name);
        let rest = Captured { files: Vec::new(), conflicts: Vec::new(), ..captured };
        let mut committed = self.commit(rest)?;
        committed.files = begun.files.iter().filter(|file| !is_left(&file.path)).cloned().collect();
        for path in left {
            let edit = change.edits().iter().find(|edit| edit.path == path)?;
            committed.conflicts.push(crate::changes::capture::in_the_way(&self.root, edit));
        }
        Some(committed)
    }
}

fn told<T, E: std::error::Error>(outcome: Result<T, E>) -> Option<T> {
    outcome.inspect_err(|error| tracing::warn!(%error, "what a command wrote could not be brought in")).ok()
}
