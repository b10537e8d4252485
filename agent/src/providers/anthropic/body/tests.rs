//! Bodies of Anthropic's messages: what the model is sent is an output like any other.
use serde_json::json;

use super::*;
use crate::providers::tests::request;

fn body(request: &ModelRequest) -> Value {
    let origin = Origin::new("anthropic-messages", "fake", "x");
    let bytes = write(request, &origin).unwrap();
    assert_eq!(bytes, write(request, &origin).unwrap(), "equal requests, equal bytes");
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn a_request_is_written_whole_with_its_cache_markers() {
    let mark = json!({"type": "ephemeral"});
    let parameters = json!({"type": "object", "properties": {"path": {"type": "string"}}});
    let mut request = request("hi");
    request.system.push("And another.".into());
    assert_eq!(
        body(&request),
        json!({
            "model": "x",
            "max_tokens": 1000,
            "tools": [{"name": "read", "description": "Reads.", "input_schema": parameters, "cache_control": mark}],
            "system": [
                {"type": "text", "text": "You are a test."},
                {"type": "text", "text": "And another.", "cache_control": mark},
            ],
            "messages": [{"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": mark}]}],
            "stream": true,
        })
    );
    request.max_output_tokens = None;
    assert_eq!(body(&request)["max_tokens"], MAX_TOKENS);
}

#[test]
fn results_of_a_step_and_what_follows_are_one_user_message() {
    let mut request = request("hi");
    let call = |id: &str| ModelCall { id: id.into(), name: "read".into(), arguments: "{}".into() };
    let result = |id: &str, content| ModelMessage::ToolResult {
        call_id: id.into(),
        name: "read".into(),
        content,
        failed: id == "b",
    };
    let image = Part::Image { mime: "image/png".into(), base64: "AAAA".into() };
    request.messages.extend([
        ModelMessage::Assistant(AssistantMessage {
            text: " ".into(),
            calls: vec![call("a.1"), call("b")],
            verbatim: None,
        }),
        result("a.1", vec![image]),
        result("b", vec![Part::Text("  ".into())]),
        ModelMessage::User(vec![Part::Text("go on".into())]),
    ]);
    let body = body(&request);
    let id = body["messages"][1]["content"][0]["id"].clone();
    assert!(!id.as_str().unwrap().contains('.'), "an id that this wire would refuse is replaced");
    let source = json!({"type": "base64", "media_type": "image/png", "data": "AAAA"});
    assert_eq!(
        body["messages"].as_array().unwrap()[1..],
        [
            json!({"role": "assistant", "content": [
                {"type": "tool_use", "id": id, "name": "read", "input": {}},
                {"type": "tool_use", "id": "b", "name": "read", "input": {}},
            ]}),
            json!({"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": id, "content": [{"type": "image", "source": source}]},
                {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": NOTHING}],
                 "is_error": true},
                {"type": "text", "text": "go on", "cache_control": {"type": "ephemeral"}},
            ]}),
        ]
    );
}

#[test]
fn an_empty_answer_lets_two_user_messages_become_one() {
    let mut request = request("one");
    request.messages.push(ModelMessage::Assistant(AssistantMessage::default()));
    request.messages.push(ModelMessage::User(vec![Part::Text("two".into())]));
    let body = body(&request);
    assert_eq!(body["messages"].as_array().unwrap().len(), 1);
    assert_eq!(body["messages"][0]["content"][1]["text"], "two");
}
