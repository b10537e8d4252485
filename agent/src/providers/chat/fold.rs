//! Reads the chunks of chat completions, in all the shapes that servers give them.
//!
//! Chunks are read as untyped JSON on purpose: members that we do not need may have any type, and a server that adds or
//! nulls one must not break an answer.
//! Not here: when the answer has ended for good (`attempt`).
use serde_json::{Map, Value, json};

use crate::providers::attempt::{Fold, Outbox, Progress};
use crate::providers::calls::{
    CUT_ARGUMENTS, Ids, NO_ARGUMENTS, check_count, complete, parse_arguments, sendable_name,
};
use crate::providers::error::{ProviderError, ProviderErrorKind};
use crate::providers::event::{Finish, FinishReason, ProviderEvent, Usage};
use crate::providers::failure;
use crate::providers::request::{ModelRequest, Verbatim};
use crate::providers::verbatim::{Origin, estimate_prompt, or_estimate};

/// The members that carry reasoning. A server that sends both sends the same text twice.
const REASONING: [&str; 2] = ["reasoning_content", "reasoning"];

/// The state of an answer that is being read.
#[derive(Debug)]
pub(crate) struct ChatFold {
    origin: Origin,
    ids: Ids,
    prompt_tokens: u64,
    text: String,
    reasoning: Option<(&'static str, String)>,
    /// Opaque reasoning blocks that gateways hand out and want back as they were.
    reasoning_details: Vec<Value>,
    refused: bool,
    calls: Vec<CallInProgress>,
    reason: Option<String>,
    usage: Usage,
}

#[derive(Debug)]
struct CallInProgress {
    index: Option<u64>,
    given_id: String,
    /// The id in use, from the moment the call is complete.
    id: Option<String>,
    name: String,
    arguments: String,
    /// Members that we do not know: some servers want their signatures back.
    extra: Map<String, Value>,
}

impl ChatFold {
    /// Starts reading the answer to `request`.
    pub(crate) fn new(request: &ModelRequest, origin: Origin) -> Self {
        Self {
            origin,
            ids: Ids::of(&request.messages),
            prompt_tokens: estimate_prompt(request),
            text: String::new(),
            reasoning: None,
            reasoning_details: Vec::new(),
            refused: false,
            calls: Vec::new(),
            reason: None,
            usage: Usage::default(),
        }
    }

    fn delta(&mut self, delta: &Map<String, Value>, out: &mut Outbox) -> Result<(), ProviderError> {
        self.reason_on(delta, out);
        if let Some(Value::Array(details)) = delta.get("reasoning_details") {
            self.reasoning_details.extend(details.iter().cloned());
        }
        for (member, refusal) in [("content", false), ("refusal", true)] {
            let text = text_of(delta.get(member));
            if !text.is_empty() {
                self.refused |= refusal;
                self.text.push_str(&text);
                out.push_back(ProviderEvent::TextDelta(text));
            }
        }
        for call in delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            self.call_delta(call, out)?;
        }
        Ok(())
    }

    fn reason_on(&mut self, delta: &Map<String, Value>, out: &mut Outbox) {
        let held = self.reasoning.as_ref().map(|(member, _)| *member);
        let found = REASONING
            .into_iter()
            .filter(|member| held.is_none_or(|held| held == *member))
            .find_map(|member| Some((member, delta.get(member)?.as_str().filter(|text| !text.is_empty())?)));
        if let Some((member, text)) = found {
            self.reasoning.get_or_insert_with(|| (member, String::new())).1.push_str(text);
            out.push_back(ProviderEvent::ReasoningDelta(text.to_owned()));
        }
    }

    fn call_delta(&mut self, delta: &Value, out: &mut Outbox) -> Result<(), ProviderError> {
        let function = delta.get("function");
        let member =
            |name: &str| function.and_then(|function| function.get(name)?.as_str()).unwrap_or_default();
        let (id, name) = (delta.get("id").and_then(Value::as_str).unwrap_or_default(), member("name"));
        let index = delta.get("index").and_then(Value::as_u64);
        let place = match self.place_of(index, id, name) {
            Some(place) => place,
            None => self.begin(index, out)?,
        };
        let call = &mut self.calls[place];
        if call.given_id.is_empty() {
            id.clone_into(&mut call.given_id);
        }
        if call.name.is_empty() {
            name.clone_into(&mut call.name);
        }
        for (key, value) in delta.as_object().into_iter().flatten() {
            if !matches!(key.as_str(), "index" | "id" | "type" | "function") && !value.is_null() {
                call.extra.insert(key.clone(), value.clone());
            }
        }
        // Some servers send the arguments as an object although the format says text.
        let arguments = match function.and_then(|function| function.get("arguments")) {
            Some(Value::String(text)) => text.clone(),
            Some(value @ Value::Object(_)) => value.to_string(),
            _ => String::new(),
        };
        call.arguments.push_str(&arguments);
        out.push_back(ProviderEvent::CallDelta { bytes: arguments.len() });
        Ok(())
    }

    /// Returns the call that a delta goes on with. The index decides, except that a server which numbers every call 0
    /// is recognised by a new id together with a name, after arguments that are whole.
    fn place_of(&self, index: Option<u64>, id: &str, name: &str) -> Option<usize> {
        let place = match index {
            Some(_) => self.calls.iter().rposition(|call| call.index == index)?,
            None if id.is_empty() && name.is_empty() => self.calls.len().checked_sub(1)?,
            None => self.calls.iter().rposition(|call| !id.is_empty() && call.given_id == id)?,
        };
        let call = &self.calls[place];
        let another = !id.is_empty()
            && id != call.given_id
            && !call.given_id.is_empty()
            && !name.is_empty()
            && parse_arguments(&call.arguments).is_ok();
        (!another).then_some(place)
    }

    /// Begins a call, which says that those before it are complete.
    fn begin(&mut self, index: Option<u64>, out: &mut Outbox) -> Result<usize, ProviderError> {
        check_count(self.calls.len() + 1)?;
        self.complete_calls(out);
        self.calls.push(CallInProgress {
            index,
            given_id: String::new(),
            id: None,
            name: String::new(),
            arguments: String::new(),
            extra: Map::new(),
        });
        Ok(self.calls.len() - 1)
    }

    fn complete_calls(&mut self, out: &mut Outbox) {
        for call in &mut self.calls {
            if call.id.is_none() {
                let id = self.ids.usable(&call.given_id);
                call.id = Some(id.clone());
                out.push_back(complete(id, call.name.clone(), call.arguments.clone()));
            }
        }
    }

    /// An answer that was cut at its limit may have lost the last call's arguments altogether, which must not be taken
    /// for a call without any.
    fn mark_cut(&mut self) {
        if let Some(call) = self.calls.last_mut().filter(|call| call.arguments.trim().is_empty()) {
            CUT_ARGUMENTS.clone_into(&mut call.arguments);
        }
    }

    fn finish_reason(&self, reason: &str) -> FinishReason {
        match reason {
            "stop" | "tool_calls" | "function_call" if !self.calls.is_empty() => FinishReason::ToolCalls,
            "stop" | "tool_calls" | "function_call" if self.refused => FinishReason::Refused,
            "stop" | "tool_calls" | "function_call" => FinishReason::Stop,
            "length" => FinishReason::Length,
            "content_filter" => FinishReason::ContentFilter,
            other => FinishReason::Other(other.to_owned()),
        }
    }

    /// The answer as this wire wants it back: with the ids in use, and arguments that are always an object.
    fn verbatim(&self) -> Option<Verbatim> {
        if self.text.is_empty() && self.calls.is_empty() {
            return None;
        }
        let mut message = Map::new();
        message.insert("role".into(), "assistant".into());
        message.insert("content".into(), self.text.as_str().into());
        if let Some((member, text)) = &self.reasoning {
            message.insert((*member).into(), text.as_str().into());
        }
        if !self.reasoning_details.is_empty() {
            message.insert("reasoning_details".into(), self.reasoning_details.clone().into());
        }
        if !self.calls.is_empty() {
            message.insert("tool_calls".into(), self.calls.iter().map(verbatim_call).collect());
        }
        Some(self.origin.verbatim(Value::Object(message).to_string()))
    }

    fn output_bytes(&self) -> usize {
        let calls = self.calls.iter().map(|call| call.name.len() + call.arguments.len());
        self.text.len() + self.reasoning.as_ref().map_or(0, |(_, text)| text.len()) + calls.sum::<usize>()
    }
}

impl Fold for ChatFold {
    fn take(&mut self, _name: Option<&str>, data: &str, out: &mut Outbox) -> Result<Progress, ProviderError> {
        if data.trim() == "[DONE]" {
            return Ok(Progress::Ended);
        }
        let Ok(Value::Object(chunk)) = serde_json::from_str(data) else {
            return Err(ProviderError::new(ProviderErrorKind::Cut, "the server sent a malformed event"));
        };
        if let Some(error) = chunk.get("error").filter(|error| !error.is_null()) {
            return Err(failure::of_event(error));
        }
        if let Some(Value::Object(usage)) = chunk.get("usage") {
            self.usage = usage_of(usage);
            out.push_back(ProviderEvent::Usage(self.usage));
        }
        if let Some(choice) = chunk.get("choices").and_then(|choices| choices.get(0)) {
            // What comes behind the finish reason is a repetition where it is anything at all.
            if let (None, Some(Value::Object(delta))) = (&self.reason, choice.get("delta")) {
                self.delta(delta, out)?;
            }
            let reason =
                choice.get("finish_reason").and_then(Value::as_str).filter(|reason| !reason.is_empty());
            if let Some(reason) = reason {
                self.reason = Some(reason.to_owned());
                if reason == "length" {
                    self.mark_cut();
                }
                self.complete_calls(out);
            }
        }
        Ok(if self.reason.is_some() { Progress::Trailing } else { Progress::Open })
    }

    fn finish(&mut self, out: &mut Outbox) -> Result<(), ProviderError> {
        let Some(reason) = &self.reason else {
            return Err(ProviderError::new(
                ProviderErrorKind::Cut,
                "the answer ended without a finish reason: the server broke it off",
            ));
        };
        let usage = or_estimate(self.usage, self.prompt_tokens, self.output_bytes());
        let finish = Finish { reason: self.finish_reason(reason), verbatim: self.verbatim(), usage };
        out.push_back(ProviderEvent::Finished(finish));
        Ok(())
    }
}

fn verbatim_call(call: &CallInProgress) -> Value {
    let arguments = match serde_json::from_str::<Map<String, Value>>(&call.arguments) {
        Ok(_) => call.arguments.as_str(),
        Err(_) => NO_ARGUMENTS,
    };
    let mut value = call.extra.clone();
    value.insert("id".into(), call.id.as_deref().unwrap_or_default().into());
    value.insert("type".into(), "function".into());
    value.insert("function".into(), json!({"name": sendable_name(&call.name), "arguments": arguments}));
    Value::Object(value)
}

/// Text, or the text pieces of an array.
fn text_of(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(pieces)) => pieces.iter().filter_map(|piece| piece.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

fn usage_of(usage: &Map<String, Value>) -> Usage {
    let number = |value: Option<&Value>| value.and_then(Value::as_u64).unwrap_or(0);
    let detail = |group: &str, name: &str| number(usage.get(group).and_then(|group| group.get(name)));
    let cached =
        detail("prompt_tokens_details", "cached_tokens").max(number(usage.get("prompt_cache_hit_tokens")));
    let written = detail("prompt_tokens_details", "cache_write_tokens");
    Usage {
        input_tokens: number(usage.get("prompt_tokens")).saturating_sub(cached).saturating_sub(written),
        output_tokens: number(usage.get("completion_tokens")),
        cache_read_tokens: cached,
        cache_write_tokens: written,
        reasoning_tokens: detail("completion_tokens_details", "reasoning_tokens"),
        estimated: false,
    }
}

#[cfg(test)]
mod tests;
