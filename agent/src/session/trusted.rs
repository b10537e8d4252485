//! What a workspace's trust is bound to: the files in it that make programs run something, as they were when a person trusted
//! it. Not here: which files those are (`workspace::triggers`), and what trust changes.
use tenon_protocol::event::all::{TrustedFile, WorkspaceItem, WorkspaceRemoved};
use tenon_protocol::request::{RequestItem, RequestKind};
use tenon_protocol::session::TrustState;

use std::time::Duration;

use crate::approvals::Trust;
use crate::base::clock::Timestamp;
use crate::base::digest::Digest;
use crate::journal::{AppendError, ItemKind, ItemWrite};
use crate::session::actor::{Actor, Beside};
use crate::session::answers::resolved;
use crate::session::enables::enables;
use crate::session::resources::Resources;
use crate::turn::ports::Fact;
use crate::workspace::root::Root;
use crate::workspace::stop::Stop;
use crate::workspace::triggers::{self, Triggers};

/// How long is looked for the files; the session waits for it.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);

/// Looks at the files that trust is bound to. It waits for the disk.
pub(crate) async fn look_at(root: &Root) -> Triggers {
    let root = root.clone();
    let looked = tokio::task::spawn_blocking(move || triggers::look(&root, &Stop::after(LOOK_TIMEOUT)));
    looked.await.unwrap_or_default()
}

/// Returns the record that a person trusts a workspace as it is.
pub(crate) fn record(id: String, at: Timestamp, now: &Triggers) -> WorkspaceItem {
    let file = |(path, trigger): (&String, &triggers::Trigger)| TrustedFile {
        path: path.clone(),
        digest: trigger.digest.to_string(),
    };
    WorkspaceItem { id, trusted_at: at.to_rfc3339(), files: Some(now.iter().map(file).collect()) }
}

/// Returns the list entry of a record; of `None`, that there is none any more.
pub(crate) fn entry(id: &str, record: Option<&WorkspaceItem>) -> ItemWrite {
    let json = record.and_then(|record| serde_json::to_string(record).ok());
    ItemWrite { kind: ItemKind::Workspace, id: id.to_owned(), group: id.to_owned(), json }
}

/// Returns what the files are, line by line.
pub(crate) fn lines(now: &Triggers) -> Vec<String> {
    now.iter().map(|(path, trigger)| format!("{path}: {}", trigger.what)).collect()
}

/// Returns what an answer to the question is bound to.
pub(crate) fn digest(now: &Triggers) -> Digest {
    let line =
        |(path, trigger): (&String, &triggers::Trigger)| format!("{}:{path}={}", path.len(), trigger.digest);
    Digest::of(now.iter().map(line).collect::<Vec<_>>().join("\n").as_bytes())
}

/// Returns what differs from the files that were trusted, line by line; nothing where nothing does.
fn differences(record: &WorkspaceItem, now: &Triggers) -> Vec<String> {
    let before = record.files.as_deref().unwrap_or_default();
    let known = |path: &str| before.iter().find(|file| file.path == path);
    let mut lines: Vec<String> = now
        .iter()
        .filter_map(|(path, trigger)| match known(path) {
            None => Some(format!("new since it was trusted: {path}: {}", trigger.what)),
            Some(file) if file.digest != trigger.digest.to_string() => {
                Some(format!("changed since it was trusted: {path}: {}", trigger.what))
            }
            Some(_) => None,
        })
        .collect();
    let gone = before.iter().filter(|file| !now.contains_key(&file.path));
    lines.extend(gone.map(|file| format!("gone since it was trusted: {}", file.path)));
    lines
}

/// That a workspace's trust does not hold any more, because of what is in it now.
#[derive(Debug)]
pub(crate) struct Lapse {
    id: String,
    changes: Vec<String>,
}

impl Lapse {
    /// Looks whether the trust of a workspace still fits what is in it; `None` where it does, or where there is none.
    pub(crate) async fn look(resources: &Resources, root: &Root, workspace: &str) -> Option<Self> {
        let record = resources.standing.trusted.borrow().get(workspace).cloned()?;
        let changes = differences(&record, &look_at(root).await);
        (!changes.is_empty()).then(|| Self { id: workspace.to_owned(), changes })
    }

    /// Adds to a commit that the trust is gone.
    pub(crate) fn record(&self, beside: &mut Beside) {
        beside.items.push(entry(&self.id, None));
        let removed = WorkspaceRemoved { id: self.id.clone(), changes: Some(self.changes.clone()) };
        beside.machine.push(Fact::new(removed));
    }

    /// Lets it count, once it is committed.
    pub(crate) fn settle(&self, resources: &Resources, root: &Root) {
        resources.files.forget(root.path());
        resources.standing.distrust(&self.id);
    }
}

/// Returns how far a workspace is trusted for its own sake, after a look.
pub(crate) fn trust_of(resources: &Resources, workspace: &str, lapse: Option<&Lapse>) -> Trust {
    match lapse {
        Some(_) => Trust { state: TrustState::Untrusted, setting: None },
        None => resources.standing.trust_of(workspace),
    }
}

impl Actor {
    /// Looks whether the workspace is still what a person trusted. If not, it is trusted no more, and asked about with the
    /// difference; and so is one whose trust went elsewhere, unless somebody said no here.
    pub(crate) async fn check_trust(&mut self) -> Result<(), AppendError> {
        let workspace = self.state.listed.item.workspace.clone();
        let lapse = Lapse::look(&self.resources, &self.root, &workspace).await;
        let trusted = lapse.is_none() && self.resources.standing.trusts(&workspace);
        if trusted || self.trust_request().is_some() || self.declined_trust() {
            return Ok(());
        }
        let question = self.ask_trust(lapse.as_ref()).await;
        let mut beside = Beside::default();
        if let Some(lapse) = &lapse {
            lapse.record(&mut beside);
        }
        self.commit_with(vec![question], beside).await?;
        if let Some(lapse) = &lapse {
            lapse.settle(&self.resources, &self.root);
        }
        Ok(())
    }

    /// Whether somebody said no to the question here, or needs no answer to it.
    fn declined_trust(&self) -> bool {
        let asked = self.state.resolved.iter().rev().find(|done| done.item.kind == RequestKind::Trust);
        self.state.settings.trust.is_some() || asked.is_some_and(|done| done.decision == "deny")
    }

    /// Returns the question whether the workspace is trusted, with all that it would mean.
    pub(crate) async fn ask_trust(&mut self, lapse: Option<&Lapse>) -> Fact {
        let now = look_at(&self.root).await;
        let profile = self.state.settings.profile.clone().unwrap_or_default();
        let mut told = lapse.map(|lapse| lapse.changes.clone()).unwrap_or_default();
        told.extend(enables(&self.root.clone(), &profile).await);
        told.extend(lines(&now));
        let reason = match lapse {
            None => "nobody has trusted this workspace yet",
            Some(_) => "what can make programs run something has changed since this workspace was trusted",
        };
        self.trust_question(told, &digest(&now), reason)
    }

    /// Returns the record that an answer makes, if the workspace is still what the question showed; else asks again.
    pub(crate) async fn trust_shown(
        &mut self,
        request: &RequestItem,
    ) -> Result<Option<WorkspaceItem>, AppendError> {
        let now = look_at(&self.root).await;
        // A question of an earlier version has no digest.
        if request.digest.as_ref().is_some_and(|shown| *shown == digest(&now).to_string()) {
            let id = self.state.listed.item.workspace.clone();
            return Ok(Some(record(id, self.resources.clock.now(), &now)));
        }
        let again = self.ask_trust(None).await;
        self.commit(vec![resolved(&request.request_id, "outdated"), again]).await?;
        Ok(None)
    }
}
