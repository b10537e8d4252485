//! Commands and skills, kept true while they are on disk: what comes, changes and goes is told in the `all` log, and so is what is
//! none, with the reason. Not here: which files they are (`workspace::commands`), and lists and menus of them (`commands`).
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::event::EventBody;
use tenon_protocol::event::all::Notice;
use tenon_protocol::event::catalogue::{
    CommandAdded, CommandChanged, CommandRemoved, SkillAdded, SkillChanged, SkillRemoved,
};
use tokio::sync::watch;

use crate::base::uri;
use crate::daemon::Daemon;
use crate::daemon::commands::{command_item, skill_item};
use crate::workspace::commands::{Commands, Kind, Listed, Looked, Skipped};
use crate::workspace::root::Root;
use crate::workspace::stop::Stop;

/// How long is looked for commands and skills; what was found by then counts.
const LOOK_TIMEOUT: Duration = Duration::from_secs(3);

/// Workspaces whose commands are kept; one more forgets another, whose changes are then told to nobody.
const WORKSPACES_MAX: usize = 64;

/// What was told of the commands and skills of each workspace, and of those without one.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// `None` is what was not looked at yet.
    known: watch::Sender<BTreeMap<Option<PathBuf>, Option<Arc<Looked>>>>,
}

impl Texts {
    /// Returns a receiver that is woken when there is more to keep true.
    pub(in crate::daemon) fn changes(
        &self,
    ) -> watch::Receiver<BTreeMap<Option<PathBuf>, Option<Arc<Looked>>>> {
        self.known.subscribe()
    }

    /// Returns the folders in which something may change.
    pub(in crate::daemon) fn folders(&self) -> Vec<PathBuf> {
        let known = self.known.borrow();
        let mut folders: Vec<PathBuf> =
            known.values().flatten().flat_map(|looked| looked.folders.iter().cloned()).collect();
        folders.sort();
        folders.dedup();
        folders
    }

    /// Begins to keep those of a workspace (or those without one) true, as they were found now, where somebody has looked.
    fn keep(&self, root: Option<PathBuf>, found: Option<Arc<Looked>>) {
        // What is none was not told yet.
        let told = |looked: Arc<Looked>| Arc::new(Looked { skipped: Vec::new(), ..(*looked).clone() });
        self.known.send_if_modified(|known| {
            match known.get_mut(&root) {
                Some(Some(_)) => return false,
                Some(unseen) => *unseen = found.map(told),
                None => {
                    let surplus = known.keys().flatten().next().cloned();
                    if let Some(surplus) = surplus.filter(|_| known.len() > WORKSPACES_MAX) {
                        known.remove(&Some(surplus));
                    }
                    known.insert(root, found.map(told));
                }
            }
            true
        });
    }
}

impl Daemon {
    /// Keeps the commands and skills of a workspace true from now on.
    pub(in crate::daemon) fn keep_texts(&self, root: Option<PathBuf>) {
        self.0.texts.keep(root, None);
    }

    /// Returns the commands and skills of a workspace, or the person's own, as they are now; what changes from here on is told.
    pub(in crate::daemon) async fn texts(&self, root: Option<PathBuf>) -> Result<Arc<Looked>, RpcError> {
        let looked = Arc::new(self.look_at_texts(root.clone()).await?);
        self.0.texts.keep(root, Some(Arc::clone(&looked)));
        Ok(looked)
    }

    /// Looks again at all that is kept, and tells what differs. One at a time may call this.
    ///
    /// # Errors
    /// The log cannot be written; what was not told is told the next time.
    pub(in crate::daemon) async fn tell_texts(&self) -> Result<(), RpcError> {
        let known: Vec<_> = self.0.texts.known.borrow().keys().cloned().collect();
        for root in known {
            let now = Arc::new(self.look_at_texts(root.clone()).await?);
            let Some(before) = self.0.texts.known.borrow().get(&root).cloned() else { continue };
            // What a slow disk kept from being found is not gone.
            if now.is_cut || before.as_ref() == Some(&now) {
                continue;
            }
            let workspace = root.as_ref().map(|root| uri::of_path(root));
            for event in differences(before.as_deref(), &now, workspace.as_ref()) {
                self.machine(event, Vec::new()).await?;
            }
            self.0.texts.known.send_modify(|known| {
                known.insert(root, Some(now));
            });
        }
        Ok(())
    }

    async fn look_at_texts(&self, root: Option<PathBuf>) -> Result<Looked, RpcError> {
        let standing = &self.0.resources.standing;
        let trusted = root.filter(|root| standing.trust_of(&uri::of_path(root)).reads_configuration());
        let user_file = self.0.resources.files.user_file().to_owned();
        // Waits for the disk.
        let looked = tokio::task::spawn_blocking(move || {
            let root = trusted.and_then(|root| Root::open(&root).ok());
            Commands::of(root.as_ref(), &user_file).look(&Stop::after(LOOK_TIMEOUT))
        });
        looked.await.map_err(|error| RpcError::new(ErrorKind::Internal, error.to_string()))
    }
}

/// Returns what tells a client that knows the list as it was `before` of the list as it is `now`. Where nobody has looked before,
/// nothing in it is new; what is none is told all the same.
fn differences(before: Option<&Looked>, now: &Looked, workspace: Option<&String>) -> Vec<EventBody> {
    let mut events = Vec::new();
    if let Some(before) = before {
        let same = |a: &Listed, b: &Listed| a.kind == b.kind && a.name == b.name;
        let gone = before.listed.iter().filter(|old| !now.listed.iter().any(|new| same(old, new)));
        events.extend(gone.map(|old| removed(old, workspace)));
        for new in &now.listed {
            match before.listed.iter().find(|old| same(old, new)) {
                None => events.push(added(new, workspace)),
                Some(old) if old != new => events.push(changed(new, workspace)),
                Some(_) => {}
            }
        }
    }
    // The person's own are told once, not again in every workspace.
    let is_ours = |skipped: &&Skipped| skipped.of_workspace == workspace.is_some();
    let is_new = |skipped: &&Skipped| before.is_none_or(|before| !before.skipped.contains(skipped));
    events.extend(now.skipped.iter().filter(is_ours).filter(is_new).map(notice));
    events
}

fn notice(skipped: &Skipped) -> EventBody {
    let kind = match skipped.kind {
        Kind::Command => "command",
        Kind::Skill => "skill",
    };
    let message = format!("{} is no {kind}: {}", skipped.file.display(), skipped.why);
    Notice { kind: kind.to_owned(), message }.into()
}

fn added(new: &Listed, workspace: Option<&String>) -> EventBody {
    let workspace = workspace.cloned();
    match new.kind {
        Kind::Command => CommandAdded { item: command_item(new), workspace }.into(),
        Kind::Skill => SkillAdded { item: skill_item(new), workspace }.into(),
    }
}

fn changed(new: &Listed, workspace: Option<&String>) -> EventBody {
    let workspace = workspace.cloned();
    match new.kind {
        Kind::Command => CommandChanged { item: command_item(new), workspace }.into(),
        Kind::Skill => SkillChanged { item: skill_item(new), workspace }.into(),
    }
}

fn removed(old: &Listed, workspace: Option<&String>) -> EventBody {
    let (id, workspace) = (old.name.clone(), workspace.cloned());
    match old.kind {
        Kind::Command => CommandRemoved { id, workspace }.into(),
        Kind::Skill => SkillRemoved { id, workspace }.into(),
    }
}
