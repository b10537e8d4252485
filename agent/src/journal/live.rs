//! What the process knows of its logs: the last events already serialised, and who waits for the next. Not here: the
//! database.
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError};

use tenon_protocol::cursor::Cursor;
use tokio::sync::watch;

use crate::journal::log_id::LogId;
use crate::journal::page::{Ends, Filling, Page, PageLimits, Stored, TypeFilter};

#[expect(
    clippy::disallowed_types,
    reason = "the writer's thread and the readers' tasks share the ring; held for a push or the copy of a page, never across an await"
)]
type Lock<T> = std::sync::Mutex<T>;

/// Events kept a log: what a client misses while it reconnects.
const RING_EVENTS_MAX: usize = 1_024;

/// Bytes kept a log.
const RING_BYTES_MAX: usize = 256 << 10;

/// Bytes kept of all logs together, so that many sessions stay small: what was written longest ago goes first, log by log.
const RINGS_BYTES_MAX: usize = 512 << 10;

/// Entries from which unused ones are swept when another is made.
const SWEEP_LEN: usize = 64;

/// Every log that was written or is watched in this process.
#[derive(Debug, Default)]
pub(in crate::journal) struct LiveLogs {
    logs: Lock<HashMap<LogId, Arc<Live>>>,
    /// Bytes in all rings, and how often one was written: only the writer's thread adds to them.
    total: Lock<Total>,
}

/// What all rings hold together.
#[derive(Debug, Default)]
struct Total {
    bytes: usize,
    writes: u64,
}

/// One log.
#[derive(Debug)]
struct Live {
    ring: Lock<Ring>,
    /// Wakes readers; the value is the head's seq.
    head: watch::Sender<u64>,
}

/// The last events, contiguous up to the head. Without `ends` nothing was written in this process, and it is empty.
#[derive(Debug, Default)]
struct Ring {
    ends: Option<Ends>,
    events: VecDeque<Stored>,
    bytes: usize,
    /// Which write of all rings was the last to this one.
    written: u64,
}

impl LiveLogs {
    /// Shows committed events to readers and wakes them.
    pub(in crate::journal) fn publish(&self, log: &LogId, ends: Ends, events: impl Iterator<Item = Stored>) {
        let live = self.entry(log);
        let over = locked(&self.total, |total| {
            total.writes += 1;
            let grown = locked(&live.ring, |ring| {
                let before = ring.bytes;
                ring.push(ends, events);
                ring.written = total.writes;
                (before, ring.bytes)
            });
            total.bytes = (total.bytes + grown.1).saturating_sub(grown.0);
            total.bytes > RINGS_BYTES_MAX
        });
        live.head.send_replace(ends.head.seq);
        if over {
            self.shrink();
        }
    }

    /// Empties rings until all together are small enough; the one that was written last is kept. Counts anew what there is.
    fn shrink(&self) {
        let mut rings: Vec<(u64, usize, Arc<Live>)> = locked(&self.logs, |logs| {
            let ring =
                |live: &Arc<Live>| locked(&live.ring, |ring| (ring.written, ring.bytes, Arc::clone(live)));
            logs.values().map(ring).filter(|(_, bytes, _)| *bytes > 0).collect()
        });
        rings.sort_by_key(|(written, ..)| *written);
        let mut bytes: usize = rings.iter().map(|(_, bytes, _)| bytes).sum();
        rings.pop();
        for (_, held, live) in rings {
            if bytes <= RINGS_BYTES_MAX {
                break;
            }
            bytes -= held;
            locked(&live.ring, Ring::empty);
        }
        locked(&self.total, |total| total.bytes = bytes);
    }

    /// Returns how many wait for commits to a log.
    pub(in crate::journal) fn watchers(&self, log: &LogId) -> usize {
        self.get(log).map_or(0, |live| live.head.receiver_count())
    }

    /// Forgets the events of a log whose end was set aside, and wakes its readers.
    pub(in crate::journal) fn reset(&self, log: &LogId) {
        let live = self.entry(log);
        locked(&live.ring, |ring| *ring = Ring::default());
        live.head.send_modify(|_| {});
    }

    /// Forgets a log; whoever watches it is told that it closed.
    pub(in crate::journal) fn remove(&self, log: &LogId) {
        locked(&self.logs, |logs| logs.remove(log));
    }

    /// Forgets the events of a log; whoever watches it goes on.
    pub(in crate::journal) fn unload(&self, log: &LogId) {
        locked(&self.logs, |logs| {
            let Some(live) = logs.get(log) else { return };
            locked(&live.ring, |ring| *ring = Ring::default());
            if live.head.receiver_count() == 0 {
                logs.remove(log);
            }
        });
    }

    /// Returns a receiver that is woken by every commit to the log. Its value is the head's seq, and 0 before the first
    /// commit in this process.
    pub(in crate::journal) fn watch(&self, log: &LogId) -> watch::Receiver<u64> {
        // Under the lock: an entry without receivers may be removed at any time.
        locked(&self.logs, |logs| entry(logs, log).head.subscribe())
    }

    /// Returns the ends of a log that was written in this process.
    pub(in crate::journal) fn ends(&self, log: &LogId) -> Option<Ends> {
        let live = self.get(log)?;
        locked(&live.ring, |ring| ring.ends)
    }

    /// Returns the events behind a cursor if they are all in the ring; `None` sends the reader to the database.
    pub(in crate::journal) fn after(
        &self,
        log: &LogId,
        cursor: Cursor,
        limits: PageLimits,
        filter: Option<&TypeFilter>,
    ) -> Option<Page> {
        let live = self.get(log)?;
        locked(&live.ring, |ring| ring.after(cursor, limits, filter))
    }

    fn get(&self, log: &LogId) -> Option<Arc<Live>> {
        locked(&self.logs, |logs| logs.get(log).cloned())
    }

    fn entry(&self, log: &LogId) -> Arc<Live> {
        locked(&self.logs, |logs| Arc::clone(entry(logs, log)))
    }
}

/// Returns the entry of a log, new if need be; sweeps the map before it grows past `SWEEP_LEN`.
fn entry<'a>(logs: &'a mut HashMap<LogId, Arc<Live>>, log: &LogId) -> &'a Arc<Live> {
    if logs.len() >= SWEEP_LEN && !logs.contains_key(log) {
        logs.retain(|_, live| {
            live.head.receiver_count() > 0 || locked(&live.ring, |ring| ring.ends.is_some())
        });
    }
    logs.entry(log.clone())
        .or_insert_with(|| Arc::new(Live { ring: Lock::default(), head: watch::Sender::new(0) }))
}

impl Ring {
    /// Lets the events go; readers find them in the database.
    fn empty(&mut self) {
        (self.events, self.bytes) = (VecDeque::new(), 0);
    }

    fn push(&mut self, ends: Ends, events: impl Iterator<Item = Stored>) {
        self.ends = Some(ends);
        for event in events {
            self.bytes += event.bytes().len();
            self.events.push_back(event);
        }
        while self.events.len() > RING_EVENTS_MAX || (self.bytes > RING_BYTES_MAX && self.events.len() > 1) {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.bytes().len();
        }
    }

    fn after(&self, cursor: Cursor, limits: PageLimits, filter: Option<&TypeFilter>) -> Option<Page> {
        let ends = self.ends?;
        let oldest = self.events.front()?.seq();
        if !ends.holds(cursor) || cursor.seq + 1 < oldest {
            return None;
        }
        let mut page = Filling::new(limits, filter);
        let passed = usize::try_from(cursor.seq + 1 - oldest).unwrap_or(usize::MAX);
        for event in self.events.iter().skip(passed) {
            let kept =
                if page.wants(event.kind()) { page.take(event.clone()) } else { page.skip(event.seq()) };
            if !kept {
                break;
            }
        }
        Some(page.forwards(ends, cursor.seq))
    }
}

/// Runs `work` under the lock. A panic under it leaves whole values behind, so a poisoned lock is taken all the same.
fn locked<T, R>(lock: &Lock<T>, work: impl FnOnce(&mut T) -> R) -> R {
    work(&mut lock.lock().unwrap_or_else(PoisonError::into_inner))
}
