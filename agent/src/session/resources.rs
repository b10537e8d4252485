//! What every session of the daemon shares. Not here: anything of one session.
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use tenon_protocol::event::all::{GrantItem, WorkspaceItem};
use tenon_protocol::ids::{JobId, SessionId};
use tenon_protocol::session::TrustState;
use tokio::sync::watch;

use crate::approvals::Trust;
use crate::base::clock::SharedClock;
use crate::base::ids::SharedEntropy;
use crate::config::files::Files;
use crate::feed::Feed;
use crate::journal::Journal;
use crate::process::Spawn;
use crate::sandbox::{Caches, Capturing, LayerFolder, Probing};
use crate::session::answerers::Answerers;
use crate::session::looking::Board;
use crate::tools::Registry;

/// What people decided for good: trusted workspaces and grants. The journal holds it; this is the copy everybody reads.
#[derive(Debug)]
pub(crate) struct Standing {
    /// Trusted workspaces by their `file://` URIs, each with what its trust is bound to.
    pub(crate) trusted: watch::Sender<Arc<BTreeMap<String, WorkspaceItem>>>,
    /// Grants of all workspaces.
    pub(crate) grants: watch::Sender<Arc<Vec<GrantItem>>>,
}

impl Standing {
    /// Takes what the journal holds.
    pub(crate) fn new(trusted: Vec<WorkspaceItem>, grants: Vec<GrantItem>) -> Self {
        let trusted = trusted.into_iter().map(|item| (item.id.clone(), item)).collect();
        Self { trusted: watch::Sender::new(Arc::new(trusted)), grants: watch::Sender::new(Arc::new(grants)) }
    }

    /// Tells whether a workspace is trusted now.
    pub(crate) fn trusts(&self, workspace: &str) -> bool {
        self.trusted.borrow().contains_key(workspace)
    }

    /// Returns the trust of a workspace for its own sake: no session's setting counts.
    pub(crate) fn trust_of(&self, workspace: &str) -> Trust {
        let state = if self.trusts(workspace) { TrustState::Trusted } else { TrustState::Untrusted };
        Trust { state, setting: None }
    }

    /// Adds a trusted workspace that was committed.
    pub(crate) fn trust(&self, item: WorkspaceItem) {
        self.trusted.send_modify(|known| {
            Arc::make_mut(known).insert(item.id.clone(), item);
        });
    }

    /// Removes a workspace whose trust was taken back durably.
    pub(crate) fn distrust(&self, workspace: &str) {
        self.trusted.send_modify(|known| {
            Arc::make_mut(known).remove(workspace);
        });
    }

    /// Adds a grant that was committed.
    pub(crate) fn grant(&self, grant: GrantItem) {
        self.grants.send_modify(|grants| Arc::make_mut(grants).push(grant));
    }

    /// Removes a grant that was taken back durably; tells whether it was there.
    pub(crate) fn revoke(&self, id: &tenon_protocol::ids::GrantId) -> bool {
        let mut found = false;
        self.grants.send_modify(|grants| {
            let before = grants.len();
            Arc::make_mut(grants).retain(|grant| grant.id != *id);
            found = grants.len() < before;
        });
        found
    }
}

impl Resources {
    /// Returns the file of a command's records, by the id of its call or job.
    pub(crate) fn record_of(&self, id: &str) -> PathBuf {
        self.records_dir.join(format!("{id}.jsonl"))
    }

    /// Removes the layer of a call, if it has one. It may be large, so nobody waits for it.
    pub(crate) fn forget_layer(&self, call: &str) {
        if let Ok(layer) = LayerFolder::open(LayerFolder::place(&self.records_dir, call)) {
            remove(layer);
        }
    }

    /// Returns the file that says, by being there, that what a running call writes is dropped: it counts after a crash too.
    pub(crate) fn dropped_of(&self, call: &str) -> PathBuf {
        self.records_dir.join(format!("{call}.dropped"))
    }

    /// Returns where the shadow tree of a plan turn, or of tests, lies.
    pub(crate) fn shadow_of(&self, id: &str) -> PathBuf {
        LayerFolder::shadow_place(&self.records_dir, id)
    }

    /// Removes a shadow tree, if there is one: nobody waits for it.
    pub(crate) fn forget_shadow(&self, id: &str) {
        if let Ok(shadow) = LayerFolder::open(self.shadow_of(id)) {
            remove(shadow);
        }
    }

    /// Returns the file that tells what was in the workspace before a job, while it runs.
    pub(crate) fn before_of(&self, id: &str) -> PathBuf {
        self.records_dir.join(format!("{id}.before"))
    }

    /// Returns the file of a job's output while it runs.
    pub(crate) fn output_of(&self, id: &str) -> PathBuf {
        self.records_dir.join(format!("{id}.out"))
    }
}

fn remove(layer: LayerFolder) {
    tokio::task::spawn_blocking(move || {
        if let Err(error) = layer.remove() {
            tracing::warn!(%error, "a layer was not removed");
        }
    });
}

/// Where turns stand still while the daemon leaves. There everything is settled and recorded, and the next daemon goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hold {
    /// They do not.
    #[default]
    Nowhere,
    /// Before their first request to the model: those that run may finish, and none begins.
    Turns,
    /// Before their next request to the model.
    Steps,
}

impl Hold {
    /// Tells whether a try is not begun.
    pub(crate) const fn holds(self, step: u32, attempt: u32) -> bool {
        match self {
            Self::Nowhere => false,
            Self::Turns => step == 1 && attempt == 1,
            Self::Steps => true,
        }
    }
}

/// What every session shares.
#[derive(Debug)]
pub(crate) struct Resources {
    /// The log.
    pub(crate) journal: Journal,
    /// Subscriptions, and where deltas go.
    pub(crate) feed: Feed,
    /// Time.
    pub(crate) clock: SharedClock,
    /// Ids and jitter.
    pub(crate) entropy: SharedEntropy,
    /// The tools.
    pub(crate) registry: Registry,
    /// What starts commands.
    pub(crate) spawner: Arc<dyn Spawn>,
    /// What sandbox there is.
    pub(crate) probing: Probing,
    /// Whether what commands write can be caught.
    pub(crate) capturing: Arc<Capturing>,
    /// Copies of caches that commands write to.
    pub(crate) caches: Arc<Caches>,
    /// The files of the configuration, and what was last good in each.
    pub(crate) files: Files,
    /// Where the records of commands are.
    pub(crate) records_dir: PathBuf,
    /// What people decided for good.
    pub(crate) standing: Standing,
    /// Who could show a person the requests of which session.
    pub(crate) answerers: Answerers,
    /// The sessions whose turn runs now; one that waits for a person or stands still does not count.
    pub(crate) running: watch::Sender<Arc<BTreeSet<SessionId>>>,
    /// What people look at.
    pub(crate) board: Board,
    /// Where turns stand still.
    pub(crate) hold: watch::Sender<Hold>,
    /// The jobs that run, and whether nobody waits for each.
    pub(crate) jobs: watch::Sender<Arc<BTreeMap<JobId, bool>>>,
}
