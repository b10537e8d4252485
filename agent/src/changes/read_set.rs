//! Which contents of each file the model has last seen: what makes it impossible to overwrite a person's work unseen. Not
//! here: the refusal itself (`tools`).
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;
use crate::workspace::path::RelPath;

/// The digest of each file that a session's model last saw. A fold: reads and the session's own writes advance it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ReadSet(BTreeMap<RelPath, Digest>);

/// How what the model saw stands to what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// There is no such file and the model has seen none: it may be created.
    New,
    /// The model has never seen this file.
    Unread,
    /// The file is not what the model saw.
    Stale {
        /// What the model saw.
        seen: Digest,
        /// What is there; `None`: nothing any more.
        now: Option<Digest>,
    },
    /// The file is what the model saw.
    Current,
}

impl ReadSet {
    /// Notes that the model has seen these contents, or caused them.
    pub(crate) fn saw(&mut self, path: RelPath, digest: Digest) {
        self.0.insert(path, digest);
    }

    /// Notes that the file is gone and the model knows.
    pub(crate) fn forget(&mut self, path: &RelPath) {
        self.0.remove(path);
    }

    /// Returns what the model last saw of a file.
    pub(crate) fn seen(&self, path: &RelPath) -> Option<Digest> {
        self.0.get(path).copied()
    }

    /// Returns the files that the model has seen.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &RelPath> {
        self.0.keys()
    }

    /// Compares what the model saw of a file with what is there `now`.
    pub(crate) fn check(&self, path: &RelPath, now: Option<Digest>) -> Seen {
        match (self.seen(path), now) {
            (None, None) => Seen::New,
            (None, Some(_)) => Seen::Unread,
            (Some(seen), now) if now == Some(seen) => Seen::Current,
            (Some(seen), now) => Seen::Stale { seen, now },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_new_unread_current_or_stale() {
        let path = RelPath::parse("a").unwrap();
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        let mut set = ReadSet::default();
        assert_eq!((set.check(&path, None), set.check(&path, Some(one))), (Seen::New, Seen::Unread));
        set.saw(path.clone(), one);
        assert_eq!(set.check(&path, Some(one)), Seen::Current);
        assert_eq!(set.check(&path, Some(two)), Seen::Stale { seen: one, now: Some(two) });
        assert_eq!(set.check(&path, None), Seen::Stale { seen: one, now: None });
        let again: ReadSet = serde_json::from_str(&serde_json::to_string(&set).unwrap()).unwrap();
        assert_eq!(again, set);
        set.forget(&path);
        assert_eq!(set, ReadSet::default());
    }
}
