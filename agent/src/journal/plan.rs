//! Gives drafts their places: seq, epoch, time, JSON and link. Pure: no database, no clock. Not here: writing them.
use bytes::Bytes;
use tenon_protocol::cursor::Cursor;
use tenon_protocol::event::Event;

use crate::base::digest::Digest;
use crate::journal::batch::Draft;
use crate::journal::chain::{self, Link, Moved};
use crate::journal::log_id::LogId;
use crate::journal::page::{Ends, Stored};
use crate::journal::read::Located;
use crate::journal::refs;

/// Characters of an event's `text`; a line that nobody reads to the end.
const TEXT_CHARS_MAX: usize = 2_000;

/// Where a log ends.
#[derive(Clone, Copy, Debug)]
pub(in crate::journal) struct Head {
    pub(in crate::journal) log: i64,
    pub(in crate::journal) epoch: u64,
    pub(in crate::journal) first: u64,
    pub(in crate::journal) seq: u64,
    pub(in crate::journal) hash: Link,
}

impl Head {
    /// Returns the head of a log that has no event yet.
    pub(in crate::journal) fn origin(log: i64, name: &LogId) -> Self {
        Self { log, epoch: 1, first: 1, seq: 0, hash: chain::origin(name.as_str()) }
    }

    pub(in crate::journal) const fn ends(&self) -> Ends {
        Ends {
            first: Cursor { epoch: self.epoch, seq: self.first },
            head: Cursor { epoch: self.epoch, seq: self.seq },
        }
    }

    pub(in crate::journal) const fn moved(&self) -> Moved {
        Moved { log: self.log, epoch: self.epoch, seq: self.seq, hash: self.hash }
    }
}

impl From<Located> for Head {
    fn from(located: Located) -> Self {
        Self {
            log: located.id,
            epoch: located.ends.head.epoch,
            first: located.ends.first.seq,
            seq: located.ends.head.seq,
            hash: located.hash,
        }
    }
}

/// An event ready to be written.
#[derive(Debug)]
pub(in crate::journal) struct Placed {
    pub(in crate::journal) event: Event,
    pub(in crate::journal) bytes: Bytes,
    pub(in crate::journal) private: Option<Vec<u8>>,
    pub(in crate::journal) hash: Link,
    /// The blobs it names.
    pub(in crate::journal) refs: Vec<Digest>,
}

impl Placed {
    pub(in crate::journal) fn stored(&self) -> Stored {
        Stored::new(self.event.seq, self.event.body.type_name().into(), self.bytes.clone())
    }
}

/// Places drafts behind `head` and moves it.
pub(in crate::journal) fn place(
    log: &LogId,
    head: &mut Head,
    drafts: Vec<Draft>,
    at: &str,
) -> Result<Vec<Placed>, serde_json::Error> {
    let mut end = *head;
    let placed = drafts
        .into_iter()
        .map(|draft| {
            end.seq += 1;
            let event = Event {
                seq: end.seq,
                epoch: end.epoch,
                at: at.to_owned(),
                session: log.as_str().to_owned(),
                turn: draft.turn,
                body: draft.body,
                text: one_line(draft.text),
            };
            // Kept for a while: without the room that a growing buffer leaves.
            let bytes = Bytes::from(serde_json::to_vec(&event)?.into_boxed_slice());
            end.hash = chain::event(&end.hash, end.epoch, end.seq, &bytes, draft.private.as_deref());
            // The machine's log stays for ever, and needs no blob.
            let mut refs = if *log == LogId::All { Vec::new() } else { refs::digests(&bytes) };
            refs.extend(draft.private.as_deref().map(refs::digests).unwrap_or_default());
            Ok(Placed { event, bytes, private: draft.private, hash: end.hash, refs })
        })
        .collect::<Result<_, serde_json::Error>>()?;
    *head = end;
    Ok(placed)
}

/// Returns the text as one line: control characters become spaces, and what is too long is cut.
fn one_line(text: String) -> String {
    if text.len() <= TEXT_CHARS_MAX && !text.chars().any(char::is_control) {
        return text;
    }
    let kept = text.chars().take(TEXT_CHARS_MAX);
    kept.map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_line_without_escapes() {
        assert_eq!(one_line("plain".to_owned()), "plain");
        assert_eq!(one_line("a\nb\u{1b}[2Jc".to_owned()), "a b [2Jc");
        assert_eq!(one_line("x".repeat(3_000)).len(), TEXT_CHARS_MAX);
    }
}
