//! A conversation as a blob holds it: what a fork begins with. Not here: which blob, and who needs it (`session`).
//!
//! An answer that was under way is not in it: a fork begins between turns.
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tenon_protocol::content::Content;
use tenon_protocol::ids::CallId;
use tenon_protocol::json::Json;

use crate::projections::transcript::{CallResult, Entry, Transcript, TranscriptCall};

#[derive(Serialize, Deserialize)]
struct Stored {
    entries: Vec<StoredEntry>,
    results: BTreeMap<CallId, StoredResult>,
}

/// Private columns are JSON texts of ours, so they are kept as texts.
#[derive(Serialize, Deserialize)]
enum StoredEntry {
    User {
        content: Vec<Content>,
        private: Option<String>,
    },
    Assistant {
        /// Where an earlier build kept the text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        #[serde(default)]
        content: Vec<Content>,
        calls: Vec<StoredCall>,
        private: Option<String>,
    },
}

#[derive(Serialize, Deserialize)]
struct StoredCall {
    id: CallId,
    name: String,
    input: Json,
}

#[derive(Serialize, Deserialize)]
struct StoredResult {
    ok: bool,
    content: Vec<Content>,
}

impl Transcript {
    /// Returns the whole entries as a blob holds them.
    ///
    /// # Errors
    /// The JSON cannot be written.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let entries = self.entries.iter().map(|entry| stored(entry)).collect();
        let results = self.results.iter().map(|(id, result)| {
            (id.clone(), StoredResult { ok: result.ok, content: result.content.to_vec() })
        });
        serde_json::to_vec(&Stored { entries, results: results.collect() })
    }

    /// Reads what `to_bytes` wrote.
    ///
    /// # Errors
    /// The bytes are something else.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let Stored { entries, results } = serde_json::from_slice(bytes)?;
        let results = results.into_iter();
        Ok(Self {
            entries: entries.into_iter().map(|entry| Arc::new(read(entry))).collect(),
            results: results
                .map(|(id, result)| (id, CallResult { ok: result.ok, content: result.content.into() }))
                .collect(),
            ..Self::default()
        })
    }
}

fn stored(entry: &Entry) -> StoredEntry {
    let text = |private: &Option<Arc<[u8]>>| {
        private.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    match entry {
        Entry::User { content, private } => {
            StoredEntry::User { content: content.clone(), private: text(private) }
        }
        Entry::Assistant { content, calls, private } => StoredEntry::Assistant {
            text: None,
            content: content.clone(),
            calls: calls
                .iter()
                .map(|call| StoredCall {
                    id: call.id.clone(),
                    name: call.name.clone(),
                    input: call.input.clone(),
                })
                .collect(),
            private: text(private),
        },
    }
}

fn read(entry: StoredEntry) -> Entry {
    let bytes = |private: Option<String>| private.map(|text| Arc::from(text.into_bytes()));
    match entry {
        StoredEntry::User { content, private } => Entry::User { content, private: bytes(private) },
        StoredEntry::Assistant { text, content, calls, private } => Entry::Assistant {
            content: text.map_or(content, |text| vec![Content::text(text)]),
            calls: calls
                .into_iter()
                .map(|call| TranscriptCall { id: call.id, name: call.name, input: call.input })
                .collect(),
            private: bytes(private),
        },
    }
}
