//! Writes a request as a body of chat completions.
//!
//! Written for the strictest server that was met: one system message, no `content: null`, no empty messages, results
//! directly behind their calls, arguments that are always an object.
//! Not here: reading answers (`chat::fold`).
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::config::provider::MaxTokensField;
use crate::providers::calls::{sendable_arguments, sendable_id, sendable_name};
use crate::providers::error::ProviderError;
use crate::providers::request::{AssistantMessage, ModelCall, ModelMessage, ModelRequest, Part};
use crate::providers::verbatim::{Origin, to_json};

/// What stands between two parts of one text.
const BETWEEN_PARTS: &str = "\n\n";

/// What a result says in the place of an image: this wire takes images from users only.
const IMAGE_BELOW: &str = "[image: see the next user message]";

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    stream: bool,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    function: ToolFunction<'a>,
}

#[derive(Serialize)]
struct ToolFunction<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Message<'a> {
    Verbatim(Box<RawValue>),
    Plain {
        role: &'static str,
        content: Content<'a>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Call<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tool_call_id: Option<String>,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(String),
    Pieces(Vec<Piece<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Piece<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Serialize)]
struct ImageUrl {
    url: String,
}

#[derive(Serialize)]
struct Call<'a> {
    id: String,
    r#type: &'static str,
    function: CallFunction<'a>,
}

#[derive(Serialize)]
struct CallFunction<'a> {
    name: String,
    arguments: &'a str,
}

/// Returns the body of `request`. Equal requests give equal bytes.
pub(crate) fn write(
    request: &ModelRequest,
    origin: &Origin,
    field: MaxTokensField,
) -> Result<Vec<u8>, ProviderError> {
    let limit = |wanted| if field == wanted { request.max_output_tokens } else { None };
    let tools = request.tools.iter().map(|tool| Tool {
        r#type: "function",
        function: ToolFunction {
            name: &tool.name,
            description: &tool.description,
            parameters: &tool.parameters,
        },
    });
    to_json(&Body {
        model: &request.model,
        messages: messages(request, origin),
        tools: tools.collect(),
        stream: true,
        stream_options: StreamOptions { include_usage: true },
        max_tokens: limit(MaxTokensField::MaxTokens),
        max_completion_tokens: limit(MaxTokensField::MaxCompletionTokens),
    })
}

fn messages<'a>(request: &'a ModelRequest, origin: &Origin) -> Vec<Message<'a>> {
    let mut out = Vec::with_capacity(request.messages.len() + 1);
    if !request.system.is_empty() {
        out.push(plain("system", Content::Text(request.system.join(BETWEEN_PARTS))));
    }
    // What the next user message says: several in a row become one, since some chat templates demand that roles
    // alternate; and the images of results wait here until the last result is written.
    let mut said: Vec<&Part> = Vec::new();
    for message in &request.messages {
        match message {
            ModelMessage::User(parts) => said.extend(parts),
            ModelMessage::ToolResult { call_id, content, .. } => {
                out.push(result(call_id, content));
                said.extend(content.iter().filter(|part| matches!(part, Part::Image { .. })));
            }
            ModelMessage::Assistant(message) => {
                flush(&mut said, &mut out);
                out.extend(assistant(message, origin));
            }
        }
    }
    flush(&mut said, &mut out);
    out
}

fn flush<'a>(said: &mut Vec<&'a Part>, out: &mut Vec<Message<'a>>) {
    if !said.is_empty() {
        out.push(plain("user", content(said)));
        said.clear();
    }
}

fn plain<'a>(role: &'static str, content: Content<'a>) -> Message<'a> {
    Message::Plain { role, content, tool_calls: Vec::new(), tool_call_id: None }
}

/// Text alone is sent as a string: not every server knows pieces.
fn content<'a>(parts: &[&'a Part]) -> Content<'a> {
    let texts: Option<Vec<&str>> = parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Image { .. } => None,
        })
        .collect();
    match texts {
        Some(texts) => Content::Text(texts.join(BETWEEN_PARTS)),
        None => Content::Pieces(parts.iter().map(|part| piece(part)).collect()),
    }
}

fn piece(part: &Part) -> Piece<'_> {
    match part {
        Part::Text(text) => Piece::Text { text },
        Part::Image { mime, base64 } => {
            Piece::ImageUrl { image_url: ImageUrl { url: format!("data:{mime};base64,{base64}") } }
        }
    }
}

fn result<'a>(call_id: &str, content: &[Part]) -> Message<'a> {
    let texts: Vec<&str> = content
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Image { .. } => IMAGE_BELOW,
        })
        .collect();
    Message::Plain {
        role: "tool",
        content: Content::Text(texts.join(BETWEEN_PARTS)),
        tool_calls: Vec::new(),
        tool_call_id: Some(sendable_id(call_id)),
    }
}

/// An assistant's message in its own form where this origin wrote it; none at all where it said and called nothing.
fn assistant<'a>(message: &'a AssistantMessage, origin: &Origin) -> Option<Message<'a>> {
    if let Some(own) = origin.own(message) {
        return Some(Message::Verbatim(own));
    }
    if message.text.is_empty() && message.calls.is_empty() {
        return None;
    }
    Some(Message::Plain {
        role: "assistant",
        // Never null, and never absent: some servers want the member, and all take an empty text.
        content: Content::Text(message.text.clone()),
        tool_calls: message.calls.iter().map(call).collect(),
        tool_call_id: None,
    })
}

fn call(call: &ModelCall) -> Call<'_> {
    let function =
        CallFunction { name: sendable_name(&call.name), arguments: sendable_arguments(&call.arguments) };
    Call { id: sendable_id(&call.id), r#type: "function", function }
}

#[cfg(test)]
mod tests;
