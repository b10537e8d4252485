//! What a model is asked: system parts, tools and the conversation, in no wire's format.
//!
//! Not here: how a wire writes it (`chat_body`, `anthropic_body`), nor how the conversation was chosen (`turn`).
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One request to a model. Equal requests are written as equal bytes, so that provider caches can match prefixes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelRequest {
    /// The provider's own name of the model, without our `provider/` in front.
    pub(crate) model: String,
    /// The parts of the system prompt, in order; they never change within a session.
    pub(crate) system: Vec<String>,
    /// The tools on offer, in a stable order.
    pub(crate) tools: Vec<ToolSpec>,
    /// The conversation, oldest first.
    pub(crate) messages: Vec<ModelMessage>,
    /// The most tokens the answer may have; absent leaves it to the provider (or to the catalogue, where a wire
    /// insists on a number).
    pub(crate) max_output_tokens: Option<u32>,
}

/// A tool as a model sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolSpec {
    /// The name the model calls.
    pub(crate) name: String,
    /// What it does, for the model.
    pub(crate) description: String,
    /// The JSON Schema of its arguments, an object.
    pub(crate) parameters: Value,
}

/// A piece of content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Plain text.
    Text(String),
    /// A picture.
    Image {
        /// Its media type, `image/png` for instance.
        mime: String,
        /// Its bytes in standard base64 with padding.
        base64: String,
    },
}

/// One message of the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ModelMessage {
    /// What the person, or tenon in their place, said.
    User(Vec<Part>),
    /// What the model said and called.
    Assistant(AssistantMessage),
    /// What a call of the assistant message before it came to.
    ToolResult {
        /// The `ModelCall::id` it answers.
        call_id: String,
        /// The name of the tool.
        name: String,
        /// What the tool returned.
        content: Vec<Part>,
        /// Whether the call failed, was refused or never ran.
        failed: bool,
    },
}

/// An answer of a model as it goes back to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AssistantMessage {
    /// Its text, without reasoning.
    pub(crate) text: String,
    /// Its calls, in order.
    pub(crate) calls: Vec<ModelCall>,
    /// The wire's own form, used in place of the other fields where wire, provider and model are the same still.
    pub(crate) verbatim: Option<Verbatim>,
}

/// One tool call as the model made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ModelCall {
    /// Unique within the conversation's step: the provider's own id where it is usable, else one of ours.
    pub(crate) id: String,
    /// The name that the model called; perhaps of no tool.
    pub(crate) name: String,
    /// The arguments as JSON text, as sent; perhaps broken.
    pub(crate) arguments: String,
}

/// The wire's own assistant content: reasoning and signatures included, calls with the ids of our `ModelCall`s, and
/// broken arguments replaced by `{}`, so that it can always be sent back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verbatim {
    /// The wire it came over.
    pub(crate) wire: String,
    /// The name of the provider's entry.
    pub(crate) provider: String,
    /// The model that wrote it; signatures are void for others.
    pub(crate) model: String,
    /// The content, JSON in the wire's format.
    pub(crate) json: String,
}
