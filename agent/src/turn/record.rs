//! The private columns a turn writes: what a provider needs back verbatim, and what a person's message came to. Not here: the
//! wires' formats, which are opaque.
use serde::{Deserialize, Serialize};
use tenon_protocol::ids::CallId;

use crate::providers::{ModelCall, Verbatim};

/// The private column of a whole answer's `attempt.ended`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AnswerRecord {
    /// The calls as the model made them, beside our ids.
    pub(crate) calls: Vec<(CallId, ModelCall)>,
    /// The provider's own form of the answer.
    pub(crate) verbatim: Option<Verbatim>,
}

/// The private column of a person's `message.ended`: what the model is shown beside the message, such as mentioned files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InputRecord {
    /// Texts, in order.
    pub(crate) attached: Vec<String>,
    /// What stands in place of the first text: that of the command which the message begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expansion: Option<String>,
}

/// Returns a column's bytes.
pub(crate) fn encode(record: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(record).ok()
}

/// Reads a column; absent or damaged ones count as empty.
pub(crate) fn decode<T: Default + for<'de> Deserialize<'de>>(bytes: Option<&[u8]>) -> T {
    bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}
