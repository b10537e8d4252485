//! Answers as chunks of chat completions, with the oddities of real servers. Not here: when they are sent (`frames`).
use serde_json::{Map, Value, json};

use crate::model_server::frames::{Frames, split};
use crate::model_server::reply::{Finish, Reply, ScriptedCall};

/// Returns the events of an answer to the request of that number.
pub(crate) fn frames(reply: &Reply, number: usize) -> Frames {
    let mut frames = Frames { done: "data: [DONE]\n\n".to_owned(), ..Frames::default() };
    // The first delta holds nothing but the role and nulls.
    frames.head(delta(
        &json!({"role": "assistant", "content": null, "function_call": null, "tool_calls": null}),
    ));
    for piece in split(&reply.reasoning, reply.deltas) {
        frames.delta(delta(&json!({"reasoning_content": piece})));
    }
    let member = if reply.refusal { "refusal" } else { "content" };
    for piece in split(&reply.text, reply.deltas) {
        let piece = Map::from_iter([(member.to_owned(), Value::String(piece))]);
        frames.delta(delta(&Value::Object(piece)));
    }
    for (index, call) in reply.calls.iter().enumerate() {
        add_call(&mut frames, reply, call, index, number);
    }
    frames.finish.push(event(&json!({
        "id": "cmpl-1", "object": "chat.completion.chunk", "model": "scripted",
        "choices": [{"index": 0, "delta": {}, "finish_reason": finish_word(reply)}],
    })));
    if let Some(usage) = reply.usage {
        frames.finish.push(event(&json!({
            "id": "cmpl-1", "object": "chat.completion.chunk", "model": "scripted", "choices": [],
            "usage": {
                "prompt_tokens": usage.input, "completion_tokens": usage.output,
                "total_tokens": usage.input + usage.output,
                "prompt_tokens_details": {"cached_tokens": usage.cached},
            },
            "timings": {"predicted_ms": 1.5},
        })));
    }
    frames
}

/// Returns an error inside the stream. The code is a number, as at least one server has it.
pub(crate) fn error_event(message: &str) -> String {
    event(&json!({"error": {"message": message, "type": "server_error", "code": 500}}))
}

/// Returns a piece of text.
pub(crate) fn text_event(text: &str) -> String {
    delta(&json!({"content": text}))
}

fn add_call(frames: &mut Frames, reply: &Reply, call: &ScriptedCall, index: usize, number: usize) {
    let id = call.id.clone().unwrap_or_else(|| format!("call_{number}_{index}"));
    let head = |arguments: &str| {
        let mut head = json!({
            "index": index, "type": "function", "function": {"name": call.name, "arguments": arguments},
        });
        if !id.is_empty() {
            head["id"] = Value::String(id.clone());
        }
        head
    };
    let mut pieces = split(&call.arguments, reply.argument_deltas).into_iter();
    frames.delta(delta(&json!({"tool_calls": [head(&pieces.next().unwrap_or_default())]})));
    for piece in pieces {
        let part = if reply.repeat_call_heads {
            head(&piece)
        } else {
            json!({"index": index, "function": {"arguments": piece}})
        };
        frames.delta(delta(&json!({"tool_calls": [part]})));
    }
}

fn finish_word(reply: &Reply) -> &str {
    match &reply.finish {
        Finish::Auto if reply.calls.is_empty() => "stop",
        Finish::Auto => "tool_calls",
        Finish::Length => "length",
        Finish::ContentFilter => "content_filter",
        Finish::Word(word) => word,
    }
}

fn delta(delta: &Value) -> String {
    event(&json!({
        "id": "cmpl-1", "object": "chat.completion.chunk", "model": "scripted",
        "choices": [{"index": 0, "delta": delta, "finish_reason": null, "logprobs": null}],
    }))
}

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}
