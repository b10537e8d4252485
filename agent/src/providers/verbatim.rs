//! Where an answer came from, which decides whether its verbatim form may go back; and estimates of token counts.
//!
//! Not here: the formats themselves.
use serde_json::value::RawValue;

use crate::providers::error::{ProviderError, ProviderErrorKind};
use crate::providers::event::Usage;
use crate::providers::request::{AssistantMessage, ModelMessage, ModelRequest, Part, Verbatim};

/// Bytes of text a token has on average: no tokenizer is at hand, and code has fewer than prose.
const BYTES_PER_TOKEN: usize = 4;

/// What an image is counted as in an estimate; vendors charge about this much for one of a screen.
const IMAGE_TOKENS: usize = 1500;

/// The wire, the provider's entry and the model of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    wire: &'static str,
    provider: String,
    model: String,
}

impl Origin {
    /// Returns the origin of the answers to a request.
    pub(crate) fn new(wire: &'static str, provider: &str, model: &str) -> Self {
        Self { wire, provider: provider.to_owned(), model: model.to_owned() }
    }

    /// Marks `json` as an answer of this origin.
    pub(crate) fn verbatim(&self, json: String) -> Verbatim {
        Verbatim {
            wire: self.wire.to_owned(),
            provider: self.provider.clone(),
            model: self.model.clone(),
            json,
        }
    }

    /// Returns the verbatim form of a message if it was written by this very origin: reasoning is signed for one model,
    /// and other servers fail on it.
    pub(crate) fn own(&self, message: &AssistantMessage) -> Option<Box<RawValue>> {
        let verbatim = message.verbatim.as_ref()?;
        let same =
            verbatim.wire == self.wire && verbatim.provider == self.provider && verbatim.model == self.model;
        if same { RawValue::from_string(verbatim.json.clone()).ok() } else { None }
    }
}

/// Writes a request's body.
pub(crate) fn to_json(body: &impl serde::Serialize) -> Result<Vec<u8>, ProviderError> {
    serde_json::to_vec(body).map_err(|error| {
        ProviderError::new(ProviderErrorKind::BadRequest, &format!("the request cannot be written: {error}"))
    })
}

/// Estimates the prompt's tokens, for servers that tell no counts.
pub(crate) fn estimate_prompt(request: &ModelRequest) -> u64 {
    let parts = |parts: &[Part]| parts.iter().map(part_bytes).sum::<usize>();
    let messages = request.messages.iter().map(|message| match message {
        ModelMessage::User(content) | ModelMessage::ToolResult { content, .. } => parts(content),
        ModelMessage::Assistant(message) => {
            let calls = message.calls.iter().map(|call| call.name.len() + call.arguments.len());
            message.text.len() + calls.sum::<usize>()
        }
    });
    let tools = request.tools.iter().map(|tool| tool.description.len() + tool.parameters.to_string().len());
    let system = request.system.iter().map(String::len);
    tokens(messages.sum::<usize>() + tools.sum::<usize>() + system.sum::<usize>())
}

/// Returns `usage`, or an estimate marked as one where the server told nothing.
pub(crate) fn or_estimate(usage: Usage, prompt_tokens: u64, output_bytes: usize) -> Usage {
    if usage.prompt_tokens() > 0 || usage.output_tokens > 0 {
        return usage;
    }
    Usage {
        input_tokens: prompt_tokens,
        output_tokens: tokens(output_bytes),
        estimated: true,
        ..Usage::default()
    }
}

fn part_bytes(part: &Part) -> usize {
    match part {
        Part::Text(text) => text.len(),
        Part::Image { .. } => IMAGE_TOKENS * BYTES_PER_TOKEN,
    }
}

fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u64::MAX)
}
