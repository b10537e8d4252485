//! A subscription: the events of a log in order, each once, also when the connection is lost in between. Not here: what
//! the events mean.
use std::collections::BTreeMap;

use tenon_protocol::cursor::Cursor;
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::event::Envelope;
use tenon_protocol::event::observe::{ObserveClosed, ObserveCursor, ObserveOpened};
use tenon_protocol::ids::SessionId;
use tenon_protocol::log::{After, ObserveParams};
use tenon_protocol::methods::{Method as _, Observe, Open};
use tenon_protocol::open::{OpenParams, OpenResult};
use tenon_protocol::signal::Delta;
use tokio::sync::mpsc;

use crate::backoff::Backoff;
use crate::client::{Client, raw};
use crate::connection::{ITEMS_MAX, Order};
use crate::error::ClientError;

/// The machine's own log, which has no picture.
const ALL: &str = "all";

/// Why a subscription ended for good: its log was deleted. After every other reason it is opened again.
const DELETED: &str = "deleted";

/// Logs of one subscription whose place is remembered: a session and its descendants, of which an agent follows 1,000.
const LOGS_MAX: usize = 1_001;

/// What a subscriber wants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObserveOptions {
    /// Only events of these types; a trailing `*` matches any ending. Empty: all.
    pub types: Vec<String>,
    /// Whether deltas are wanted; `None` leaves it to the handshake.
    pub delta: Option<bool>,
    /// Whether descendants' events are wanted too.
    pub tree: bool,
    /// Whether to attach to the session again on a new connection, which brings the caller's keys to a turn that needs
    /// them.
    pub attach: bool,
}

/// What a subscription yields.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A durable event.
    Event(Envelope),
    /// Some text of an item that is still growing; may be missing, never doubled.
    Delta(Delta),
    /// An event of the subscription itself (`observe.*`). After `observe.closed` there is nothing more.
    Local(Envelope),
    /// The log no longer has the place that was next: what was shown so far is to be replaced. Events go on behind it.
    Reset(Box<Reset>),
}

/// Where a subscription goes on after its place was lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Reset {
    /// The place: what follows lies behind it.
    pub cursor: Cursor,
    /// The session and its picture at that place. `None` for the log `all`, whose lists are to be read again, and for an
    /// observer, who may not open sessions.
    pub opened: Option<OpenResult>,
}

/// A live subscription. Dropping it ends it.
#[derive(Debug)]
pub struct Subscription {
    client: Client,
    session: String,
    options: ObserveOptions,
    /// Where to begin while no event was seen.
    after: After,
    /// The newest place seen in each log: the session's own, and its descendants'.
    places: BTreeMap<String, Cursor>,
    /// The connection that the caller attached its session on.
    generation: u64,
    live: Option<Live>,
    /// What is to be yielded before anything that is live.
    reset: Option<Box<Reset>>,
    /// Losses since the last item.
    backoff: Backoff,
    closed: bool,
}

/// What the connection's task keeps filled.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) id: String,
    pub(crate) items: mpsc::Receiver<Item>,
}

impl Subscription {
    pub(crate) async fn open(
        client: Client,
        session: &str,
        after: After,
        options: ObserveOptions,
    ) -> Result<Self, ClientError> {
        let generation = client.greeting().await?.generation;
        let mut subscription = Self {
            client,
            session: session.to_owned(),
            options,
            after,
            places: BTreeMap::new(),
            generation,
            live: None,
            reset: None,
            backoff: Backoff::default(),
            closed: false,
        };
        subscription.reopen().await?;
        Ok(subscription)
    }

    /// Returns the place behind the newest event seen; `None` before the first.
    pub fn cursor(&self) -> Option<Cursor> {
        self.places.get(&self.session).copied()
    }

    /// Returns the next item, and waits for it. When the connection is lost, this subscriber was too slow for its queue, or
    /// the agent ended the subscription of a log that is still there, it is opened again behind the newest event it
    /// yielded: with growing pauses, for a few seconds.
    ///
    /// Cancelling it loses nothing.
    ///
    /// # Errors
    /// The agent was stopped (`Left`) or did not come back; the next call tries again. `Ended` after `observe.closed`.
    pub async fn next(&mut self) -> Result<Item, ClientError> {
        loop {
            if let Some(reset) = self.reset.take() {
                return Ok(Item::Reset(reset));
            }
            if self.closed {
                return Err(ClientError::Ended);
            }
            let Some(live) = &mut self.live else {
                self.reopen().await?;
                continue;
            };
            match live.items.recv().await {
                Some(item) => {
                    if let Some(item) = self.take(item) {
                        return Ok(item);
                    }
                }
                None => self.live = None,
            }
        }
    }

    /// Notes an item's place; `None` for one that the subscriber need not see: an event that was yielded before, or the end
    /// of a subscription that can be opened again.
    fn take(&mut self, item: Item) -> Option<Item> {
        match &item {
            Item::Delta(_) | Item::Reset(_) => {}
            Item::Local(event) => match event.kind.as_str() {
                "observe.closed" if is_final(event) => self.closed = true,
                "observe.closed" => {
                    self.live = None;
                    return None;
                }
                "observe.opened" => {
                    let opened = event.data.parse::<ObserveOpened>().ok();
                    for (log, place) in opened.and_then(|opened| opened.descendants).unwrap_or_default() {
                        self.note(log.as_str(), place);
                    }
                }
                "observe.cursor" => {
                    if let Ok(place) = event.data.parse::<ObserveCursor>() {
                        self.places.insert(self.session.clone(), place.cursor);
                    }
                }
                _ => {}
            },
            Item::Event(event) => {
                self.backoff.reset();
                let (Some(place), log) = (event.cursor(), event.session.as_ref().unwrap_or(&self.session))
                else {
                    return Some(item);
                };
                let log = log.clone();
                if !self.note(&log, place) {
                    return None;
                }
            }
        }
        Some(item)
    }

    /// Remembers a place in a log; tells whether it is new.
    fn note(&mut self, log: &str, place: Cursor) -> bool {
        let has_room = self.places.len() < LOGS_MAX;
        match self.places.get_mut(log) {
            Some(seen) if seen.epoch == place.epoch && seen.seq >= place.seq => return false,
            Some(seen) => *seen = place,
            None if has_room => {
                self.places.insert(log.to_owned(), place);
            }
            None => {}
        }
        true
    }

    /// Opens it, again where it was lost before. A loss is followed by a pause and another try.
    async fn reopen(&mut self) -> Result<(), ClientError> {
        loop {
            match self.try_to_open().await {
                Err(error) if error.is_loss() && self.backoff.pause().await => {}
                Err(ClientError::Rpc(error)) if error.is(ErrorKind::CursorExpired) => {
                    if !self.backoff.pause().await {
                        return Err(error.into());
                    }
                    match self.find_place(&error).await {
                        // What was lost meanwhile is found again with the next try.
                        Err(error) if error.is_loss() => {}
                        outcome => outcome?,
                    }
                }
                outcome => {
                    // The next loss begins with the shortest pause again, unless nothing comes in between.
                    if outcome.is_err() {
                        self.backoff.reset();
                    }
                    return outcome;
                }
            }
        }
    }

    async fn try_to_open(&mut self) -> Result<(), ClientError> {
        let generation = self.client.greeting().await?.generation;
        if generation != self.generation && self.options.attach {
            self.attach().await?;
        }
        self.generation = generation;
        let params = ObserveParams {
            session_id: self.session.clone(),
            after: self.cursor().map_or(self.after, After::Cursor),
            types: (!self.options.types.is_empty()).then(|| self.options.types.clone()),
            delta: self.options.delta,
            tree: self.options.tree.then_some(true),
            descendants: self.options.tree.then(|| self.descendants()),
        };
        let params = raw(Observe::NAME, &params)?;
        let (sender, items) = mpsc::channel(ITEMS_MAX);
        let id = self.client.order(|reply| Order::Observe { params, items: sender, reply }).await?;
        self.live = Some(Live { id, items });
        Ok(())
    }

    /// Returns the places in the logs of descendants.
    fn descendants(&self) -> BTreeMap<SessionId, Cursor> {
        let others = self.places.iter().filter(|(log, _)| **log != self.session);
        others.map(|(log, place)| (log.as_str().into(), *place)).collect()
    }

    async fn attach(&self) -> Result<OpenResult, ClientError> {
        let session_id = Some(self.session.as_str().into());
        self.client.call::<Open>(&OpenParams { session_id, ..OpenParams::default() }).await
    }

    /// Finds the place to go on from when the log no longer has the one behind the last event.
    async fn find_place(&mut self, error: &RpcError) -> Result<(), ClientError> {
        let opened = if self.session == ALL {
            None
        } else {
            match self.attach().await {
                Ok(opened) => Some(opened),
                Err(ClientError::Rpc(refused)) if refused.is(ErrorKind::Forbidden) => None,
                Err(refused) => return Err(refused),
            }
        };
        let head = error.data.as_ref().and_then(|data| data.more.get("head")?.as_str()?.parse().ok());
        let Some(cursor) = opened.as_ref().map(|opened| opened.cursor).or(head) else {
            return Err(error.clone().into());
        };
        self.places.clear();
        self.after = After::Cursor(cursor);
        self.reset = Some(Box::new(Reset { cursor, opened }));
        Ok(())
    }
}

/// Tells whether a subscription cannot be opened again. One whose reason is not understood can.
fn is_final(closed: &Envelope) -> bool {
    closed.data.parse::<ObserveClosed>().is_ok_and(|closed| closed.reason == DELETED)
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(live) = self.live.take() {
            self.client.forget(live.id);
        }
    }
}
