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
        let Sent { after, growth } = sent;
        self.bytes += growth.len();
        if self.bytes > WAITING_BYTES_MAX {
            return self.clear();
        }
        let last = self.deltas.iter_mut().rev().find(|last| last.growth.item() == growth.item());
        if last.is_some_and(|last| last.growth.join(growth)) {
            return;
        }
        self.deltas.push(Sent { after: *after, growth: growth.clone() });
    }

    /// Forgets the deltas of an item that this event closes: it brings the whole content.
    pub(in crate::feed) fn close(&mut self, event: &Stored) {
        if self.deltas.is_empty() || !closes(event.kind()) {
            return;
        }
        self.deltas.retain(|sent| memmem::find(event.bytes(), sent.growth.item().as_bytes()).is_none());
        self.count();
    }

    /// Takes out what waits of a job that this event ends: the event does not bring all of it, and nothing comes behind it.
    pub(in crate::feed) fn last_of(&mut self, event: &Stored) -> Vec<Delta> {
        if self.deltas.is_empty() || event.kind() != JOB_ENDED {
            return Vec::new();
        }
        let is_of = |sent: &Sent| memmem::find(event.bytes(), sent.growth.item().as_bytes()).is_some();
        let (last, others) = std::mem::take(&mut self.deltas).into_iter().partition(is_of);
        self.deltas = others;
        self.count();
        let last: Vec<Sent> = last;
        last.into_iter().map(|sent| sent.growth.into_delta()).collect()
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
        due.into_iter().map(|sent| sent.growth.into_delta()).collect()
    }

    fn count(&mut self) {
        self.bytes = self.deltas.iter().map(|sent| sent.growth.len()).sum();
    }
}

/// The end of a job.
const JOB_ENDED: &str = "job.ended";

/// Tells whether events of this type bring the whole of what was streamed.
fn closes(kind: &str) -> bool {
    kind != JOB_ENDED && kind.rsplit_once('.').is_some_and(|(_, what)| what == "ended")
}

#[cfg(test)]
mod tests {
    use tenon_protocol::change::FileOp;
    use tenon_protocol::signal::Provisional;

    use super::*;
    use crate::feed::growth::Growth;

    fn sent(after: u64, item: &str, from: u64, text: &str) -> Sent {
        let (files, more) = (None, None);
        Sent {
            after,
            growth: Growth::Text(Delta { d: item.to_owned(), from, t: text.to_owned(), files, more }),
        }
    }

    #[test]
    fn of_the_files_of_a_command_the_newest_count() {
        let mut waiting = Waiting::default();
        let path = |path: &str| Provisional { op: FileOp::Add, path: path.to_owned(), path_encoded: None };
        let seen = |from, paths: &[&str]| {
            let Sent { after, growth } = sent(1, "x", from, "");
            let Growth::Text(delta) = growth else { unreachable!() };
            let files = Some(paths.iter().map(|name| path(name)).collect());
            Sent { after, growth: Growth::Text(Delta { files, ..delta }) }
        };
        for delta in [sent(1, "x", 0, "out"), seen(3, &["a"]), sent(1, "x", 3, "put"), seen(6, &["a", "b"])] {
            waiting.push(&delta);
        }
        let due = waiting.due(1);
        let [one] = due.as_slice() else { panic!("{due:?}") };
        assert_eq!((one.t.as_str(), one.files.clone()), ("output", Some(vec![path("a"), path("b")])));
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
    fn bytes_are_joined_before_they_become_base64() {
        let mut waiting = Waiting::default();
        for (from, bytes) in [(0, &b"a"[..]), (1, b"bc"), (9, b"d")] {
            let growth = Growth::Bytes { item: "j".to_owned(), from, bytes: bytes.to_owned() };
            waiting.push(&Sent { after: 1, growth });
        }
        let sent: Vec<_> = waiting.due(1).into_iter().map(|delta| (delta.from, delta.t)).collect();
        assert_eq!(sent, [(0, "YWJj".to_owned()), (9, "ZA==".to_owned())]);
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
