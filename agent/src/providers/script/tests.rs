//! Scenario files: what they play and how they complain.
use serde_json::json;

use super::*;
use crate::providers::tests::{config, request};

fn script(text: &str) -> Result<Script, ConnectError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("scenario.toml");
    std::fs::write(&file, text).unwrap();
    let mut config = config("script", "");
    config.file = Some(file);
    Script::load(&config)
}

async fn events(script: &Script, request: ModelRequest) -> Result<Vec<ProviderEvent>, ProviderError> {
    let results: Vec<_> = script.stream(request).collect().await;
    results.into_iter().collect()
}

const SCENARIO: &str = r#"
[[step]]
expect = "fix"
reasoning = "Let me see."
text = "I look at the file 😀 first."
calls = [{ name = "read", arguments = { path = "a.rs" } }, { name = "list" }, { name = "grep", arguments = "{broken" }]

[[step]]
expect = "fn main"
text = "Done."
"#;

#[tokio::test]
async fn steps_follow_the_answers_in_the_history() {
    let script = script(SCENARIO).unwrap();
    let first = events(&script, request("please fix it")).await.unwrap();
    let text: String = first
        .iter()
        .filter_map(
            |event| if let ProviderEvent::TextDelta(text) = event { Some(text.as_str()) } else { None },
        )
        .collect();
    assert_eq!(text, "I look at the file 😀 first.");
    let calls: Vec<_> = first
        .iter()
        .filter_map(|event| {
            if let ProviderEvent::Call { call, arguments } = event { Some((call, arguments)) } else { None }
        })
        .collect();
    assert_eq!((calls[0].0.id.as_str(), calls[0].1), ("call_1_1", &Ok(json!({"path": "a.rs"}))));
    assert_eq!(calls[1].1, &Ok(json!({})));
    assert!(calls[2].1.is_err());
    let Some(ProviderEvent::Finished(finish)) = first.last() else { panic!("{first:?}") };
    assert!(finish.reason == FinishReason::ToolCalls && finish.usage.estimated);

    let mut next = request("please fix it");
    next.messages.push(ModelMessage::Assistant(crate::providers::AssistantMessage::default()));
    next.messages.push(ModelMessage::ToolResult {
        call_id: "call_1_1".into(),
        name: "read".into(),
        content: vec![Part::Text("fn main() {}".into())],
        failed: false,
    });
    assert!(matches!(events(&script, next.clone()).await.unwrap().last(), Some(ProviderEvent::Finished(_))));

    next.messages.push(ModelMessage::Assistant(crate::providers::AssistantMessage::default()));
    let error = events(&script, next).await.unwrap_err();
    assert!(error.message.ends_with("ends after step 2: there is no step 3") && !error.kind.retryable());
}

#[tokio::test]
async fn what_was_expected_and_did_not_come_is_said() {
    let error = events(&script(SCENARIO).unwrap(), request("hello")).await.unwrap_err();
    assert!(error.message.contains(r#"expected "fix" in what came last"#), "{error}");
}

#[test]
fn files_that_are_none_are_refused_with_the_place() {
    let error = script("[[step]]\ntxt = \"a\"\n").unwrap_err().to_string();
    assert!(error.contains("is not valid") && error.contains("txt"), "{error}");
    let mut config = config("script", "");
    config.file = Some("/nowhere/scenario.toml".into());
    assert!(matches!(Script::load(&config), Err(ConnectError::Unreadable { .. })));
}
