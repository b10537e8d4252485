//! Reads the events of Anthropic's messages.
//!
//! Blocks are rebuilt exactly as they came, unknown kinds included, so that thinking and its signatures go back
//! untouched. Not here: when the answer has ended for good (`attempt`).
use serde_json::{Map, Value};

use crate::providers::attempt::{Fold, Outbox, Progress};
use crate::providers::calls::{CUT_ARGUMENTS, Ids, check_count, complete, parse_arguments, sendable_name};
use crate::providers::error::{ProviderError, ProviderErrorKind};
use crate::providers::event::{Finish, FinishReason, ProviderEvent, Usage};
use crate::providers::failure;
use crate::providers::request::{ModelRequest, Verbatim};
use crate::providers::verbatim::{Origin, estimate_prompt, or_estimate};

/// The state of an answer that is being read.
#[derive(Debug)]
pub(crate) struct AnthropicFold {
    origin: Origin,
    ids: Ids,
    prompt_tokens: u64,
    blocks: Vec<BlockInProgress>,
    reason: Option<String>,
    stopped: bool,
    usage: Usage,
    output_bytes: usize,
}

/// A content block as it grows.
#[derive(Debug)]
struct BlockInProgress {
    index: u64,
    /// The block as it began, with its deltas applied.
    block: Map<String, Value>,
    /// The input of a call as text, which is no JSON before its end.
    arguments: String,
    state: BlockState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BlockState {
    Open,
    /// Complete, but without any arguments: only the end of the answer tells whether they were cut off.
    Held,
    Done,
}

impl AnthropicFold {
    /// Starts reading the answer to `request`.
    pub(crate) fn new(request: &ModelRequest, origin: Origin) -> Self {
        Self {
            origin,
            ids: Ids::of(&request.messages),
            prompt_tokens: estimate_prompt(request),
            blocks: Vec::new(),
            reason: None,
            stopped: false,
            usage: Usage::default(),
            output_bytes: 0,
        }
    }

    fn begin(&mut self, event: &Value, out: &mut Outbox) -> Result<(), ProviderError> {
        let Some(Value::Object(block)) = event.get("content_block") else { return Err(malformed()) };
        check_count(self.blocks.len() + 1)?;
        self.release(out);
        let index = index_of(event)?;
        for (member, reasoning) in [("text", false), ("thinking", true)] {
            let text = block.get(member).and_then(Value::as_str).unwrap_or_default();
            self.say(text, reasoning, out);
        }
        // The input of a block begins empty; some servers send all of it here.
        let input = block.get("input").and_then(Value::as_object).filter(|input| !input.is_empty());
        let arguments = input.map(|input| Value::Object(input.clone()).to_string()).unwrap_or_default();
        self.blocks.push(BlockInProgress { index, block: block.clone(), arguments, state: BlockState::Open });
        Ok(())
    }

    fn delta(&mut self, event: &Value, out: &mut Outbox) -> Result<(), ProviderError> {
        let index = index_of(event)?;
        let delta = event.get("delta").ok_or_else(malformed)?;
        let place = self.blocks.iter().rposition(|block| block.index == index).ok_or_else(malformed)?;
        let text = |member: &str| delta.get(member).and_then(Value::as_str).unwrap_or_default();
        let block = &mut self.blocks[place];
        match text("type") {
            "text_delta" => {
                append(&mut block.block, "text", text("text"));
                self.say(text("text"), false, out);
            }
            "thinking_delta" => {
                append(&mut block.block, "thinking", text("thinking"));
                self.say(text("thinking"), true, out);
            }
            "signature_delta" => append(&mut block.block, "signature", text("signature")),
            "input_json_delta" => {
                let bytes = text("partial_json").len();
                block.arguments.push_str(text("partial_json"));
                self.output_bytes += bytes;
                out.push_back(ProviderEvent::CallDelta { bytes });
            }
            "citations_delta" => cite(&mut block.block, delta.get("citation")),
            // New kinds are announced as possible at any time, and must be ignored.
            _ => {}
        }
        Ok(())
    }

    fn say(&mut self, text: &str, reasoning: bool, out: &mut Outbox) {
        if text.is_empty() {
            return;
        }
        self.output_bytes += text.len();
        let text = text.to_owned();
        out.push_back(if reasoning {
            ProviderEvent::ReasoningDelta(text)
        } else {
            ProviderEvent::TextDelta(text)
        });
    }

    fn end_block(&mut self, event: &Value, out: &mut Outbox) -> Result<(), ProviderError> {
        let index = index_of(event)?;
        let Some(place) = self.blocks.iter().rposition(|block| block.index == index) else {
            return Err(malformed());
        };
        if self.blocks[place].arguments.trim().is_empty() {
            self.blocks[place].state = BlockState::Held;
        } else {
            self.settle(place, out);
        }
        Ok(())
    }

    /// Yields the calls that were held back, for it is known now that nothing was cut.
    fn release(&mut self, out: &mut Outbox) {
        for place in 0..self.blocks.len() {
            if self.blocks[place].state == BlockState::Held {
                self.settle(place, out);
            }
        }
    }

    /// Ends a block; that of a call is yielded, and gets the id in use and an input that can be sent back.
    fn settle(&mut self, place: usize, out: &mut Outbox) {
        let block = &mut self.blocks[place];
        block.state = BlockState::Done;
        let member =
            |name: &str| block.block.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        match member("type").as_str() {
            "tool_use" => {
                let (id, name) = (self.ids.usable(&member("id")), member("name"));
                let input = parse_arguments(&block.arguments).unwrap_or_default();
                block.block.insert("id".into(), id.as_str().into());
                block.block.insert("name".into(), sendable_name(&name).into());
                block.block.insert("input".into(), input.into());
                out.push_back(complete(id, name, block.arguments.clone()));
            }
            // Calls that the server answers itself have an input too.
            _ if !block.arguments.is_empty() => {
                let input = parse_arguments(&block.arguments).unwrap_or_default();
                block.block.insert("input".into(), input.into());
            }
            _ => {}
        }
    }

    /// Ends every block, once the reason is known.
    fn settle_all(&mut self, out: &mut Outbox) {
        let cut = self.reason.as_deref().is_some_and(is_length);
        let last = self.blocks.len().saturating_sub(1);
        for place in 0..self.blocks.len() {
            let block = &mut self.blocks[place];
            if block.state == BlockState::Done {
                continue;
            }
            if cut && place == last && block.arguments.trim().is_empty() && is_call(&block.block) {
                CUT_ARGUMENTS.clone_into(&mut block.arguments);
            }
            self.settle(place, out);
        }
    }

    fn finish_reason(&self, reason: &str) -> FinishReason {
        match reason {
            "end_turn" | "stop_sequence" | "tool_use" => {
                let calls = self.blocks.iter().any(|block| is_call(&block.block));
                if calls { FinishReason::ToolCalls } else { FinishReason::Stop }
            }
            "refusal" => FinishReason::Refused,
            reason if is_length(reason) => FinishReason::Length,
            other => FinishReason::Other(other.to_owned()),
        }
    }

    /// The blocks as this wire takes them back: none that is blank, and no thinking whose signature was cut off.
    fn verbatim(&self) -> Option<Verbatim> {
        let cut = self.reason.as_deref().is_some_and(is_length);
        let blocks: Vec<Value> = self
            .blocks
            .iter()
            .map(|block| &block.block)
            .filter(|block| !(is_blank(block) || cut && is_unsigned(block)))
            .map(|block| Value::Object(block.clone()))
            .collect();
        // Thinking alone is no answer that could be sent back.
        let answers = blocks.iter().any(|block| !kind_of(block).ends_with("thinking"));
        answers.then(|| self.origin.verbatim(Value::Array(blocks).to_string()))
    }

    fn count(&mut self, usage: Option<&Value>, out: &mut Outbox) {
        let Some(Value::Object(usage)) = usage else { return };
        let counts = &mut self.usage;
        for (member, count) in [
            ("input_tokens", &mut counts.input_tokens),
            ("output_tokens", &mut counts.output_tokens),
            ("cache_read_input_tokens", &mut counts.cache_read_tokens),
            ("cache_creation_input_tokens", &mut counts.cache_write_tokens),
        ] {
            if let Some(value) = usage.get(member).and_then(Value::as_u64) {
                *count = value;
            }
        }
        out.push_back(ProviderEvent::Usage(self.usage));
    }
}

impl Fold for AnthropicFold {
    fn take(&mut self, name: Option<&str>, data: &str, out: &mut Outbox) -> Result<Progress, ProviderError> {
        if data.trim() == "[DONE]" {
            return Ok(Progress::Ended);
        }
        let event: Value = serde_json::from_str(data).map_err(|_| malformed())?;
        match event.get("type").and_then(Value::as_str).or(name).unwrap_or_default() {
            "message_start" => self.count(event.pointer("/message/usage"), out),
            "content_block_start" => self.begin(&event, out)?,
            "content_block_delta" => self.delta(&event, out)?,
            "content_block_stop" => self.end_block(&event, out)?,
            "message_delta" => {
                self.count(event.get("usage"), out);
                if let Some(reason) = event.pointer("/delta/stop_reason").and_then(Value::as_str) {
                    self.reason = Some(reason.to_owned());
                    self.settle_all(out);
                }
            }
            "message_stop" => {
                self.stopped = true;
                return Ok(Progress::Ended);
            }
            "error" => return Err(failure::of_event(event.get("error").unwrap_or(&event))),
            _ if event.get("error").is_some_and(Value::is_object) => {
                return Err(failure::of_event(&event["error"]));
            }
            // `ping`, and kinds to come.
            _ => {}
        }
        Ok(Progress::Open)
    }

    fn finish(&mut self, out: &mut Outbox) -> Result<(), ProviderError> {
        let (Some(reason), true) = (&self.reason, self.stopped) else {
            return Err(ProviderError::new(
                ProviderErrorKind::Cut,
                "the answer ended without a finish reason: the server broke it off",
            ));
        };
        let usage = or_estimate(self.usage, self.prompt_tokens, self.output_bytes);
        let finish = Finish { reason: self.finish_reason(reason), verbatim: self.verbatim(), usage };
        out.push_back(ProviderEvent::Finished(finish));
        Ok(())
    }
}

fn malformed() -> ProviderError {
    ProviderError::new(ProviderErrorKind::Cut, "the server sent a malformed event")
}

fn index_of(event: &Value) -> Result<u64, ProviderError> {
    event.get("index").and_then(Value::as_u64).ok_or_else(malformed)
}

fn is_length(reason: &str) -> bool {
    matches!(reason, "max_tokens" | "model_context_window_exceeded")
}

fn kind_of(block: &Value) -> &str {
    block.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn is_call(block: &Map<String, Value>) -> bool {
    block.get("type").and_then(Value::as_str) == Some("tool_use")
}

fn is_blank(block: &Map<String, Value>) -> bool {
    let blank =
        |member: &str| block.get(member).and_then(Value::as_str).is_none_or(|text| text.trim().is_empty());
    match block.get("type").and_then(Value::as_str) {
        Some("text") => blank("text"),
        Some("thinking") => blank("thinking") && blank("signature"),
        _ => false,
    }
}

fn is_unsigned(block: &Map<String, Value>) -> bool {
    let signed = block.get("signature").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    block.get("type").and_then(Value::as_str) == Some("thinking") && !signed
}

fn append(block: &mut Map<String, Value>, member: &str, text: &str) {
    match block.get_mut(member) {
        Some(Value::String(whole)) => whole.push_str(text),
        _ => {
            block.insert(member.to_owned(), text.into());
        }
    }
}

fn cite(block: &mut Map<String, Value>, citation: Option<&Value>) {
    let Some(citation) = citation else { return };
    match block.get_mut("citations") {
        Some(Value::Array(all)) => all.push(citation.clone()),
        _ => {
            block.insert("citations".into(), Value::Array(vec![citation.clone()]));
        }
    }
}
#[cfg(test)]
mod tests;
