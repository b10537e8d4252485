//! A subscription: replay, then the tail.
//!
//! Not here: buffering for slow readers: the log is the buffer.
//!
//! Imports: journal, protocol, base
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tenon_protocol::cursor::Cursor;
use tenon_protocol::ids::SessionId;
use tenon_protocol::log::After;

use crate::base::clock::SharedClock;
use crate::feed::signals::Signals;
use crate::journal::{Journal, LogId, ReadError, TypeFilter};

mod frame;
mod growth;
mod merge;
mod signals;
mod subscription;
#[cfg(test)]
mod tests;

pub(crate) use crate::feed::frame::{Frame, closed};
pub(crate) use crate::feed::signals::SignalHub;
pub(crate) use crate::feed::subscription::Subscription;

/// Where subscriptions come from. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    journal: Journal,
    signals: Arc<Signals>,
    clock: SharedClock,
}

/// What a subscription is to deliver.
#[derive(Clone, Debug)]
pub(crate) struct Want {
    /// The log.
    pub(crate) log: LogId,
    /// Where to begin.
    pub(crate) after: After,
    /// Only events of these types.
    pub(crate) types: Option<TypeFilter>,
    /// Whether deltas are wanted, and how long to gather them; 33 ms unless the client wants fewer.
    pub(crate) deltas: Option<Duration>,
    /// Whether all of it is news: what lies there already is not marked as history either.
    pub(crate) news: bool,
    /// Where the descendants are read from that are observed along with it; told as it opens.
    pub(crate) descendants: Option<BTreeMap<SessionId, Cursor>>,
}

impl Want {
    /// Wants the events of a log, and no deltas.
    pub(crate) const fn events(log: LogId, after: After) -> Self {
        Self { log, after, types: None, deltas: None, news: false, descendants: None }
    }
}

impl Feed {
    /// Makes a feed of the journal's logs.
    pub(crate) fn new(journal: Journal, clock: SharedClock) -> Self {
        Self { journal, signals: Arc::default(), clock }
    }

    /// Returns where the deltas of a log go. Whoever sends holds it while the session is loaded.
    pub(crate) fn hub(&self, log: &LogId) -> Arc<SignalHub> {
        self.signals.hub(log, &self.journal)
    }

    /// Begins a subscription.
    ///
    /// # Errors
    /// `NoLog`, and `CursorExpired` for a cursor that the log does not hold.
    pub(crate) async fn subscribe(&self, want: Want) -> Result<Subscription, ReadError> {
        let hub = want.deltas.map(|window| (self.hub(&want.log), window));
        Subscription::open(self.journal.clone(), self.clock.clone(), want, hub).await
    }
}
