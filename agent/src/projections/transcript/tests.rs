//! What the model sees after answers that worked, failed and were interrupted.
use tenon_protocol::event::message::MessageEnded;
use tenon_protocol::event::tool::{ToolEnded, ToolProposed};
use tenon_protocol::event::turn::{AttemptEnded, AttemptStarted};
use tenon_protocol::tool::ToolKind;

use super::*;

fn message(role: MessageRole, text: &str) -> EventBody {
    let content = vec![Content::text(text)];
    MessageEnded { message_id: "m_1".into(), role, content, by: None, superseded: None }.into()
}

fn started() -> EventBody {
    AttemptStarted { n: 1, step: 1 }.into()
}

fn ended(outcome: AttemptOutcome) -> EventBody {
    AttemptEnded { outcome, error: None, retry_at: None, usage: None, finish: None }.into()
}

fn proposed(id: &str) -> EventBody {
    ToolProposed {
        reference: None,
        call_id: id.into(),
        name: "read".into(),
        kind: ToolKind::Read,
        title: String::new(),
        input: Json::empty(),
        digest: String::new(),
    }
    .into()
}

fn settled(id: &str) -> EventBody {
    let content = vec![Content::text("fine")];
    let status = CallStatus::Ok;
    ToolEnded {
        call_id: id.into(),
        status,
        content,
        reference: None,
        change_id: None,
        exit: None,
        denied_by: None,
    }
    .into()
}

/// Folds events and tells each entry in a word.
fn check(events: &[EventBody]) -> Vec<String> {
    let mut transcript = Transcript::default();
    for event in events {
        transcript.apply(event, None);
    }
    let line = |entry: &Arc<Entry>| match &**entry {
        Entry::User { content, .. } => format!("user {}", plain_text(content)),
        Entry::Assistant { content, calls, .. } => {
            let text = plain_text(content);
            let calls: Vec<_> =
                calls.iter().map(|call| format!("{}={}", call.id, transcript.result(&call.id).ok)).collect();
            format!("assistant {text} {}", calls.join(" ")).trim_end().to_owned()
        }
    };
    transcript.entries().iter().map(line).collect()
}

#[test]
fn calls_without_outcome_count_as_interrupted() {
    let events = [
        message(MessageRole::User, "go"),
        started(),
        message(MessageRole::Reasoning, "hm"),
        message(MessageRole::Assistant, "ok"),
        proposed("x_1"),
        proposed("x_2"),
        settled("x_1"),
        ended(AttemptOutcome::Ok),
    ];
    assert_eq!(check(&events), ["user go", "assistant ok x_1=true x_2=false"]);
}

#[test]
fn a_failed_answer_leaves_nothing_and_an_interrupted_one_its_text() {
    let failed =
        [started(), message(MessageRole::Assistant, "half"), proposed("x_1"), ended(AttemptOutcome::Failed)];
    assert_eq!(check(&failed), [""; 0]);
    let interrupted = [
        started(),
        message(MessageRole::Assistant, "half"),
        proposed("x_1"),
        ended(AttemptOutcome::Interrupted),
    ];
    assert_eq!(check(&interrupted), ["assistant half"]);
}

#[test]
fn a_stored_conversation_is_read_back_and_goes_on() {
    let mut first = Transcript::default();
    let mut whole = Transcript::default();
    let before = [
        message(MessageRole::User, "go"),
        started(),
        message(MessageRole::Assistant, "ok"),
        proposed("x_1"),
        settled("x_1"),
        ended(AttemptOutcome::Ok),
    ];
    let after = [message(MessageRole::User, "on"), started(), message(MessageRole::Assistant, "done")];
    let mut later = Transcript::default();
    for event in &before {
        first.apply(event, Some(br#"{"calls":[],"verbatim":null}"#));
        whole.apply(event, Some(br#"{"calls":[],"verbatim":null}"#));
    }
    for event in after.iter().chain([&ended(AttemptOutcome::Ok)]) {
        later.apply(event, None);
        whole.apply(event, None);
    }
    let read = Transcript::from_bytes(&first.to_bytes().unwrap()).unwrap().followed_by(&later);
    assert_eq!(read.entries(), whole.entries());
    assert_eq!(read.result(&"x_1".into()), whole.result(&"x_1".into()));
    assert!(Transcript::from_bytes(b"something else").is_err());
}
