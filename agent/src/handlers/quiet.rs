//! Events for quiet clients: one line, and the full text where there is one. Not here: who is quiet (`router`).
use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tenon_protocol::content::Content;
use tenon_protocol::event::change::PlanReady;
use tenon_protocol::event::message::MessageEnded;
use tenon_protocol::event::tool::ToolEnded;
use tenon_protocol::request::{RequestItem, Subject};

/// What is read of an event.
#[derive(Deserialize)]
struct Full<'a> {
    #[serde(default)]
    seq: Option<u64>,
    #[serde(default, borrow)]
    session: Option<Cow<'a, str>>,
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
    #[serde(default, borrow)]
    text: Cow<'a, str>,
}

/// What is left of it.
#[derive(Serialize)]
struct Reduced<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Cow<'a, str>>,
    #[serde(rename = "type")]
    kind: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

/// Reduces an event to `{seq, type, text, body?}`, and `session` where it is a descendant's. What cannot be read goes out as
/// it is.
pub(super) fn reduce(event: &Bytes, is_descendants: bool) -> Bytes {
    let Ok(full) = serde_json::from_slice::<Full<'_>>(event) else {
        return event.clone();
    };
    let body = full.data.and_then(|data| body(&full.kind, data.get())).filter(|body| !body.is_empty());
    let session = full.session.filter(|_| is_descendants);
    let reduced = Reduced { seq: full.seq, session, kind: &full.kind, text: &full.text, body };
    serde_json::to_vec(&reduced).map_or_else(|_| event.clone(), Bytes::from)
}

/// Returns the full text of the types that have one.
fn body(kind: &str, data: &str) -> Option<String> {
    match kind {
        "message.ended" => {
            serde_json::from_str::<MessageEnded>(data).ok().map(|ended| contents(&ended.content))
        }
        "tool.ended" => serde_json::from_str::<ToolEnded>(data).ok().map(|ended| contents(&ended.content)),
        "plan.ready" => serde_json::from_str::<PlanReady>(data).ok().map(|plan| steps(&plan)),
        "request.opened" => serde_json::from_str::<RequestItem>(data).ok().map(|item| request(&item)),
        _ => None,
    }
}

fn contents(contents: &[Content]) -> String {
    let texts: Vec<Cow<'_, str>> = contents.iter().map(content).collect();
    texts.join("\n")
}

fn content(content: &Content) -> Cow<'_, str> {
    match content {
        Content::Text { text } | Content::Selection { text, .. } => Cow::Borrowed(text),
        Content::Image { mime, .. } => Cow::Owned(format!("[{mime}]")),
        Content::File { path, .. } => Cow::Borrowed(path),
        Content::Ref { reference, title, bytes, whole: Some(true), .. } => {
            let title = title.as_deref().unwrap_or_default();
            Cow::Owned(format!("{title}\n[{bytes} bytes in all: {reference}]"))
        }
        Content::Ref { reference, title, .. } => {
            Cow::Owned(format!("[{}]", title.as_ref().unwrap_or(reference)))
        }
        Content::Unheard(_) => Cow::Borrowed("[…]"),
    }
}

fn steps(plan: &PlanReady) -> String {
    let lines: Vec<String> =
        plan.tree.iter().map(|step| format!("{}: {} ({})", step.id, step.title, step.status)).collect();
    lines.join("\n")
}

fn request(item: &RequestItem) -> String {
    let mut lines = vec![item.title.clone(), subject(&item.subject)];
    lines.extend(item.reason.clone());
    lines.extend(item.options.iter().map(|option| format!("{}: {}", option.id, option.label)));
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Command { argv, cwd, needs, notes, .. } => {
            let needs =
                if needs.is_empty() { String::new() } else { format!("\nneeds {}", needs.join(", ")) };
            let mut lines = vec![format!("{} (in {cwd}){needs}", argv.join(" "))];
            lines.extend(notes.iter().cloned());
            lines.join("\n")
        }
        Subject::Edit { patch, .. } => patch.clone(),
        Subject::Network { hosts, url } => url.clone().unwrap_or_else(|| hosts.join("\n")),
        Subject::Limit { limit, value } => format!("{limit} {value}"),
        Subject::Login { provider, how } => format!("{provider}: {how}"),
        Subject::Trust { workspace, enables } => format!("{workspace}\n{}", enables.join("\n")),
        Subject::Conflict { conflicts } => {
            let lines: Vec<&str> = conflicts.iter().map(|conflict| conflict.text.as_str()).collect();
            lines.join("\n")
        }
        Subject::Unheard(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(event: &Value, expected: &Value) {
        let reduced = reduce(&Bytes::from(event.to_string()), false);
        assert_eq!(serde_json::from_slice::<Value>(&reduced).unwrap(), *expected);
    }

    #[test]
    fn an_event_is_its_line_and_its_text() {
        let content = json!([{"type": "text", "text": "one\ntwo"}, {"type": "image", "mime": "image/png"}]);
        let data = json!({"messageId": "m_1", "role": "assistant", "content": content});
        check(
            &json!({"seq": 3, "epoch": 1, "at": "x", "session": "s_1", "type": "message.ended", "data": data, "text": "one"}),
            &json!({"seq": 3, "type": "message.ended", "text": "one", "body": "one\ntwo\n[image/png]"}),
        );
        let data = json!({"callId": "x_1", "status": "ok", "content": [{"type": "text", "text": "out"}]});
        check(
            &json!({"seq": 4, "type": "tool.ended", "data": data, "text": "ran"}),
            &json!({"seq": 4, "type": "tool.ended", "text": "ran", "body": "out"}),
        );
        let options = json!([{"id": "allow", "label": "Allow"}]);
        let subject = json!({"type": "command", "argv": ["make", "it"], "cwd": ".", "exe": "/m", "sandbox": 3, "needs": []});
        let data = json!({"requestId": "r_1", "kind": "approval", "title": "run make?", "subject": subject, "options": options, "session": "s_1"});
        check(
            &json!({"seq": 5, "type": "request.opened", "data": data, "text": "run make?"}),
            &json!({"seq": 5, "type": "request.opened", "text": "run make?", "body": "run make?\nmake it (in .)\nallow: Allow"}),
        );
    }

    #[test]
    fn a_descendants_event_says_whose_it_is() {
        let event = json!({"seq": 3, "session": "s_1", "type": "turn.ended", "data": {}, "text": "done"});
        let reduced = reduce(&Bytes::from(event.to_string()), true);
        let expected = json!({"seq": 3, "session": "s_1", "type": "turn.ended", "text": "done"});
        assert_eq!(serde_json::from_slice::<Value>(&reduced).unwrap(), expected);
    }

    #[test]
    fn other_events_have_no_body_and_unknown_ones_pass() {
        check(
            &json!({"seq": 1, "type": "turn.started", "data": {"model": "p/m"}, "text": "a turn began"}),
            &json!({"seq": 1, "type": "turn.started", "text": "a turn began"}),
        );
        check(
            &json!({"type": "observe.live", "data": {}, "text": "live", "more": 1}),
            &json!({"type": "observe.live", "text": "live"}),
        );
        let withdrawn = json!({"messageId": "m_1", "role": "assistant", "content": [], "superseded": true});
        check(
            &json!({"seq": 2, "type": "message.ended", "data": withdrawn, "text": ""}),
            &json!({"seq": 2, "type": "message.ended", "text": ""}),
        );
        check(&json!({"seq": 1}), &json!({"seq": 1}));
    }
}
