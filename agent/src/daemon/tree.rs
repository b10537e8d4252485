//! A session observed together with what descends from it: one subscription that reads several logs. Not here: reading one of
//! them (`feed`).
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream, SelectAll};
use serde::Deserialize;
use tenon_protocol::cursor::Cursor;
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::ids::SessionId;
use tenon_protocol::log::{After, ObserveParams};

use crate::daemon::doors::read_error;
use crate::daemon::{Caller, Daemon, Seeing};
use crate::feed::{self, Frame, Subscription, Want};
use crate::journal::{ItemKind, LogId, ReadError, TypeFilter};

/// What is told of descendants: enough to show what they do and to answer for them. Their messages are in their own logs.
const TOLD: [&str; 3] = ["session.*", "request.*", "turn.*"];

/// In the machine's log, what names a session with its parent.
const LISTED: [&str; 2] = ["session.added", "session.changed"];

/// Descendants of one subscription. More than a person forks a session; each costs a few hundred bytes and a read.
const DESCENDANTS_MAX: usize = 1_000;

/// Entries of the list of sessions that are read at once.
const ENTRIES_READ: usize = 10_000;

/// What a client observes.
#[derive(Debug)]
pub(crate) enum Observing {
    /// One log.
    Log(Box<Subscription>),
    /// A session and its descendants.
    Tree(Box<Tree>),
}

/// A frame, and whether it is a descendant's.
pub(crate) struct Observed {
    pub(crate) frame: Frame,
    pub(crate) is_descendants: bool,
}

/// A subscription to a session and its descendants.
pub(crate) struct Tree {
    daemon: Daemon,
    branching: Branching,
    own: Subscription,
    /// The machine's log, which tells of every new session.
    listed: Subscription,
    /// Descendants whose history is to be told first.
    earlier: VecDeque<Branch>,
    /// Descendants whose history was told.
    branches: SelectAll<BoxStream<'static, Frame>>,
    /// The session and every descendant that was ever seen.
    family: BTreeSet<SessionId>,
    stage: Stage,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Opening,
    /// What happened, of the descendants first: all of it lies before `observe.live`.
    Earlier,
    Own,
    Live,
    Closed,
}

/// How descendants are read for this client.
struct Branching {
    types: TypeFilter,
    /// Whether the client can show a person their requests.
    shows_requests: bool,
}

/// One descendant.
struct Branch {
    subscription: Subscription,
    /// Held so that its requests have somebody to ask.
    _seeing: Option<Seeing>,
}

/// What is read of an entry in the list of sessions.
#[derive(Deserialize)]
struct Entry {
    id: SessionId,
    #[serde(default)]
    parent: Option<SessionId>,
}

/// What is read of an event that tells of one.
#[derive(Deserialize)]
struct Told {
    data: ToldData,
}

#[derive(Deserialize)]
struct ToldData {
    item: Entry,
}

impl Observing {
    /// Returns the place in the log that is observed up to which events were handed out.
    pub(crate) fn cursor(&self) -> Cursor {
        match self {
            Self::Log(subscription) => subscription.cursor(),
            Self::Tree(tree) => tree.own.cursor(),
        }
    }

    /// Returns the next frame; `None` when it is over. May be dropped between two frames, not within.
    pub(crate) async fn next(&mut self) -> Option<Observed> {
        match self {
            Self::Log(subscription) => subscription.next().await.map(Observed::own),
            Self::Tree(tree) => tree.next().await,
        }
    }
}

impl Observed {
    const fn own(frame: Frame) -> Self {
        Self { frame, is_descendants: false }
    }

    /// Takes what a descendant's log tells; where its own subscription begins and ends is nobody's business.
    fn of_descendant(frame: Frame) -> Option<Self> {
        matches!(frame, Frame::Event(_)).then_some(Self { frame, is_descendants: true })
    }
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tree")
            .field("own", &self.own)
            .field("family", &self.family.len())
            .finish_non_exhaustive()
    }
}

impl Branch {
    fn stream(self) -> BoxStream<'static, Frame> {
        let next = |mut branch: Self| async { Some((branch.subscription.next().await?, branch)) };
        stream::unfold(self, next).boxed()
    }
}

impl Branching {
    async fn branch(
        &self,
        daemon: &Daemon,
        id: &SessionId,
        after: After,
        news: bool,
    ) -> Result<Branch, ReadError> {
        let log = LogId::Session(id.clone());
        let want = Want { types: Some(self.types.clone()), news, ..Want::events(log.clone(), after) };
        let subscription = daemon.0.resources.feed.subscribe(want).await?;
        let seeing = self.shows_requests.then(|| daemon.0.resources.answerers.join(log));
        Ok(Branch { subscription, _seeing: seeing })
    }
}

impl Daemon {
    /// Begins to observe a session and its descendants; `want` is what is wanted of the session itself.
    ///
    /// # Errors
    /// Those of a subscription, -32602 for the machine's log, and 1302 for more descendants than are followed.
    pub(in crate::daemon) async fn observe_tree(
        &self,
        caller: &Caller,
        params: &ObserveParams,
        want: Want,
    ) -> Result<Observing, RpcError> {
        let LogId::Session(root) = &want.log else {
            let error =
                RpcError::new(ErrorKind::InvalidParams, "the log all has no tree: it tells of every session");
            return Err(error.hint("leave `tree` out, or observe a session"));
        };
        let told = |error: ReadError| read_error(&error);
        let types = TypeFilter::new(TOLD.map(str::to_owned).to_vec());
        let types = want.types.as_ref().map_or(types, |wanted| wanted.within(&TOLD));
        let shows_requests = caller.can_answer && types.matches("request.opened");
        let branching = Branching { types, shows_requests };
        let feed = &self.0.resources.feed;
        // Whoever comes while the list is read is told of here.
        let listed = TypeFilter::new(LISTED.map(str::to_owned).to_vec());
        let listed = Want { types: Some(listed), ..Want::events(LogId::All, After::Now) };
        let listed = feed.subscribe(listed).await.map_err(told)?;
        let below = self.descendants(root).await.map_err(told)?;
        if below.len() > DESCENDANTS_MAX {
            return Err(too_many(root));
        }
        let family = [root.clone()].into_iter().chain(below.iter().cloned()).collect();
        let (mut earlier, mut places) = (VecDeque::new(), BTreeMap::new());
        for id in below {
            let seen = params.descendants.as_ref().and_then(|seen| seen.get(&id)).copied();
            let otherwise = if params.after == After::Now { After::Now } else { After::Start };
            let mut branch = branching.branch(self, &id, seen.map_or(otherwise, After::Cursor), false).await;
            if matches!(branch, Err(ReadError::CursorExpired { .. })) {
                branch = branching.branch(self, &id, After::Start, false).await;
            }
            match branch {
                Ok(branch) => {
                    places.insert(id, branch.subscription.cursor());
                    earlier.push_back(branch);
                }
                // Deleted meanwhile.
                Err(ReadError::NoLog(_)) => {}
                Err(error) => return Err(read_error(&error)),
            }
        }
        let own = feed.subscribe(Want { descendants: Some(places), ..want }).await.map_err(told)?;
        let branches = SelectAll::new();
        let stage = Stage::Opening;
        let tree = Tree { daemon: self.clone(), branching, own, listed, earlier, branches, family, stage };
        Ok(Observing::Tree(Box::new(tree)))
    }

    /// Returns the sessions that descend from one, whatever became of them; not those below one that was deleted.
    async fn descendants(&self, root: &SessionId) -> Result<BTreeSet<SessionId>, ReadError> {
        let mut children: BTreeMap<SessionId, Vec<SessionId>> = BTreeMap::new();
        let mut after = None;
        loop {
            let page = self.0.resources.journal.items(ItemKind::Session, None, after, ENTRIES_READ).await?;
            for entry in page.items.iter().filter_map(|item| serde_json::from_str::<Entry>(&item.json).ok()) {
                if let Some(parent) = entry.parent {
                    children.entry(parent).or_default().push(entry.id);
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let (mut below, mut next) = (BTreeSet::new(), vec![root.clone()]);
        while let Some(parent) = next.pop() {
            for child in children.remove(&parent).unwrap_or_default() {
                below.insert(child.clone());
                next.push(child);
            }
        }
        Ok(below)
    }
}

impl Tree {
    async fn next(&mut self) -> Option<Observed> {
        loop {
            match self.stage {
                Stage::Opening => {
                    self.stage = Stage::Earlier;
                    return self.own.next().await.map(Observed::own);
                }
                Stage::Earlier => {
                    if let Some(observed) = self.earlier().await {
                        return Some(observed);
                    }
                }
                Stage::Own => {
                    let frame = self.own.next().await?;
                    if matches!(frame, Frame::Local(_)) && self.own.is_live() {
                        self.stage = Stage::Live;
                    }
                    return Some(Observed::own(frame));
                }
                Stage::Live => {
                    if let Some(observed) = self.live().await {
                        return Some(observed);
                    }
                }
                Stage::Closed => return None,
            }
        }
    }

    /// Returns an event of a descendant's history; `None` to go on.
    async fn earlier(&mut self) -> Option<Observed> {
        let Some(branch) = self.earlier.front_mut() else {
            self.stage = Stage::Own;
            return None;
        };
        let frame = branch.subscription.next().await;
        let is_over = match &frame {
            Some(Frame::Local(_)) => branch.subscription.is_live(),
            Some(_) => false,
            None => true,
        };
        if is_over && let Some(branch) = self.earlier.pop_front() {
            self.branches.push(branch.stream());
        }
        frame.and_then(Observed::of_descendant)
    }

    /// Returns what happens next; `None` to go on, or when the stage says that it is over.
    async fn live(&mut self) -> Option<Observed> {
        // Each of these may lose: nothing is taken from it then.
        tokio::select! {
            frame = self.own.next() => {
                if frame.is_none() {
                    self.stage = Stage::Closed;
                }
                frame.map(Observed::own)
            }
            frame = self.listed.next() => match frame {
                Some(Frame::Event(event)) => self.told(&event).await,
                Some(Frame::Local(_) | Frame::Delta(_)) => None,
                None => Some(self.close("storage")),
            },
            Some(frame) = self.branches.next(), if !self.branches.is_empty() => Observed::of_descendant(frame),
        }
    }

    /// Takes up the session that an event of the machine's log tells of, if it is a new descendant.
    async fn told(&mut self, event: &[u8]) -> Option<Observed> {
        let Entry { id, parent } = serde_json::from_slice::<Told>(event).ok()?.data.item;
        if !self.family.contains(&parent?) || self.family.contains(&id) {
            return None;
        }
        if self.family.len() > DESCENDANTS_MAX {
            return Some(self.close(&format!("it has more than {DESCENDANTS_MAX} descendants")));
        }
        match self.branching.branch(&self.daemon, &id, After::Start, true).await {
            Ok(branch) => self.branches.push(branch.stream()),
            // Deleted meanwhile.
            Err(ReadError::NoLog(_)) => {}
            Err(error) => {
                tracing::warn!(session = %id, %error, "a descendant cannot be observed");
                return Some(self.close("storage"));
            }
        }
        self.family.insert(id);
        None
    }

    fn close(&mut self, reason: &str) -> Observed {
        self.stage = Stage::Closed;
        Observed::own(feed::closed(reason, self.own.cursor()))
    }
}

fn too_many(root: &SessionId) -> RpcError {
    let message = format!("session {root} has more than {DESCENDANTS_MAX} descendants");
    RpcError::new(ErrorKind::TooManyObservers, message).hint("delete some, or observe without `tree`")
}
