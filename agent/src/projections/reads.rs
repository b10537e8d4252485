//! The private column of a settled call: which content of which files the model saw. Not here: what follows from it (`changes`).
use serde::{Deserialize, Serialize};

use crate::base::digest::Digest;

/// Files a call showed to the model, by path, with the digest of the whole content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reads(pub(crate) Vec<(String, Digest)>);

impl Reads {
    /// Returns the column's bytes; `None` where nothing was read.
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        if self.0.is_empty() { None } else { serde_json::to_vec(self).ok() }
    }

    /// Reads the column; anything that is none counts as empty.
    pub(crate) fn decode(bytes: Option<&[u8]>) -> Self {
        bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
    }
}
