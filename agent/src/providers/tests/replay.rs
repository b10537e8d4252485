//! What goes back to a server: byte for byte to the one that wrote it, in plain form to every other.
use serde_json::json;
use tenon_tests::model_server::messages::SIGNATURE;

use super::*;

/// Has `answer` given, and returns the messages that go back to `model` afterwards.
async fn sent_back(wire: &str, answer: Reply, model: &str) -> Vec<Value> {
    let server = ModelServer::start(Script::new([answer, Reply::text("done")])).unwrap();
    let provider = provider(wire, &server, patient());
    let mut next = request("hello");
    let outcome = ask(&*provider, next.clone()).await;
    next.messages.extend(outcome.history());
    model.clone_into(&mut next.model);
    assert_eq!(ask(&*provider, next).await.text, "done");
    server.requests()[1].messages().to_vec()
}

#[tokio::test]
async fn chat_gets_its_reasoning_back_and_other_models_do_not() {
    let answer =
        || Reply::text("I read.").reasoning("hm").and_raw_call(Some("call_9"), "read", r#"{"path":"a"}"#);
    let plain = json!({"role": "assistant", "content": "I read.", "tool_calls": [
        {"id": "call_9", "type": "function", "function": {"name": "read", "arguments": r#"{"path":"a"}"#}},
    ]});
    let mut own = plain.clone();
    own["reasoning_content"] = json!("hm");
    let messages = sent_back(WIRES[0], answer(), "x").await;
    assert_eq!(messages[0], json!({"role": "system", "content": "You are a test."}));
    assert_eq!(messages[1], json!({"role": "user", "content": "hello"}));
    assert_eq!(messages[2], own);
    assert_eq!(messages[3], json!({"role": "tool", "content": "result", "tool_call_id": "call_9"}));
    assert_eq!(sent_back(WIRES[0], answer(), "y").await[2], plain);
}

#[tokio::test]
async fn messages_get_their_signed_thinking_back_and_other_models_do_not() {
    let answer =
        || Reply::text("I read.").reasoning("hm").and_raw_call(Some("toolu_9"), "read", r#"{"path":"a"}"#);
    let thinking = json!({"type": "thinking", "thinking": "hm", "signature": SIGNATURE});
    let text = json!({"type": "text", "text": "I read."});
    let call = json!({"type": "tool_use", "id": "toolu_9", "name": "read", "input": {"path": "a"}});
    let messages = sent_back(WIRES[1], answer(), "x").await;
    assert_eq!(messages[1], json!({"role": "assistant", "content": [thinking, text, call]}));
    assert_eq!(
        messages[2],
        json!({"role": "user", "content": [{
            "type": "tool_result", "tool_use_id": "toolu_9", "content": [{"type": "text", "text": "result"}],
            "cache_control": {"type": "ephemeral"},
        }]})
    );
    assert_eq!(
        sent_back(WIRES[1], answer(), "y").await[1],
        json!({"role": "assistant", "content": [text, call]})
    );
}

#[tokio::test]
async fn a_history_stays_valid_whatever_was_called() {
    for wire in WIRES {
        let answer = Reply::default()
            .and_raw_call(Some("same"), "no such tool!", r#"{"cut": "#)
            .and_raw_call(Some("same"), "read", "[1]");
        for model in ["x", "y"] {
            let text = Value::Array(sent_back(wire, answer.clone(), model).await).to_string();
            assert!(
                !text.contains("no such tool!") && text.contains("no_such_tool_"),
                "{wire} {model} {text}"
            );
            assert!(!text.contains("cut") && !text.contains("[1]"), "{wire} {model} {text}");
            assert!(!text.contains("null"), "{wire} {model} {text}");
        }
    }
}

#[tokio::test]
async fn an_empty_answer_is_left_out() {
    for wire in WIRES {
        let messages = sent_back(wire, Reply::default(), "x").await;
        assert!(messages.iter().all(|message| message["role"] != "assistant"), "{wire} {messages:?}");
    }
}
