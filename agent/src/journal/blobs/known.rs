//! What is known of blobs without looking at the disk again. Not here: the disk (`blobs`).
//!
//! A file is edited again and again, and each version rests on the one before: whoever stores the next one needs to know what the
//! last one rests on, down to the first, several times, and what it holds.
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, PoisonError};

use crate::base::digest::Digest;
use crate::journal::log_id::LogId;

/// Blobs of which is remembered what they rest on: the versions of some files that are edited at one time. Then all is forgotten,
/// which costs a look at each.
const LINKS_MAX: usize = 1024;

/// The largest content that is remembered, in bytes: a source file.
const CONTENT_BYTES_MAX: usize = 256 << 10;

#[expect(clippy::disallowed_types, reason = "as that of the store; held for one look at a file at most")]
type Lock<T> = std::sync::Mutex<T>;

/// A content and its digest.
type Version = (Digest, Arc<[u8]>);

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Blobs that are there, and what each rests on.
    links: Lock<BTreeMap<Digest, Option<Digest>>>,
    /// The version that each session stored last: it is written to a file next, and the next version rests on it.
    latest: Lock<BTreeMap<LogId, Version>>,
}

impl Known {
    /// Returns what a blob rests on; `look` looks at its file, and fails where there is none.
    pub(super) fn earlier(
        &self,
        digest: Digest,
        look: impl FnOnce() -> io::Result<Option<Digest>>,
    ) -> Option<Digest> {
        self.links(|links| {
            if let Some(earlier) = links.get(&digest) {
                return *earlier;
            }
            // Looked at under the lock, so that what is removed meanwhile is not remembered.
            let earlier = look().ok()?;
            remember(links, digest, earlier);
            earlier
        })
    }

    /// Tells whether a blob is known to be there.
    pub(super) fn is_there(&self, digest: Digest) -> bool {
        self.links(|links| links.contains_key(&digest))
    }

    /// A blob was stored that rests on this.
    pub(super) fn stored(&self, digest: Digest, earlier: Option<Digest>) {
        self.links(|links| remember(links, digest, earlier));
    }

    /// Removes a blob.
    pub(super) fn remove<T>(&self, digest: Digest, work: impl FnOnce() -> T) -> T {
        self.links(|links| {
            links.remove(&digest);
            work()
        })
    }

    /// A session stored this version.
    pub(super) fn keep_latest(&self, owner: &LogId, digest: Digest, content: &[u8]) {
        if content.len() <= CONTENT_BYTES_MAX && *owner != LogId::All {
            self.latest(|latest| latest.insert(owner.clone(), (digest, content.into())));
        }
    }

    /// Returns a content, if a session stored it last.
    pub(super) fn latest_of(&self, owner: &LogId, digest: Digest) -> Option<Arc<[u8]>> {
        self.latest(|latest| {
            let (latest, content) = latest.get(owner)?;
            (*latest == digest).then(|| Arc::clone(content))
        })
    }

    /// A session stores nothing more for now.
    pub(super) fn let_go(&self, owner: &LogId) {
        self.latest(|latest| latest.remove(owner));
    }

    fn links<T>(&self, work: impl FnOnce(&mut BTreeMap<Digest, Option<Digest>>) -> T) -> T {
        work(&mut self.links.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn latest<T>(&self, work: impl FnOnce(&mut BTreeMap<LogId, Version>) -> T) -> T {
        work(&mut self.latest.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn remember(links: &mut BTreeMap<Digest, Option<Digest>>, digest: Digest, earlier: Option<Digest>) {
    if links.len() >= LINKS_MAX {
        links.clear();
    }
    links.insert(digest, earlier);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_removed_is_looked_for_again_and_what_is_absent_is_not_remembered() {
        let known = Known::default();
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        assert_eq!(known.earlier(one, || Err(io::ErrorKind::NotFound.into())), None);
        assert!(!known.is_there(one));
        assert_eq!(known.earlier(one, || Ok(Some(two))), Some(two));
        assert_eq!(known.earlier(one, || panic!("it is known")), Some(two));
        known.remove(one, || ());
        assert_eq!(known.earlier(one, || Ok(None)), None);
        assert!(known.is_there(one));
        for number in 0..2 * LINKS_MAX {
            known.stored(Digest::of(&number.to_le_bytes()), None);
        }
        assert!(known.links(|links| links.len()) <= LINKS_MAX);
    }

    #[test]
    fn a_session_has_one_latest_version_of_bounded_size() {
        let known = Known::default();
        let owner = LogId::Session("s_1".into());
        let (small, large) = (b"content".as_slice(), vec![0; CONTENT_BYTES_MAX + 1]);
        known.keep_latest(&owner, Digest::of(small), small);
        known.keep_latest(&owner, Digest::of(&large), &large);
        known.keep_latest(&LogId::All, Digest::of(small), small);
        assert_eq!(known.latest_of(&owner, Digest::of(small)).as_deref(), Some(small));
        assert_eq!(known.latest_of(&owner, Digest::of(&large)), None);
        assert_eq!(known.latest_of(&LogId::All, Digest::of(small)), None);
        known.let_go(&owner);
        assert_eq!(known.latest_of(&owner, Digest::of(small)), None);
    }
}
