//! Bodies of chat completions: what the model is sent is an output like any other.
use serde_json::json;

use super::*;
use crate::providers::tests::request;

fn body(request: &ModelRequest) -> Value {
    let origin = Origin::new("openai-chat", "fake", "x");
    let bytes = write(request, &origin, MaxTokensField::MaxTokens).unwrap();
    assert_eq!(
        bytes,
        write(request, &origin, MaxTokensField::MaxTokens).unwrap(),
        "equal requests, equal bytes"
    );
    serde_json::from_slice(&bytes).unwrap()
}

fn image() -> Part {
    Part::Image { mime: "image/png".into(), base64: "AAAA".into() }
}

fn result(id: &str, content: Vec<Part>) -> ModelMessage {
    ModelMessage::ToolResult { call_id: id.into(), name: "read".into(), content, failed: true }
}

#[test]
fn a_request_is_written_whole() {
    let parameters = json!({"type": "object", "properties": {"path": {"type": "string"}}});
    assert_eq!(
        body(&request("hi")),
        json!({
            "model": "x",
            "messages": [{"role": "system", "content": "You are a test."}, {"role": "user", "content": "hi"}],
            "tools": [{"type": "function", "function": {"name": "read", "description": "Reads.", "parameters": parameters}}],
            "stream": true,
            "stream_options": {"include_usage": true},
            "max_tokens": 1000,
        })
    );
}

#[test]
fn the_limit_is_named_as_the_provider_wants_it() {
    let origin = Origin::new("openai-chat", "fake", "x");
    let bytes = write(&request("hi"), &origin, MaxTokensField::MaxCompletionTokens).unwrap();
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((&body["max_completion_tokens"], body.get("max_tokens")), (&json!(1000), None));
    let mut free = request("hi");
    free.max_output_tokens = None;
    assert_eq!(self::body(&free).get("max_tokens"), None);
}

#[test]
fn images_of_results_follow_the_last_result() {
    let mut request = request("look");
    request.messages = vec![
        ModelMessage::User(vec![Part::Text("look".into()), image()]),
        ModelMessage::Assistant(AssistantMessage { text: "I look.".into(), ..Default::default() }),
        result("a", vec![Part::Text("one".into()), image()]),
        result("b", vec![Part::Text("two".into())]),
        ModelMessage::User(vec![Part::Text("and?".into())]),
    ];
    let url = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}});
    let body = body(&request);
    assert_eq!(
        body["messages"].as_array().unwrap()[1..],
        [
            json!({"role": "user", "content": [{"type": "text", "text": "look"}, url]}),
            json!({"role": "assistant", "content": "I look."}),
            json!({"role": "tool", "content": format!("one\n\n{IMAGE_BELOW}"), "tool_call_id": "a"}),
            json!({"role": "tool", "content": "two", "tool_call_id": "b"}),
            json!({"role": "user", "content": [url, {"type": "text", "text": "and?"}]}),
        ]
    );
}

#[test]
fn messages_of_one_role_in_a_row_become_one() {
    let mut request = request("one");
    request.messages.push(ModelMessage::User(vec![Part::Text("two".into())]));
    assert_eq!(body(&request)["messages"][1], json!({"role": "user", "content": "one\n\ntwo"}));
}

#[test]
fn a_verbatim_that_is_no_json_is_not_sent() {
    let mut request = request("one");
    let origin = Origin::new("openai-chat", "fake", "x");
    let verbatim = Some(origin.verbatim("{broken".into()));
    request.messages.push(ModelMessage::Assistant(AssistantMessage {
        text: "plain".into(),
        calls: Vec::new(),
        verbatim,
    }));
    assert_eq!(body(&request)["messages"][2], json!({"role": "assistant", "content": "plain"}));
}
