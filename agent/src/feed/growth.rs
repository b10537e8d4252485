//! What an item has grown by: text, or a command's bytes, which become base64 only on their way out so that pieces can be
//! joined. Pure. Not here: when it is sent (`subscription`).
use tenon_protocol::signal::Delta;

use crate::base::base64;

/// A piece of an item that grows.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::feed) enum Growth {
    /// Of a message or a call.
    Text(Delta),
    /// Of a job.
    Bytes {
        /// The item.
        item: String,
        /// How many bytes were before these.
        from: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

impl Growth {
    /// Returns the item.
    pub(in crate::feed) fn item(&self) -> &str {
        match self {
            Self::Text(delta) => &delta.d,
            Self::Bytes { item, .. } => item,
        }
    }

    /// Returns its size in bytes.
    pub(in crate::feed) fn len(&self) -> usize {
        let files = match self {
            Self::Text(delta) => delta.files.as_deref().unwrap_or_default(),
            Self::Bytes { .. } => &[],
        };
        self.grown() + files.iter().map(|file| file.path.len()).sum::<usize>()
    }

    /// Returns how many bytes the item has grown by.
    fn grown(&self) -> usize {
        match self {
            Self::Text(delta) => delta.t.len(),
            Self::Bytes { bytes, .. } => bytes.len(),
        }
    }

    fn from(&self) -> u64 {
        match self {
            Self::Text(delta) => delta.from,
            Self::Bytes { from, .. } => *from,
        }
    }

    fn end(&self) -> u64 {
        self.from().saturating_add(u64::try_from(self.grown()).unwrap_or(u64::MAX))
    }

    /// Adds a piece that adjoins this one; tells whether it does.
    pub(in crate::feed) fn join(&mut self, next: &Self) -> bool {
        if self.item() != next.item() || self.end() != next.from() {
            return false;
        }
        match (self, next) {
            (Self::Text(one), Self::Text(other)) => {
                one.t.push_str(&other.t);
                // A later look at the files takes the place of an earlier one.
                if other.files.is_some() {
                    (one.files, one.more) = (other.files.clone(), other.more);
                }
            }
            (Self::Bytes { bytes, .. }, Self::Bytes { bytes: more, .. }) => bytes.extend_from_slice(more),
            (Self::Text(_), Self::Bytes { .. }) | (Self::Bytes { .. }, Self::Text(_)) => return false,
        }
        true
    }

    /// Returns it as it goes over the wire.
    pub(in crate::feed) fn into_delta(self) -> Delta {
        match self {
            Self::Text(delta) => delta,
            Self::Bytes { item, from, bytes } => {
                Delta { d: item, from, t: base64::encode(&bytes), files: None, more: None }
            }
        }
    }
}
