//! Writes a request as a body of Anthropic's messages.
//!
//! Roles alternate, the results of a step are one user message, no text is empty, and three cache markers stand where
//! a later request has the same prefix: behind the tools, the system prompt and the last user message.
//! Not here: reading answers (`anthropic::fold`).
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::providers::calls::{sendable_arguments, sendable_id, sendable_name};
use crate::providers::error::{ProviderError, ProviderErrorKind};
use crate::providers::request::{AssistantMessage, ModelCall, ModelMessage, ModelRequest, Part, ToolSpec};
use crate::providers::verbatim::{Origin, to_json};

/// The limit on output tokens where nobody knows a better one: this wire insists on a number, and every model of it
/// can do this many.
const MAX_TOKENS: u32 = 8192;

/// What stands where a message would be empty, which this wire refuses.
const NOTHING: &str = "(nothing)";

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    messages: Vec<Message<'a>>,
    stream: bool,
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    description: &'a str,
    input_schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Serialize)]
struct CacheControl {
    r#type: &'static str,
}

const EPHEMERAL: CacheControl = CacheControl { r#type: "ephemeral" };

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Verbatim(Box<RawValue>),
    Blocks(Vec<Block<'a>>),
}

#[derive(Serialize)]
struct Block<'a> {
    #[serde(flatten)]
    kind: BlockKind<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockKind<'a> {
    Text {
        text: &'a str,
    },
    Image {
        source: Source<'a>,
    },
    ToolUse {
        id: String,
        name: String,
        input: Box<RawValue>,
    },
    ToolResult {
        tool_use_id: String,
        content: Vec<Block<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        is_error: Option<bool>,
    },
}

#[derive(Serialize)]
struct Source<'a> {
    r#type: &'static str,
    media_type: &'a str,
    data: &'a str,
}

/// Returns the body of `request`. Equal requests give equal bytes.
pub(crate) fn write(request: &ModelRequest, origin: &Origin) -> Result<Vec<u8>, ProviderError> {
    let mut system: Vec<Block<'_>> = request.system.iter().filter_map(|part| text(part)).collect();
    if let Some(last) = system.last_mut() {
        last.cache_control = Some(EPHEMERAL);
    }
    to_json(&Body {
        model: &request.model,
        max_tokens: request.max_output_tokens.unwrap_or(MAX_TOKENS),
        tools: tools(&request.tools),
        system,
        messages: messages(request, origin)?,
        stream: true,
    })
}

fn tools(tools: &[ToolSpec]) -> Vec<Tool<'_>> {
    let last = tools.len().saturating_sub(1);
    tools
        .iter()
        .enumerate()
        .map(|(index, tool)| Tool {
            name: &tool.name,
            description: &tool.description,
            input_schema: &tool.parameters,
            cache_control: (index == last).then_some(EPHEMERAL),
        })
        .collect()
}

fn messages<'a>(request: &'a ModelRequest, origin: &Origin) -> Result<Vec<Message<'a>>, ProviderError> {
    let mut out = Vec::with_capacity(request.messages.len());
    // What the next user message holds: results first, in the order of the conversation, and what the person said.
    let mut said: Vec<Block<'a>> = Vec::new();
    let mut results = 0;
    for message in &request.messages {
        match message {
            ModelMessage::User(parts) => said.extend(blocks(parts)),
            ModelMessage::ToolResult { call_id, content, failed, .. } => {
                said.insert(results, result(call_id, content, *failed));
                results += 1;
            }
            ModelMessage::Assistant(message) => {
                if let Some(content) = assistant(message, origin)? {
                    flush(&mut said, &mut out);
                    results = 0;
                    out.push(Message { role: "assistant", content });
                }
            }
        }
    }
    if let Some(last) = said.last_mut() {
        last.cache_control = Some(EPHEMERAL);
    }
    flush(&mut said, &mut out);
    Ok(out)
}

fn flush<'a>(said: &mut Vec<Block<'a>>, out: &mut Vec<Message<'a>>) {
    if !said.is_empty() {
        out.push(Message { role: "user", content: Content::Blocks(std::mem::take(said)) });
    }
}

/// Returns the blocks of some parts; never none.
fn blocks(parts: &[Part]) -> Vec<Block<'_>> {
    let mut out: Vec<Block<'_>> = parts.iter().filter_map(block).collect();
    if out.is_empty() {
        out.extend(text(NOTHING));
    }
    out
}

fn block(part: &Part) -> Option<Block<'_>> {
    match part {
        Part::Text(part) => text(part),
        Part::Image { mime, base64 } => {
            let source = Source { r#type: "base64", media_type: mime, data: base64 };
            Some(unmarked(BlockKind::Image { source }))
        }
    }
}

/// Returns a block of text, unless it is blank, which this wire refuses.
fn text(text: &str) -> Option<Block<'_>> {
    (!text.trim().is_empty()).then(|| unmarked(BlockKind::Text { text }))
}

fn unmarked(kind: BlockKind<'_>) -> Block<'_> {
    Block { kind, cache_control: None }
}

fn result<'a>(call_id: &str, content: &'a [Part], failed: bool) -> Block<'a> {
    unmarked(BlockKind::ToolResult {
        tool_use_id: sendable_id(call_id),
        content: blocks(content),
        is_error: failed.then_some(true),
    })
}

/// An assistant's message in its own form where this origin wrote it; none at all where it said and called nothing.
fn assistant<'a>(
    message: &'a AssistantMessage,
    origin: &Origin,
) -> Result<Option<Content<'a>>, ProviderError> {
    if let Some(own) = origin.own(message) {
        return Ok(Some(Content::Verbatim(own)));
    }
    let mut blocks: Vec<Block<'a>> = text(&message.text).into_iter().collect();
    for call in &message.calls {
        blocks.push(tool_use(call)?);
    }
    Ok((!blocks.is_empty()).then_some(Content::Blocks(blocks)))
}

fn tool_use(call: &ModelCall) -> Result<Block<'_>, ProviderError> {
    let input = RawValue::from_string(sendable_arguments(&call.arguments).to_owned())
        .map_err(|error| ProviderError::new(ProviderErrorKind::BadRequest, &error.to_string()))?;
    Ok(unmarked(BlockKind::ToolUse { id: sendable_id(&call.id), name: sendable_name(&call.name), input }))
}

#[cfg(test)]
mod tests;
