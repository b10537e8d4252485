//! Pages of a log: what is asked for and what comes. Not here: where they come from (`live`, `read`).
use std::borrow::Cow;

use bytes::Bytes;
use tenon_protocol::cursor::Cursor;
use tenon_protocol::event::EventBody;

use crate::journal::error::ReadError;

/// A committed event as it goes out: its JSON, serialised once when it was written. Only the journal makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    seq: u64,
    kind: Cow<'static, str>,
    bytes: Bytes,
}

impl Stored {
    pub(in crate::journal) const fn new(seq: u64, kind: Cow<'static, str>, bytes: Bytes) -> Self {
        Self { seq, kind, bytes }
    }

    /// Returns its place.
    pub(crate) const fn seq(&self) -> u64 {
        self.seq
    }

    /// Returns its type.
    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the event as a JSON object.
    pub(crate) const fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

/// Returns the type without allocating where this build knows it.
pub(in crate::journal) fn intern(kind: &str) -> Cow<'static, str> {
    EventBody::TYPES
        .iter()
        .find(|known| **known == kind)
        .map_or_else(|| Cow::Owned(kind.to_owned()), |known| Cow::Borrowed(*known))
}

/// How much a page holds. The first event always fits, whatever its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PageLimits {
    /// Events that are returned.
    pub(crate) events: usize,
    /// Bytes of their JSON together.
    pub(crate) bytes: usize,
    /// Events that are looked at; matters with a filter, and keeps a read transaction short.
    pub(crate) scanned: usize,
}

/// A page at most, as the protocol promises (`agent/log`).
const PAGE_EVENTS_MAX: usize = 1_000;
const PAGE_BYTES_MAX: usize = 1 << 20;

/// Looked at for one page: about 10 ms of reading.
const PAGE_SCANNED_MAX: usize = 10_000;

impl PageLimits {
    /// The largest page.
    pub(crate) const MAX: Self =
        Self { events: PAGE_EVENTS_MAX, bytes: PAGE_BYTES_MAX, scanned: PAGE_SCANNED_MAX };

    /// Returns limits for at most `events` events, between 1 and 1,000.
    pub(crate) fn events(events: usize) -> Self {
        Self { events: events.clamp(1, PAGE_EVENTS_MAX), ..Self::MAX }
    }
}

/// The first and last place of a log. An empty log has `first` 1 and `head` 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    /// The first event that is kept.
    pub(crate) first: Cursor,
    /// The last event.
    pub(crate) head: Cursor,
}

impl Ends {
    /// Tells whether the log goes on behind this cursor without a loss.
    pub(in crate::journal) const fn holds(&self, cursor: Cursor) -> bool {
        cursor.epoch == self.head.epoch && cursor.seq <= self.head.seq && cursor.seq + 1 >= self.first.seq
    }

    /// Refuses a cursor that the log does not hold.
    pub(crate) const fn check(&self, cursor: Cursor) -> Result<(), ReadError> {
        if self.holds(cursor) {
            return Ok(());
        }
        Err(ReadError::CursorExpired { first: self.first, head: self.head })
    }

    pub(in crate::journal) const fn at(&self, seq: u64) -> Cursor {
        Cursor { epoch: self.head.epoch, seq }
    }
}

/// Some consecutive events of a log, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Those that passed the filter.
    pub(crate) events: Vec<Stored>,
    /// The ends of the log when the page was read.
    pub(crate) ends: Ends,
    /// Where to go on in the direction of reading, filtered events included.
    pub(crate) next: Cursor,
    /// Events that were looked at.
    pub(crate) scanned: usize,
    /// Whether there is more in the direction of reading.
    pub(crate) more: bool,
}

/// A choice of event types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypeFilter(Vec<String>);

impl TypeFilter {
    /// Takes type names; a trailing `*` matches any ending.
    pub(crate) const fn new(patterns: Vec<String>) -> Self {
        Self(patterns)
    }

    /// Returns what matches this filter and one of these patterns too.
    pub(crate) fn within(&self, patterns: &[&str]) -> Self {
        let both = |one: &str, other: &str| {
            let narrower = |narrow: &str, wide: &str| {
                let beginning = narrow.strip_suffix('*').unwrap_or(narrow);
                let wide_enough =
                    wide.strip_suffix('*').map_or(wide == narrow, |wide| beginning.starts_with(wide));
                wide_enough.then(|| narrow.to_owned())
            };
            narrower(one, other).or_else(|| narrower(other, one))
        };
        let pairs = self.0.iter().flat_map(|one| patterns.iter().filter_map(move |other| both(one, other)));
        Self(pairs.collect())
    }

    /// Tells whether events of this type are wanted.
    pub(crate) fn matches(&self, kind: &str) -> bool {
        self.0.iter().any(|pattern| {
            pattern.strip_suffix('*').map_or(pattern == kind, |beginning| kind.starts_with(beginning))
        })
    }
}

/// Fills a page with rows until a limit is reached.
#[derive(Debug)]
pub(in crate::journal) struct Filling<'a> {
    limits: PageLimits,
    filter: Option<&'a TypeFilter>,
    events: Vec<Stored>,
    bytes: usize,
    scanned: usize,
    reached: Option<u64>,
}

impl<'a> Filling<'a> {
    pub(in crate::journal) const fn new(limits: PageLimits, filter: Option<&'a TypeFilter>) -> Self {
        Self { limits, filter, events: Vec::new(), bytes: 0, scanned: 0, reached: None }
    }

    /// Tells whether an event of this type is wanted.
    pub(in crate::journal) fn wants(&self, kind: &str) -> bool {
        self.filter.is_none_or(|filter| filter.matches(kind))
    }

    /// Passes over an event that is not wanted; `false` if the page ends before it.
    pub(in crate::journal) const fn skip(&mut self, seq: u64) -> bool {
        if self.scanned >= self.limits.scanned {
            return false;
        }
        self.scanned += 1;
        self.reached = Some(seq);
        true
    }

    /// Takes an event; `false` if the page ends before it.
    pub(in crate::journal) fn take(&mut self, event: Stored) -> bool {
        let size = event.bytes().len();
        let full = self.events.len() >= self.limits.events
            || (!self.events.is_empty() && self.bytes + size > self.limits.bytes);
        if full || !self.skip(event.seq()) {
            return false;
        }
        self.bytes += size;
        self.events.push(event);
        true
    }

    /// Ends a page that was filled forwards from behind `after`.
    pub(in crate::journal) fn forwards(self, ends: Ends, after: u64) -> Page {
        let next = ends.at(self.reached.unwrap_or(after));
        let more = next.seq < ends.head.seq;
        Page { events: self.events, ends, next, scanned: self.scanned, more }
    }

    /// Ends a page that was filled backwards from before `before`.
    pub(in crate::journal) fn backwards(mut self, ends: Ends, before: u64) -> Page {
        self.events.reverse();
        let next = ends.at(self.reached.unwrap_or(before));
        let more = next.seq > ends.first.seq && next.seq > 1;
        Page { events: self.events, ends, next, scanned: self.scanned, more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_within_another_takes_what_both_take() {
        let within = |patterns: &[&str]| {
            let filter = TypeFilter::new(patterns.iter().map(|pattern| (*pattern).to_owned()).collect());
            filter.within(&["session.*", "turn.*"]).0
        };
        assert_eq!(within(&["*"]), ["session.*", "turn.*"]);
        assert_eq!(within(&["turn.ended", "session.*", "message.*"]), ["turn.ended", "session.*"]);
        assert_eq!(within(&["turn", "turns.*", "tool.ended"]), [""; 0]);
        assert_eq!(within(&["t*"]), ["turn.*"]);
    }
}
