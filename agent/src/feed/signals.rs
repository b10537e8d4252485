//! Deltas from a session to whoever listens: bounded, and lost by those who are behind. Not here: durable events.
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, Weak};

use tenon_protocol::signal::Delta;
use tokio::sync::{broadcast, watch};

use crate::feed::growth::Growth;
use crate::journal::{Journal, LogId};

#[expect(
    clippy::disallowed_types,
    reason = "sessions and subscriptions look hubs up; held for a look into a map, never across an await"
)]
type Lock<T> = std::sync::Mutex<T>;

/// Deltas that wait for the slowest listener; more push the oldest out. At 33 ms a merge that is 15,000 a second.
const SIGNALS_MAX: usize = 512;

/// The hubs that somebody holds.
#[derive(Debug, Default)]
pub(in crate::feed) struct Signals(Lock<HashMap<LogId, Weak<SignalHub>>>);

impl Signals {
    /// Returns the hub of a log, new if nobody holds one.
    pub(in crate::feed) fn hub(&self, log: &LogId, journal: &Journal) -> Arc<SignalHub> {
        let mut hubs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hub) = hubs.get(log).and_then(Weak::upgrade) {
            return hub;
        }
        hubs.retain(|_, hub| hub.strong_count() > 0);
        let hub = Arc::new(SignalHub {
            sender: broadcast::Sender::new(SIGNALS_MAX),
            head: journal.watch(log),
            journal: journal.clone(),
            log: log.clone(),
        });
        hubs.insert(log.clone(), Arc::downgrade(&hub));
        hub
    }
}

/// Where the deltas of one log go. Held by the log's session while it is loaded, and by everyone who listens.
#[derive(Debug)]
pub(crate) struct SignalHub {
    sender: broadcast::Sender<Arc<Sent>>,
    /// Tells behind which event a delta was sent.
    head: watch::Receiver<u64>,
    /// For the end: what the journal keeps in memory of the log goes with the hub.
    journal: Journal,
    log: LogId,
}

impl Drop for SignalHub {
    fn drop(&mut self) {
        self.journal.unload(&self.log);
    }
}

/// A delta, and the head of the log when it was sent: nobody gets it before that event.
#[derive(Debug)]
pub(in crate::feed) struct Sent {
    pub(in crate::feed) after: u64,
    pub(in crate::feed) growth: Growth,
}

impl SignalHub {
    /// Sends a delta to whoever listens. Costs next to nothing if nobody does. It must come after the append of the event
    /// that begins the item has returned, and before that of the event that closes it is called.
    pub(crate) fn send(&self, delta: Delta) {
        self.send_growth(|| Growth::Text(delta));
    }

    /// Returns how many listen.
    pub(crate) fn listeners(&self) -> usize {
        self.sender.receiver_count()
    }

    /// Sends bytes of an item at an offset, as `send` does; tells whether anybody listens. A few KiB at most: that and the
    /// number of deltas that wait bound the memory of a listener who is behind.
    pub(crate) fn send_bytes(&self, item: &str, from: u64, bytes: &[u8]) -> bool {
        self.send_growth(|| Growth::Bytes { item: item.to_owned(), from, bytes: bytes.to_owned() })
    }

    fn send_growth(&self, growth: impl FnOnce() -> Growth) -> bool {
        let is_heard = self.listeners() > 0;
        if is_heard {
            // It fails if the last listener left just now.
            drop(self.sender.send(Arc::new(Sent { after: *self.head.borrow(), growth: growth() })));
        }
        is_heard
    }

    pub(in crate::feed) fn listen(&self) -> broadcast::Receiver<Arc<Sent>> {
        self.sender.subscribe()
    }
}
