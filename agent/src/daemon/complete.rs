//! `agent/complete`: what may stand at a place in a message, and the names of workspaces, kept while somebody types. Not
//! here: how a mention is written (`base::mention`), commands (`commands`), how names are found (`workspace::names`).
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tenon_protocol::complete::{ByteRange, CompleteParams, CompleteResult, CompletionItem, CompletionKind};
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::ids::SessionId;
use tokio::sync::{Semaphore, watch};

use crate::base::clock::Timestamp;
use crate::base::mention::{self, Mention};
use crate::base::task::{self, Task};
use crate::daemon::Daemon;
use crate::daemon::doors::resolve;
use crate::workspace::commands;
use crate::workspace::error::FileError;
use crate::workspace::names::{Best, Name, Names};
use crate::workspace::root::Root;
use crate::workspace::stop::Stop;

/// Items of an answer: more than a menu shows.
const ITEMS_MAX: usize = 50;

/// How long a walk may take; what it has found by then is offered.
const WALK_TIMEOUT: Duration = Duration::from_secs(3);

/// Workspaces whose names are kept at once.
const SHELVES_MAX: usize = 4;

/// How long names are kept after somebody typed last.
const KEPT_FOR: Duration = Duration::from_mins(1);

/// The names of the workspaces that somebody completes in.
#[derive(Debug)]
pub(crate) struct Shelves {
    /// The one used last stands last.
    shelves: watch::Sender<Vec<(PathBuf, Arc<Shelf>)>>,
    /// What clears them when nobody types any more: held so that it lives.
    clearing: watch::Sender<Option<Task<()>>>,
}

/// The names of one workspace.
#[derive(Debug)]
struct Shelf {
    /// One looks at the disk at a time; the others find what it found.
    looking: Arc<Semaphore>,
    names: watch::Sender<Option<Arc<Names>>>,
}

impl Default for Shelves {
    fn default() -> Self {
        Self { shelves: watch::Sender::new(Vec::new()), clearing: watch::Sender::new(None) }
    }
}

impl Shelves {
    /// Returns the shelf of a workspace; the one that was not used longest makes room.
    fn shelf(&self, root: &Path) -> Arc<Shelf> {
        let mut shelf =
            Arc::new(Shelf { looking: Arc::new(Semaphore::new(1)), names: watch::Sender::new(None) });
        self.shelves.send_modify(|shelves| {
            if let Some(at) = shelves.iter().position(|(path, _)| path == root) {
                shelf = shelves.remove(at).1;
            }
            shelves.push((root.to_owned(), Arc::clone(&shelf)));
            let surplus = shelves.len().saturating_sub(SHELVES_MAX);
            shelves.drain(..surplus);
        });
        shelf
    }
}

impl Shelf {
    /// Returns the names that are true now. Blocks; one looks at a time.
    fn look(&self, root: &Root, now: Timestamp) -> Result<Arc<Names>, FileError> {
        let kept = self.names.borrow().clone();
        if let Some(names) = kept.filter(|names| names.are_true(root)) {
            return Ok(names);
        }
        let names = Arc::new(Names::gather(root, now, &Stop::after(WALK_TIMEOUT))?);
        self.names.send_replace(Some(Arc::clone(&names)));
        Ok(names)
    }
}

impl Daemon {
    /// Returns what may stand at a place in a message; `at` is that place, between two characters of the text.
    pub(crate) async fn complete(
        &self,
        params: CompleteParams,
        at: usize,
    ) -> Result<CompleteResult, RpcError> {
        let root = self.root_of(params.session_id.as_ref(), params.workspace.as_deref()).await?;
        if let Some((typed, range)) = commands::typed(&params.text, at) {
            return self.complete_command(root, typed, byte_range(range), ITEMS_MAX).await;
        }
        match (root, mention::around(&params.text, at)) {
            (Some(root), Some(mention)) => {
                Ok(mentions(&mention, self.names(root, mention.path.clone()).await?))
            }
            _ => Ok(CompleteResult { items: Vec::new(), more: None }),
        }
    }

    /// Returns the workspace that is meant, if one is.
    pub(in crate::daemon) async fn root_of(
        &self,
        session: Option<&SessionId>,
        workspace: Option<&str>,
    ) -> Result<Option<PathBuf>, RpcError> {
        let session = match session {
            Some(id) => Some(self.workspace_of(id).await?),
            None => None,
        };
        let named = workspace.map(resolve).transpose()?;
        let own = session.as_deref().map(resolve).transpose()?;
        match (own, named) {
            (Some(own), Some(named)) if own != named => Err(RpcError::new(
                ErrorKind::InvalidParams,
                format!("the session belongs to {}, not to {}", own.display(), named.display()),
            )),
            (own, named) => Ok(own.or(named)),
        }
    }

    /// Returns the names of a workspace that fit best, looking at the disk first.
    async fn names(&self, path: PathBuf, sought: String) -> Result<Best, RpcError> {
        let shelf = self.0.shelves.shelf(&path);
        self.clear_later();
        let now = self.0.resources.clock.now();
        let internal = |error: String| RpcError::new(ErrorKind::Internal, error);
        let permit = Arc::clone(&shelf.looking).acquire_owned().await;
        let permit = permit.map_err(|error| internal(error.to_string()))?;
        let looked = tokio::task::spawn_blocking(move || {
            // Held until the walk is over, whoever still waits for it.
            let _looking = permit;
            let root = Root::open(&path).map_err(|error| gone(&error.to_string()))?;
            shelf
                .look(&root, now)
                .map(|names| names.best(&sought, ITEMS_MAX))
                .map_err(|error| gone(&error.to_string()))
        });
        looked.await.map_err(|error| internal(error.to_string()))?
    }

    /// Clears the shelves once nobody has typed for a while.
    fn clear_later(&self) {
        let (shelves, alarm) = (self.0.shelves.shelves.clone(), self.0.resources.clock.sleep(KEPT_FOR));
        let clearing = task::spawn(async move {
            alarm.await;
            shelves.send_modify(Vec::clear);
        });
        self.0.shelves.clearing.send_replace(Some(clearing));
    }
}

fn gone(reason: &str) -> RpcError {
    RpcError::new(ErrorKind::WorkspaceNotFound, reason)
}

fn byte_range(range: Range<usize>) -> ByteRange {
    let place = |at: usize| u64::try_from(at).unwrap_or(u64::MAX);
    ByteRange { start: place(range.start), end: place(range.end) }
}

/// Makes items of names. A folder's ends with a slash, behind which its files can be asked for.
fn mentions(mention: &Mention, best: Best) -> CompleteResult {
    let range = byte_range(mention.range.clone());
    let item = |name: Name| {
        let path = if name.folder { format!("{}/", name.path) } else { name.path.into_string() };
        let kind = if name.folder { CompletionKind::Folder } else { CompletionKind::File };
        let insert = mention::write(&path)?;
        let (folder, label) = match path.trim_end_matches('/').rsplit_once('/') {
            Some((folder, _)) => (Some(folder.to_owned()), path[folder.len() + 1..].to_owned()),
            None => (None, path),
        };
        Some(CompletionItem { label, kind, insert, range: range.clone(), detail: folder })
    };
    CompleteResult {
        items: best.names.into_iter().filter_map(item).collect(),
        more: best.more.then_some(true),
    }
}
