//! A subscription: the events of a log in order, each once, also when the connection is lost in between. Not here: what
//! the events mean.
use std::collections::BTreeMap;

use tenon_protocol::cursor::Cursor;
use tenon_protocol::event::Envelope;
use tenon_protocol::event::observe::ObserveCursor;
use tenon_protocol::log::{After, ObserveParams};
use tenon_protocol::methods::{Method as _, Observe, Open};
use tenon_protocol::open::OpenParams;
use tenon_protocol::signal::Delta;
use tokio::sync::mpsc;

use crate::client::{Client, raw};
use crate::connection::{ITEMS_MAX, Order};
use crate::error::ClientError;

/// Tries to get a lost subscription back before the loss is reported. Each of them takes up to the time a start takes.
const REOPEN_TRIES_MAX: u32 = 3;

/// Logs of one subscription whose place is remembered: a session and its descendants.
const LOGS_MAX: usize = 256;

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
            closed: false,
        };
        subscription.reopen_with_tries().await?;
        Ok(subscription)
    }

    /// Returns the place behind the newest event seen; `None` before the first.
    pub fn cursor(&self) -> Option<Cursor> {
        self.places.get(&self.session).copied()
    }

    /// Returns the next item, and waits for it. When the connection is lost, or this subscriber was too slow for its
    /// queue, the subscription is opened again behind the newest event it yielded.
    ///
    /// Cancelling it loses nothing.
    ///
    /// # Errors
    /// The agent was stopped or cannot be reached any more, or no longer has that place (`cursorExpired`). `Ended` after
    /// `observe.closed`.
    pub async fn next(&mut self) -> Result<Item, ClientError> {
        loop {
            if self.closed {
                return Err(ClientError::Ended);
            }
            let Some(live) = &mut self.live else {
                self.reopen_with_tries().await?;
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

    /// Notes an item's place; `None` for an event that was yielded before.
    fn take(&mut self, item: Item) -> Option<Item> {
        match &item {
            Item::Delta(_) => {}
            Item::Local(event) => {
                self.closed = event.kind == "observe.closed";
                if event.kind == "observe.cursor"
                    && let Ok(place) = event.data.parse::<ObserveCursor>()
                {
                    self.places.insert(self.session.clone(), place.cursor);
                }
            }
            Item::Event(event) => {
                let (Some(place), log) = (event.cursor(), event.session.as_ref().unwrap_or(&self.session))
                else {
                    return Some(item);
                };
                let has_room = self.places.len() < LOGS_MAX;
                match self.places.get_mut(log) {
                    Some(seen) if seen.epoch == place.epoch && seen.seq >= place.seq => return None,
                    Some(seen) => *seen = place,
                    None if has_room => {
                        self.places.insert(log.clone(), place);
                    }
                    None => {}
                }
            }
        }
        Some(item)
    }

    async fn reopen_with_tries(&mut self) -> Result<(), ClientError> {
        let mut tries = 1;
        loop {
            match self.reopen().await {
                Err(ClientError::Disconnected | ClientError::Silent) if tries < REOPEN_TRIES_MAX => {
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn reopen(&mut self) -> Result<(), ClientError> {
        let generation = self.client.greeting().await?.generation;
        if generation != self.generation && self.options.attach {
            let session_id = Some(self.session.as_str().into());
            self.client.call::<Open>(&OpenParams { session_id, ..OpenParams::default() }).await?;
        }
        self.generation = generation;
        let params = ObserveParams {
            session_id: self.session.clone(),
            after: self.cursor().map_or(self.after, After::Cursor),
            types: (!self.options.types.is_empty()).then(|| self.options.types.clone()),
            delta: self.options.delta,
            tree: self.options.tree.then_some(true),
        };
        let params = raw(Observe::NAME, &params)?;
        let (sender, items) = mpsc::channel(ITEMS_MAX);
        let id = self.client.order(|reply| Order::Observe { params, items: sender, reply }).await?;
        self.live = Some(Live { id, items });
        Ok(())
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(live) = self.live.take() {
            self.client.forget(live.id);
        }
    }
}
