//! Answers as events of Anthropic's messages. Not here: when they are sent (`frames`).
use serde_json::{Value, json};

use crate::model_server::frames::{Frames, split};
use crate::model_server::reply::{Finish, Reply};

/// The signature of scripted thinking.
pub const SIGNATURE: &str = "signed+by/the=server";

/// Returns the events of an answer to the request of that number.
pub(crate) fn frames(reply: &Reply, number: usize) -> Frames {
    let mut frames = Frames { done: event(&json!({"type": "message_stop"})), ..Frames::default() };
    let mut start = json!({"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "scripted", "content": [],
        "stop_reason": null, "stop_sequence": null,
    }});
    if let Some(usage) = reply.usage {
        start["message"]["usage"] = json!({
            "input_tokens": usage.input - usage.cached.min(usage.input), "output_tokens": 1,
            "cache_read_input_tokens": usage.cached, "cache_creation_input_tokens": 0,
        });
    }
    frames.head(event(&start));
    frames.head(event(&json!({"type": "ping"})));
    let mut index = 0;
    if !reply.reasoning.is_empty() {
        begin(&mut frames, index, &json!({"type": "thinking", "thinking": "", "signature": ""}));
        for piece in split(&reply.reasoning, reply.deltas) {
            frames.delta(delta(index, &json!({"type": "thinking_delta", "thinking": piece})));
        }
        frames.head(delta(index, &json!({"type": "signature_delta", "signature": SIGNATURE})));
        end(&mut frames, &mut index);
    }
    if !reply.text.is_empty() {
        begin(&mut frames, index, &json!({"type": "text", "text": ""}));
        for piece in split(&reply.text, reply.deltas) {
            frames.delta(delta(index, &json!({"type": "text_delta", "text": piece})));
        }
        end(&mut frames, &mut index);
    }
    for (place, call) in reply.calls.iter().enumerate() {
        let id = call.id.clone().unwrap_or_else(|| format!("toolu_{number}_{place}"));
        begin(&mut frames, index, &json!({"type": "tool_use", "id": id, "name": call.name, "input": {}}));
        frames.delta(delta(index, &json!({"type": "input_json_delta", "partial_json": ""})));
        for piece in split(&call.arguments, reply.argument_deltas) {
            frames.delta(delta(index, &json!({"type": "input_json_delta", "partial_json": piece})));
        }
        end(&mut frames, &mut index);
    }
    let mut finish = json!({
        "type": "message_delta", "delta": {"stop_reason": finish_word(reply), "stop_sequence": null},
    });
    if let Some(usage) = reply.usage {
        finish["usage"] = json!({"output_tokens": usage.output});
    }
    frames.finish.push(event(&finish));
    frames
}

/// Returns an error inside the stream.
pub(crate) fn error_event(message: &str) -> String {
    event(&json!({"type": "error", "error": {"type": "api_error", "message": message}}))
}

/// Returns a piece of text in the first block.
pub(crate) fn text_event(text: &str) -> String {
    delta(0, &json!({"type": "text_delta", "text": text}))
}

fn begin(frames: &mut Frames, index: usize, block: &Value) {
    frames.head(event(&json!({"type": "content_block_start", "index": index, "content_block": block})));
}

fn end(frames: &mut Frames, index: &mut usize) {
    frames.head(event(&json!({"type": "content_block_stop", "index": *index})));
    *index += 1;
}

fn delta(index: usize, delta: &Value) -> String {
    event(&json!({"type": "content_block_delta", "index": index, "delta": delta}))
}

fn finish_word(reply: &Reply) -> &str {
    match &reply.finish {
        Finish::Auto if reply.refusal => "refusal",
        Finish::Auto if reply.calls.is_empty() => "end_turn",
        Finish::Auto => "tool_use",
        Finish::Length => "max_tokens",
        Finish::ContentFilter => "refusal",
        Finish::Word(word) => word,
    }
}

fn event(value: &Value) -> String {
    format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap_or_default())
}
