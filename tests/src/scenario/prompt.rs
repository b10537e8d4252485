//! What a model was sent, as text that is equal for both wires, and the rules every history must hold. Not here: servers.
use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Result, ensure};
use serde_json::Value;

/// One thing of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Turned {
    /// A text of this role.
    Text(&'static str, String),
    /// A call: id, name, arguments.
    Call(String, String, String),
    /// A call's result: id and text.
    Result(String, String),
}

/// Returns a request's conversation, whichever wire it came over, without what precedes it.
pub(crate) fn conversation(body: &Value) -> Vec<Turned> {
    let empty = Vec::new();
    let messages = body["messages"].as_array().unwrap_or(&empty);
    messages.iter().filter(|message| message["role"] != "system").flat_map(of_message).collect()
}

fn of_message(message: &Value) -> Vec<Turned> {
    let role = match message["role"].as_str() {
        Some("user") => "user",
        Some("assistant") => "assistant",
        Some("tool") => {
            return vec![Turned::Result(string(&message["tool_call_id"]), text(&message["content"]))];
        }
        _ => "unknown",
    };
    let mut out = Vec::new();
    match &message["content"] {
        Value::String(text) if !text.is_empty() => out.push(Turned::Text(role, text.clone())),
        Value::Array(pieces) => pieces.iter().for_each(|piece| push(&mut out, of_piece(role, piece))),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let function = &call["function"];
        out.push(Turned::Call(
            string(&call["id"]),
            string(&function["name"]),
            string(&function["arguments"]),
        ));
    }
    out
}

/// Adds a thing; texts of one role in a row are one text, as one wire demands it.
fn push(out: &mut Vec<Turned>, next: Turned) {
    match (out.last_mut(), next) {
        (Some(Turned::Text(role, text)), Turned::Text(next, more)) if *role == next => {
            text.push_str("\n\n");
            text.push_str(&more);
        }
        (_, next) => out.push(next),
    }
}

fn of_piece(role: &'static str, piece: &Value) -> Turned {
    match piece["type"].as_str() {
        Some("text") => Turned::Text(role, string(&piece["text"])),
        Some("thinking") => Turned::Text("reasoning", string(&piece["thinking"])),
        Some("tool_use") => {
            Turned::Call(string(&piece["id"]), string(&piece["name"]), piece["input"].to_string())
        }
        Some("tool_result") => Turned::Result(string(&piece["tool_use_id"]), text(&piece["content"])),
        other => Turned::Text(role, format!("[{}]", other.unwrap_or("unknown"))),
    }
}

fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(pieces) => {
            let shown = |piece: &Value| match piece["text"].as_str() {
                Some(text) => text.to_owned(),
                None => format!("[{}]", piece["type"].as_str().unwrap_or("unknown")),
            };
            pieces.iter().map(shown).collect::<Vec<_>>().join("\n")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Shows a conversation: a paragraph a thing, further lines of it set off.
pub(crate) fn shown(conversation: &[Turned]) -> String {
    let mut names = BTreeMap::new();
    let mut out = String::new();
    for turned in conversation {
        let line = match turned {
            Turned::Text(role, text) => format!("{role}: {text}"),
            Turned::Call(id, name, arguments) => {
                names.insert(id, name);
                // One wire sends the model's own spelling, the other an object.
                let arguments = serde_json::from_str::<Value>(arguments)
                    .map_or_else(|_| arguments.clone(), |arguments| arguments.to_string());
                format!("call {name} {arguments}")
            }
            Turned::Result(id, text) => {
                format!("result of {}: {text}", names.get(id).map_or("nothing", |name| name.as_str()))
            }
        };
        out.push_str(&line.trim_end().replace('\n', "\n    "));
        out.push('\n');
    }
    out
}

/// Returns what precedes the conversation: system texts and tools.
pub(crate) fn prefix(body: &Value) -> String {
    let own = &body["system"];
    let system = if own.is_null() {
        let messages = body["messages"].as_array().into_iter().flatten();
        messages.take_while(|message| message["role"] == "system").cloned().collect()
    } else {
        own.clone()
    };
    format!("{system}\n{}", body["tools"])
}

/// Shows a whole request: its small members, what precedes the conversation as it is read, and the conversation.
pub(crate) fn whole(body: &Value) -> String {
    let mut small = body.clone();
    if let Some(members) = small.as_object_mut() {
        for large in ["system", "messages", "tools"] {
            members.remove(large);
        }
    }
    let mut out = format!("request: {small}\n");
    let own = body["messages"].as_array().into_iter().flatten().filter(|message| message["role"] == "system");
    let system = own.map(|message| &message["content"]).chain([&body["system"]]);
    for text in system.flat_map(texts) {
        out.push_str(&format!("system: {}", text.trim_end()).replace('\n', "\n    "));
        out.push('\n');
    }
    for tool in body["tools"].as_array().into_iter().flatten() {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "tool: {tool}");
    }
    out + &shown(&conversation(body))
}

/// Returns the texts of a content, with the marks beside them.
fn texts(content: &Value) -> Vec<String> {
    match content {
        Value::String(text) => vec![text.clone()],
        Value::Array(pieces) => {
            let mark = |piece: &Value| match piece.get("cache_control") {
                Some(mark) => format!("\n[cache {mark}]"),
                None => String::new(),
            };
            pieces.iter().map(|piece| string(&piece["text"]) + &mark(piece)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

/// Checks what every provider demands: each call has one result, right behind its message, and none is left over; nothing
/// is empty, and people and model take turns.
pub(crate) fn check(body: &Value) -> Result<()> {
    let empty = Vec::new();
    let messages = body["messages"].as_array().unwrap_or(&empty);
    let mut open: Vec<String> = Vec::new();
    let mut before = "";
    for message in messages.iter().filter(|message| message["role"] != "system") {
        let role = message["role"].as_str().unwrap_or_default();
        let things = of_message(message);
        ensure!(!things.is_empty(), "an empty message: {message}");
        ensure!(role == "tool" || before != role, "two messages of role {role} in a row: {message}");
        for thing in &things {
            match thing {
                Turned::Result(id, _) => {
                    let place = open.iter().position(|call| call == id);
                    let place =
                        place.ok_or_else(|| anyhow::anyhow!("a result of no open call: {message}"))?;
                    open.remove(place);
                }
                Turned::Text(role, text) => {
                    ensure!(
                        *role == "assistant" || open.is_empty(),
                        "calls without results before {message}"
                    );
                    ensure!(!text.is_empty(), "an empty text: {message}");
                }
                Turned::Call(id, ..) => {
                    ensure!(
                        !id.is_empty() && !open.contains(id),
                        "a call without an id of its own: {message}"
                    );
                    open.push(id.clone());
                }
            }
        }
        before = role;
    }
    ensure!(open.is_empty(), "calls without results at the end: {open:?}");
    ensure!(before != "assistant", "the conversation ends with the model's own words");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_wires_are_shown_alike() {
        let chat = json!({"messages": [
            {"role": "system", "content": "be good"},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "ok", "tool_calls": [{"id": "1", "function": {"name": "read", "arguments": "{\"path\":\"a\"}"}}]},
            {"role": "tool", "tool_call_id": "1", "content": "x\ny\n"},
        ]});
        let messages = json!({"system": "be good", "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "ok"}, {"type": "tool_use", "id": "1", "name": "read", "input": {"path": "a"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "x\ny\n"}]},
        ]});
        for body in [&chat, &messages] {
            check(body).unwrap();
            let expected = "user: hi\nassistant: ok\ncall read {\"path\":\"a\"}\nresult of read: x\n    y\n";
            assert_eq!(shown(&conversation(body)), expected);
        }
    }

    #[test]
    fn broken_histories_are_found() {
        let call = json!({"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "a", "arguments": "{}"}}]});
        let user = json!({"role": "user", "content": "hi"});
        let result = json!({"role": "tool", "tool_call_id": "1", "content": "x"});
        for messages in [
            json!([user, call]),
            json!([user, call, user]),
            json!([user, result]),
            json!([user, call, result, result]),
            json!([user, user]),
            json!([user, {"role": "assistant", "content": ""}]),
        ] {
            assert!(check(&json!({"messages": messages})).is_err(), "{messages}");
        }
        check(&json!({"messages": [user, call, result]})).unwrap();
    }
}
