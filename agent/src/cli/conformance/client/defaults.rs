//! What the played agent answers where a vector does not say. Not here: what a vector says.
use serde_json::{Value, json};

use crate::cli::conformance::pattern::Names;

/// A time in the form of the protocol, for everything that has one.
const AT: &str = "2026-01-02T03:04:05.678Z";

/// Returns the names that a vector may use without binding them.
pub(super) fn names(workspace: &str) -> Names {
    let id = |letter: &str| json!(format!("{letter}_01m7yxsv6tej18b9rs2jnw3mab"));
    Names::from([
        ("workspace".to_owned(), json!(workspace)),
        ("session".to_owned(), id("s")),
        ("turn".to_owned(), id("t")),
        ("message".to_owned(), id("m")),
        ("request".to_owned(), id("r")),
        ("call".to_owned(), id("x")),
    ])
}

/// Returns the usual answer to a request; `None` where there is none. `seq` is the end of the session's log.
pub(super) fn result(method: &str, subscription: &str, seq: u64, names: &Names) -> Option<Value> {
    Some(match method {
        "initialize" => {
            json!({"serverInfo": {"name": "conformance"}, "capabilities": {"experimental": {"agent": {
                "protocol": 1,
                "instance": {"id": "conformance", "version": env!("CARGO_PKG_VERSION"), "build": "0", "pid": 1, "startedAt": AT},
                "can": {}, "limits": {"message": 16_777_216, "page": 1_000, "inline": 65_536},
                "schema": "b3:0", "experimental": [],
            }}}})
        }
        "agent/open" => json!({
            "session": {
                "id": names["session"], "workspace": "file:///", "title": "", "state": "idle",
                "model": "any/model", "profile": "review", "createdAt": AT, "updatedAt": AT, "head": format!("1.{seq}"),
                "changedFiles": 0, "cost": 0.0, "unanswered": 0,
            },
            "snapshot": {
                "state": "idle", "settings": {}, "trust": "trusted", "tests": [], "items": [], "requests": [],
                "queue": [], "plans": [], "jobs": [], "usage": {"inputTokens": 0, "outputTokens": 0},
            },
            "cursor": format!("1.{seq}"),
        }),
        "agent/observe" => json!(subscription),
        "agent/unobserve" => json!(true),
        "agent/prompt" => {
            json!({"outcome": "started", "messageId": names["message"], "turnId": names["turn"], "seq": 3})
        }
        "agent/answer" | "agent/close" => json!({"seq": 3}),
        "agent/list" => json!({"items": [], "rev": 1}),
        "shutdown" => Value::Null,
        _ => return None,
    })
}

/// Tells whether a request may come at any time, whatever the vector expects next. Attaching brings a client's keys; one
/// without a person may decline what nobody else is asked.
pub(super) fn is_free(request: &Value) -> bool {
    match request["method"].as_str() {
        Some("agent/answer" | "agent/list" | "agent/unobserve" | "agent/close" | "shutdown") => true,
        Some("agent/open") => request["params"]["sessionId"].is_string(),
        Some(_) | None => false,
    }
}

/// Fills in what every event has: its place, time, log and line of text.
pub(super) fn event(mut event: Value, seq: &mut u64, names: &Names) -> Value {
    let kind = event["type"].as_str().unwrap_or_default().to_owned();
    let Some(members) = event.as_object_mut().filter(|_| !kind.is_empty()) else { return event };
    let mut usual = vec![("text", json!(kind)), ("data", json!({}))];
    if !kind.starts_with("observe.") {
        *seq = members.get("seq").and_then(Value::as_u64).unwrap_or(*seq + 1);
        usual.extend([("seq", json!(*seq)), ("epoch", json!(1)), ("at", json!(AT))]);
        usual.extend([("session", names["session"].clone()), ("turn", names["turn"].clone())]);
    }
    for (name, value) in usual {
        members.entry(name).or_insert(value);
    }
    event
}
