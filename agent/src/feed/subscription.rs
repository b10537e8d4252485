//! One subscription, pulled by its connection: a connection that does not pull reads nothing. Not here: the outbox.
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tenon_protocol::cursor::Cursor;
use tenon_protocol::log::After;
use tokio::sync::{broadcast, watch};

use crate::base::clock::{SharedClock, Sleep};
use crate::feed::Want;
use crate::feed::frame::{self, Frame};
use crate::feed::merge::Waiting;
use crate::feed::signals::{Sent, SignalHub};
use crate::journal::{Journal, LogId, Page, PageLimits, ReadError, TypeFilter};

/// A page in memory, per subscription. Small, because a connection takes a few frames and may then stop.
const PAGE: PageLimits = PageLimits { events: 256, bytes: 128 << 10, scanned: CURSOR_EVERY };

/// Events read between two `observe.cursor` of a filtered subscription.
const CURSOR_EVERY: usize = 1_000;

/// Delivers `observe.opened`, the events behind a cursor marked as history, `observe.live`, and then every further event
/// exactly once and in order. It ends with `observe.closed` when the log does, or when its place in it was lost.
pub(crate) struct Subscription {
    journal: Journal,
    log: LogId,
    types: Option<TypeFilter>,
    /// Wakes it; marked as seen before each read, so that no commit is slept through.
    head: watch::Receiver<u64>,
    /// Where it has read to.
    read: Cursor,
    /// Where it has delivered to.
    delivered: Cursor,
    /// The head when it began: up to there is history.
    history: u64,
    stage: Stage,
    /// Whether there may be events behind `read`.
    behind: bool,
    /// Events read since the last `observe.cursor`.
    unmarked: usize,
    /// Frames of the page that was read, each with the place it brings the client to.
    frames: VecDeque<(Frame, Option<u64>)>,
    deltas: Option<Deltas>,
}

/// How far the subscription is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    History,
    Live,
    Closed,
}

/// The deltas' side of a subscription.
struct Deltas {
    clock: SharedClock,
    /// Held so that the session finds its listeners again after it was unloaded.
    _hub: Arc<SignalHub>,
    sent: broadcast::Receiver<Arc<Sent>>,
    waiting: Waiting,
    window: Duration,
    /// Runs from one delivery until the next may be.
    pause: Option<Sleep>,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("log", &self.log)
            .field("read", &self.read)
            .finish_non_exhaustive()
    }
}

impl Subscription {
    pub(in crate::feed) async fn open(
        journal: Journal,
        clock: SharedClock,
        want: Want,
        hub: Option<(Arc<SignalHub>, Duration)>,
    ) -> Result<Self, ReadError> {
        let Want { log, after, types, deltas: _, news, descendants } = want;
        let head = journal.watch(&log);
        let ends = journal.ends(&log).await?;
        let read = match after {
            After::Cursor(cursor) => cursor,
            After::Start => Cursor { epoch: ends.head.epoch, seq: ends.first.seq - 1 },
            After::Now => ends.head,
        };
        ends.check(read)?;
        let deltas = hub.map(|(hub, window)| Deltas {
            clock,
            sent: hub.listen(),
            _hub: hub,
            waiting: Waiting::default(),
            window,
            pause: None,
        });
        let mut subscription = Self {
            journal,
            log,
            types,
            head,
            read,
            delivered: read,
            history: if news { 0 } else { ends.head.seq },
            stage: Stage::History,
            behind: true,
            unmarked: 0,
            frames: VecDeque::from([(frame::opened(ends, descendants), None)]),
            deltas,
        };
        subscription.go_live();
        Ok(subscription)
    }

    /// Returns the place up to which frames were handed out: where a new subscription goes on.
    pub(crate) const fn cursor(&self) -> Cursor {
        self.delivered
    }

    /// Tells whether history is read. It is handed out once `next` has returned a local frame since.
    pub(crate) const fn is_live(&self) -> bool {
        matches!(self.stage, Stage::Live)
    }

    /// Returns the next frame when there is one; `None` after `observe.closed`. May be dropped at any await and called
    /// again: nothing is lost.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, place)) = self.frames.pop_front() {
                match place {
                    Some(seq) => self.delivered.seq = seq,
                    None if self.frames.is_empty() => self.delivered = self.read,
                    None => {}
                }
                return Some(frame);
            }
            self.delivered = self.read;
            if self.stage == Stage::Closed {
                return None;
            }
            if self.behind {
                self.read_page().await;
            } else {
                self.wait().await;
            }
        }
    }

    /// Reads the next page. Cancelled inside, it has changed nothing but the mark that the head was seen, and it is still
    /// behind.
    async fn read_page(&mut self) {
        self.head.mark_unchanged();
        let scanned = CURSOR_EVERY - self.unmarked;
        let limits = PageLimits { scanned, ..PAGE };
        match self.journal.read_after(&self.log, self.read, limits, self.types.as_ref()).await {
            Ok(page) => self.take(&page),
            Err(error) => self.end(&error),
        }
    }

    fn take(&mut self, page: &Page) {
        if let Some(deltas) = &mut self.deltas {
            deltas.gather(page);
        }
        for event in &page.events {
            if event.seq() > self.history {
                self.go_live_behind(event.seq());
            }
            if let Some(deltas) = &mut self.deltas {
                let last = deltas.waiting.last_of(event);
                self.frames.extend(last.into_iter().map(|delta| (Frame::Delta(delta), None)));
            }
            let frame =
                if self.stage == Stage::History { frame::replayed(event) } else { frame::live(event) };
            self.frames.push_back((frame, Some(event.seq())));
        }
        self.read = page.next;
        self.behind = page.more;
        self.go_live();
        if self.types.is_some() {
            self.unmarked += page.scanned;
            if self.unmarked >= CURSOR_EVERY {
                self.unmarked = 0;
                self.frames.push_back((frame::read_to(page.next), Some(page.next.seq)));
            }
        }
    }

    /// Tells that history is over, once it is.
    fn go_live(&mut self) {
        self.go_live_behind(self.read.seq.saturating_add(1));
    }

    fn go_live_behind(&mut self, next: u64) {
        if self.stage == Stage::History && next > self.history {
            self.stage = Stage::Live;
            self.frames.push_back((frame::went_live(), None));
        }
    }

    /// Ends the subscription because its log cannot be read on.
    fn end(&mut self, error: &ReadError) {
        let reason = match error {
            ReadError::NoLog(_) => "deleted",
            ReadError::CursorExpired { .. } => "cursorExpired",
            ReadError::Unreadable { .. }
            | ReadError::Unhealed(..)
            | ReadError::Closed
            | ReadError::Storage(_) => {
                tracing::warn!(log = %self.log, %error, "a subscription ended");
                "storage"
            }
        };
        self.stage = Stage::Closed;
        self.frames.push_back((frame::closed(reason, self.read), None));
    }

    /// Waits for a commit, or for deltas to send. Every branch may lose: the head keeps its mark, the channel its deltas,
    /// the pause its time.
    async fn wait(&mut self) {
        let seq = self.read.seq;
        tokio::select! {
            biased;
            changed = self.head.changed() => match changed {
                Ok(()) => self.behind = true,
                Err(_) => self.end(&ReadError::NoLog(self.log.clone())),
            },
            due = due(self.deltas.as_mut(), seq) => {
                self.frames.extend(due.into_iter().map(|delta| (Frame::Delta(delta), None)));
            }
        }
    }
}

/// Waits until deltas may be sent and returns them; for ever without deltas.
async fn due(deltas: Option<&mut Deltas>, seq: u64) -> Vec<tenon_protocol::signal::Delta> {
    let Some(deltas) = deltas else { return std::future::pending().await };
    loop {
        if let Some(pause) = &mut deltas.pause {
            pause.await;
            deltas.pause = None;
        }
        deltas.drain();
        let due = deltas.waiting.due(seq);
        if !due.is_empty() {
            deltas.pause = Some(deltas.clock.sleep(deltas.window));
            return due;
        }
        // The ones that wait came behind an event that is not read yet; that event wakes the other branch.
        match deltas.sent.recv().await {
            Ok(sent) => deltas.waiting.push(&sent),
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
        }
    }
}

impl Deltas {
    /// Takes what was sent so far; what was pushed out of the channel is lost.
    fn drain(&mut self) {
        loop {
            match self.sent.try_recv() {
                Ok(sent) => self.waiting.push(&sent),
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => return,
            }
        }
    }

    /// Drops the deltas of items that this page closes, and all of them while the client is behind.
    fn gather(&mut self, page: &Page) {
        self.drain();
        if page.more {
            self.waiting.clear();
        }
        for event in &page.events {
            self.waiting.close(event);
        }
    }
}
