//! Chunk shapes of real servers that no scripted answer has.
use super::*;
use crate::providers::tests::request;

/// Feeds chunks and returns what came out, or the failure.
fn fold(chunks: &[Value]) -> Result<Vec<ProviderEvent>, ProviderError> {
    let mut fold = ChatFold::new(&request("hi"), Origin::new("openai-chat", "fake", "x"));
    let mut out = Outbox::new();
    for chunk in chunks {
        fold.take(None, &chunk.to_string(), &mut out)?;
    }
    fold.finish(&mut out)?;
    Ok(out.into())
}

fn delta(delta: &Value) -> Value {
    json!({"choices": [{"delta": delta, "finish_reason": null}]})
}

fn finish(reason: &str) -> Value {
    json!({"choices": [{"delta": {}, "finish_reason": reason}]})
}

fn calls(events: &[ProviderEvent]) -> Vec<(String, String)> {
    let call = |event: &ProviderEvent| {
        let ProviderEvent::Call { call, .. } = event else { return None };
        Some((call.name.clone(), call.arguments.clone()))
    };
    events.iter().filter_map(call).collect()
}

fn text(events: &[ProviderEvent]) -> String {
    let piece = |event: &ProviderEvent| {
        let ProviderEvent::TextDelta(text) = event else { return None };
        Some(text.clone())
    };
    events.iter().filter_map(piece).collect()
}

fn call(index: Option<u64>, id: &str, name: &str, arguments: &Value) -> Value {
    delta(
        &json!({"tool_calls": [{"index": index, "id": id, "function": {"name": name, "arguments": arguments}}]}),
    )
}

#[test]
fn calls_that_all_have_index_zero_are_told_apart() {
    let events = fold(&[
        call(Some(0), "a", "read", &json!("{\"p\":1}")),
        call(Some(0), "b", "list", &json!("{\"p\":2}")),
        finish("stop"),
    ]);
    let expected = [("read".into(), "{\"p\":1}".into()), ("list".into(), "{\"p\":2}".into())];
    assert_eq!(calls(&events.unwrap()), expected);
}

#[test]
fn calls_without_any_index_are_told_apart() {
    let events = fold(&[
        call(None, "a", "read", &json!("{\"p\"")),
        call(None, "", "", &json!(":1}")),
        call(None, "b", "list", &json!({"p": 2})),
        finish("tool_calls"),
    ]);
    let expected = [("read".into(), "{\"p\":1}".into()), ("list".into(), "{\"p\":2}".into())];
    assert_eq!(calls(&events.unwrap()), expected);
}

#[test]
fn interleaved_calls_keep_their_arguments() {
    let events = fold(&[
        call(Some(0), "a", "read", &json!("{\"p\"")),
        delta(&json!({"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]})),
        call(Some(1), "b", "read", &json!("{}")),
        finish("tool_calls"),
    ]);
    assert_eq!(calls(&events.unwrap()), [("read".into(), "{\"p\":1}".into()), ("read".into(), "{}".into())]);
}

#[test]
fn nulls_strangers_and_pieces_are_taken() {
    let events = fold(&[
        json!({"choices": null, "timings": {"x": 1}}),
        json!({"object": "chat.completion.chunk"}),
        json!({"choices": [{"delta": {"role": "assistant", "content": null, "function_call": null}, "finish_reason": ""}]}),
        delta(&json!({"content": [{"type": "text", "text": "a"}, {"type": "other"}]})),
        delta(&json!({"content": "b", "tool_calls": null})),
        json!({"choices": [{"delta": {"content": "c"}, "finish_reason": "stop"}], "usage": null, "error": null}),
        // A repetition of the whole answer behind its end.
        delta(&json!({"content": "abc"})),
    ]);
    assert_eq!(text(&events.unwrap()), "abc");
}

#[test]
fn reasoning_that_is_sent_twice_is_taken_once_and_goes_back_under_its_name() {
    let events = fold(&[
        delta(&json!({"reasoning": "hm", "reasoning_content": "hm"})),
        delta(
            &json!({"reasoning": "?", "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}),
        ),
        delta(&json!({"reasoning_content": "!"})),
        delta(&json!({"content": "a"})),
        finish("stop"),
    ])
    .unwrap();
    let Some(ProviderEvent::Finished(finish)) = events.last() else { panic!("{events:?}") };
    let verbatim: Value = serde_json::from_str(&finish.verbatim.as_ref().unwrap().json).unwrap();
    assert_eq!(verbatim["reasoning_content"], "hm!");
    assert_eq!(verbatim["reasoning_details"][0]["data"], "x");
    assert_eq!(verbatim.get("reasoning"), None);
}

#[test]
fn signatures_of_calls_go_back() {
    let events = fold(&[
        delta(
            &json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "read", "arguments": "{}"},
            "extra_content": {"signature": "s"}}]}),
        ),
        finish("tool_calls"),
    ])
    .unwrap();
    let Some(ProviderEvent::Finished(finish)) = events.last() else { panic!("{events:?}") };
    assert!(finish.verbatim.as_ref().unwrap().json.contains(r#""extra_content":{"signature":"s"}"#));
}

#[test]
fn errors_and_rubbish_fail_the_attempt() {
    for chunk in [
        json!({"error": {"message": "boom", "code": 500}}),
        json!({"error": "boom"}),
        json!("text"),
        json!([1]),
    ] {
        assert_eq!(fold(&[chunk, finish("stop")]).unwrap_err().kind, ProviderErrorKind::Cut);
    }
    assert_eq!(fold(&[delta(&json!({"content": "a"}))]).unwrap_err().kind, ProviderErrorKind::Cut);
}

#[test]
fn calls_without_end_are_refused() {
    let chunks: Vec<Value> = (0..2000).map(|index| call(Some(index), "", "read", &json!(""))).collect();
    assert_eq!(fold(&chunks).unwrap_err().kind, ProviderErrorKind::OutputLimit);
}
