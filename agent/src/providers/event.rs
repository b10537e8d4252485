//! What an attempt yields while it runs.
//!
//! Not here: durable events of a session (`tenon_protocol::event`); these are an attempt's raw material.
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::providers::request::{ModelCall, Verbatim};

/// One thing that happened in an attempt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ProviderEvent {
    /// The provider accepted the request: status 200 and headers arrived. First, and once.
    Opened,
    /// More of the model's reasoning.
    ReasoningDelta(String),
    /// More of the answer.
    TextDelta(String),
    /// A call is being written; `bytes` more of its arguments arrived.
    CallDelta {
        /// How many bytes of arguments this delta held.
        bytes: usize,
    },
    /// A call is complete and can start, although the answer may go on.
    Call {
        /// The call.
        call: ModelCall,
        /// Its parsed arguments, always an object; or why they are none, said to the model.
        arguments: Result<Value, String>,
    },
    /// The counts so far; each replaces the one before.
    Usage(Usage),
    /// The answer is complete. Last, and once.
    Finished(Finish),
}

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finish {
    /// Why.
    pub(crate) reason: FinishReason,
    /// The answer in the wire's own form; absent where there was nothing at all.
    pub(crate) verbatim: Option<Verbatim>,
    /// The final counts.
    pub(crate) usage: Usage,
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FinishReason {
    /// The model had said what it wanted to say.
    Stop,
    /// The model waits for the results of its calls.
    ToolCalls,
    /// The limit on output tokens, or the end of the context window.
    Length,
    /// The model refused; its words are in the text.
    Refused,
    /// A filter of the provider cut the answer.
    ContentFilter,
    /// A reason that we do not know.
    Other(String),
}

/// Token counts of one attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Usage {
    /// Tokens of the prompt that were neither read from nor written to a cache.
    pub(crate) input_tokens: u64,
    /// Tokens of the answer, reasoning included.
    pub(crate) output_tokens: u64,
    /// Tokens of the prompt that a cache held.
    pub(crate) cache_read_tokens: u64,
    /// Tokens of the prompt that were written to a cache.
    pub(crate) cache_write_tokens: u64,
    /// Those of the output that were reasoning.
    pub(crate) reasoning_tokens: u64,
    /// Whether we counted bytes because the provider told nothing.
    pub(crate) estimated: bool,
}

impl Usage {
    /// Returns all tokens that the prompt had, cached or not: what stands in the context window.
    pub(crate) const fn prompt_tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.cache_read_tokens).saturating_add(self.cache_write_tokens)
    }
}
