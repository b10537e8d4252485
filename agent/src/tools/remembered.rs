//! Contents that were read lately, by digest, to tell later what somebody else changed. Not here: what the model has seen
//! (`changes::read_set`), which is durable; this is a convenience that a restart forgets.
use std::collections::{BTreeMap, VecDeque};
#[expect(clippy::disallowed_types, reason = "see `Remembered`")]
use std::sync::Mutex;
use std::sync::{Arc, PoisonError};

use crate::base::digest::Digest;
use crate::tools::limits::REMEMBERED_BYTES_MAX;

/// Contents by digest, the oldest forgotten first. Shared by all sessions, which does no harm: only who knows a digest gets
/// contents, and who knows it has seen them.
///
/// The lock is held for a look into a map; an owner would be a task and two channels for a cache.
#[derive(Debug, Default)]
#[expect(clippy::disallowed_types, reason = "as above: short, never across an await")]
pub(super) struct Remembered(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    contents: BTreeMap<Digest, Arc<[u8]>>,
    order: VecDeque<Digest>,
    bytes: usize,
}

impl Remembered {
    /// Remembers contents, if they are not too large.
    pub(super) fn put(&self, digest: Digest, bytes: &[u8]) {
        // One file may not drive out all others.
        if bytes.len() > REMEMBERED_BYTES_MAX / 8 {
            return;
        }
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.contents.contains_key(&digest) {
            return;
        }
        inner.contents.insert(digest, bytes.into());
        inner.order.push_back(digest);
        inner.bytes += bytes.len();
        while inner.bytes > REMEMBERED_BYTES_MAX {
            let Some(oldest) = inner.order.pop_front() else { break };
            let forgotten = inner.contents.remove(&oldest).map_or(0, |bytes| bytes.len());
            inner.bytes -= forgotten;
        }
    }

    /// Returns contents, if they are remembered.
    pub(super) fn get(&self, digest: Digest) -> Option<Arc<[u8]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contents.get(&digest).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_when_there_is_too_much() {
        let remembered = Remembered::default();
        let digests: Vec<_> = (0_u8..12)
            .map(|fill| {
                let bytes = vec![fill; REMEMBERED_BYTES_MAX / 8];
                remembered.put(Digest::of(&bytes), &bytes);
                Digest::of(&bytes)
            })
            .collect();
        assert!(remembered.get(digests[0]).is_none() && remembered.get(digests[11]).is_some());
        assert_eq!(remembered.0.lock().unwrap().bytes, REMEMBERED_BYTES_MAX);
        let large = vec![0; REMEMBERED_BYTES_MAX / 8 + 1];
        remembered.put(Digest::of(&large), &large);
        assert!(remembered.get(Digest::of(&large)).is_none());
    }
}
