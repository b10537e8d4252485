//! Events of messages that no scripted answer has.
use serde_json::json;

use super::*;
use crate::providers::tests::request;

fn fold(events: &[Value]) -> Result<Vec<ProviderEvent>, ProviderError> {
    let mut fold = AnthropicFold::new(&request("hi"), Origin::new("anthropic-messages", "fake", "x"));
    let mut out = Outbox::new();
    for event in events {
        fold.take(None, &event.to_string(), &mut out)?;
    }
    fold.finish(&mut out)?;
    Ok(out.into())
}

fn start(index: u64, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn stop(index: u64) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn end(reason: &str) -> [Value; 2] {
    [json!({"type": "message_delta", "delta": {"stop_reason": reason}}), json!({"type": "message_stop"})]
}

fn verbatim(events: &[ProviderEvent]) -> Option<Value> {
    let Some(ProviderEvent::Finished(finish)) = events.last() else { panic!("{events:?}") };
    finish.verbatim.as_ref().map(|verbatim| serde_json::from_str(&verbatim.json).unwrap())
}

#[test]
fn blocks_of_every_kind_come_back_as_they_were() {
    let [reason, done] = end("end_turn");
    let events = fold(&[
        start(0, &json!({"type": "redacted_thinking", "data": "opaque"})),
        stop(0),
        start(1, &json!({"type": "server_tool_use", "id": "srv", "name": "web", "input": {}})),
        delta(1, &json!({"type": "input_json_delta", "partial_json": "{\"q\":1}"})),
        stop(1),
        start(2, &json!({"type": "text", "text": ""})),
        delta(2, &json!({"type": "text_delta", "text": "a"})),
        delta(2, &json!({"type": "citations_delta", "citation": {"url": "u"}})),
        delta(2, &json!({"type": "invented_delta", "x": 1})),
        stop(2),
        json!({"type": "invented_event"}),
        start(3, &json!({"type": "text", "text": ""})),
        stop(3),
        reason,
        done,
    ])
    .unwrap();
    assert_eq!(
        verbatim(&events).unwrap(),
        json!([
            {"type": "redacted_thinking", "data": "opaque"},
            {"type": "server_tool_use", "id": "srv", "name": "web", "input": {"q": 1}},
            {"type": "text", "text": "a", "citations": [{"url": "u"}]},
        ])
    );
    assert!(
        !events.iter().any(|event| matches!(event, ProviderEvent::Call { .. })),
        "the server runs its own tools"
    );
}

#[test]
fn an_input_may_come_with_the_start_of_its_block() {
    let [reason, done] = end("tool_use");
    let block = json!({"type": "tool_use", "id": "a", "name": "read", "input": {"path": "a"}});
    let events = fold(&[start(0, &block), stop(0), reason, done]).unwrap();
    let calls = events.iter().filter(|event| matches!(event, ProviderEvent::Call { arguments: Ok(_), .. }));
    assert_eq!(calls.count(), 1);
    assert_eq!(verbatim(&events).unwrap(), json!([block]));
}

#[test]
fn thinking_that_was_cut_before_its_signature_does_not_go_back() {
    let thinking = [
        start(0, &json!({"type": "thinking", "thinking": "", "signature": ""})),
        delta(0, &json!({"type": "thinking_delta", "thinking": "hm"})),
    ];
    let [reason, done] = end("max_tokens");
    let events = fold(&[&thinking[..], &[reason, done.clone()]].concat()).unwrap();
    assert_eq!(verbatim(&events), None);
    // A server that never signs gets its thinking back, since it may want it.
    let [reason, _] = end("end_turn");
    let text = start(1, &json!({"type": "text", "text": "a"}));
    let events = fold(&[&thinking[..], &[text, reason, done]].concat()).unwrap();
    assert_eq!(verbatim(&events).unwrap()[0]["thinking"], "hm");
}

#[test]
fn an_end_needs_both_its_reason_and_its_stop() {
    let [reason, done] = end("end_turn");
    for events in [vec![reason.clone()], vec![done.clone()], vec![]] {
        assert_eq!(fold(&events).unwrap_err().kind, ProviderErrorKind::Cut);
    }
    assert!(fold(&[reason, done]).is_ok());
}

#[test]
fn errors_and_rubbish_fail_the_attempt() {
    for event in [
        json!({"type": "error", "error": {"type": "api_error", "message": "boom"}}),
        json!({"error": {"message": "boom"}}),
        delta(7, &json!({"type": "text_delta", "text": "of no block"})),
        json!({"type": "content_block_start", "content_block": {}}),
    ] {
        let [reason, done] = end("end_turn");
        assert_eq!(fold(&[event, reason, done]).unwrap_err().kind, ProviderErrorKind::Cut);
    }
    let overloaded = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    assert_eq!(fold(&[overloaded]).unwrap_err().kind, ProviderErrorKind::Overloaded);
}
