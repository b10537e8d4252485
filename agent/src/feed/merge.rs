//! Deltas of one subscription that wait to be sent, merged where they adjoin. Pure. Not here: when they are sent.
use memchr::memmem;
use tenon_protocol::signal::Delta;

use crate::feed::signals::Sent;
use crate::journal::Stored;

/// Bytes that wait; a stream that is faster than its listener loses the lot, and the closing event brings it all.
const WAITING_BYTES_MAX: usize = 256 << 10;

/// What waits, in order of arrival.
#[derive(Debug, Default)]
pub(in crate::feed) struct Waiting {
    deltas: Vec<Sent>,
    bytes: usize,
}

impl Waiting {
    /// Takes a delta; one that adjoins the last of its item is added to that.
    pub(in crate::feed) fn push(&mut self, sent: &Sent) {
        let Sent { after, delta } = sent;
        self.bytes += delta.t.len();
        if self.bytes > WAITING_BYTES_MAX {
            return self.clear();
        }
        if let Some(last) = self.deltas.iter_mut().rev().find(|last| last.delta.d == delta.d)
            && end(&last.delta) == delta.from
        {
            last.delta.t.push_str(&delta.t);
            return;
        }
        self.deltas.push(Sent { after: *after, delta: delta.clone() });
    }

    /// Forgets the deltas of an item that this event closes: it brings the whole content.
    pub(in crate::feed) fn close(&mut self, event: &Stored) {
        if self.deltas.is_empty() || !closes(event.kind()) {
            return;
        }
        self.deltas.retain(|sent| memmem::find(event.bytes(), sent.delta.d.as_bytes()).is_none());
        self.count();
    }

    /// Forgets everything.
    pub(in crate::feed) fn clear(&mut self) {
        self.deltas.clear();
        self.bytes = 0;
    }

    /// Takes out what may be sent to a listener that has had the events up to `seq`.
    pub(in crate::feed) fn due(&mut self, seq: u64) -> Vec<Delta> {
        let (due, later) = std::mem::take(&mut self.deltas).into_iter().partition(|sent| sent.after <= seq);
        self.deltas = later;
        self.count();
        let due: Vec<Sent> = due;
        due.into_iter().map(|sent| sent.delta).collect()
    }

    fn count(&mut self) {
        self.bytes = self.deltas.iter().map(|sent| sent.delta.t.len()).sum();
    }
}

/// Tells whether events of this type bring the whole of what was streamed.
fn closes(kind: &str) -> bool {
    kind.rsplit_once('.').is_some_and(|(_, what)| what == "ended")
}

/// Returns the offset behind a delta.
fn end(delta: &Delta) -> u64 {
    delta.from.saturating_add(u64::try_from(delta.t.len()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(after: u64, item: &str, from: u64, text: &str) -> Sent {
        Sent { after, delta: Delta { d: item.to_owned(), from, t: text.to_owned() } }
    }

    #[test]
    fn adjoining_deltas_of_an_item_become_one_and_a_gap_stays_a_gap() {
        let mut waiting = Waiting::default();
        for delta in [sent(1, "a", 0, "x"), sent(1, "b", 0, "1"), sent(2, "a", 1, "yz"), sent(2, "a", 9, "!")]
        {
            waiting.push(&delta);
        }
        let texts: Vec<_> = waiting.due(2).into_iter().map(|delta| (delta.d, delta.from, delta.t)).collect();
        let expected = [("a", 0, "xyz"), ("b", 0, "1"), ("a", 9, "!")];
        assert_eq!(texts, expected.map(|(item, from, text)| (item.to_owned(), from, text.to_owned())));
        assert_eq!(waiting.due(2), []);
    }

    #[test]
    fn a_delta_waits_for_the_event_it_came_behind() {
        let mut waiting = Waiting::default();
        waiting.push(&sent(5, "a", 0, "x"));
        assert_eq!(waiting.due(4), []);
        assert_eq!(waiting.due(5).len(), 1);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut waiting = Waiting::default();
        let text = "x".repeat(WAITING_BYTES_MAX / 2);
        waiting.push(&sent(0, "a", 0, &text));
        waiting.push(&sent(0, "b", 0, &text));
        assert_eq!(waiting.deltas.len(), 2);
        waiting.push(&sent(0, "c", 0, "x"));
        assert_eq!(waiting.due(0), []);
    }
}
