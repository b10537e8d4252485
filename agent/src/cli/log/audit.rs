//! `tenon log --audit`: who allowed what, when, on which digest and at which sandbox level, from the logs alone. Not here: the
//! check that the logs are whole (`--verify`).
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tenon_client::Client;
use tenon_protocol::cursor::Cursor;
use tenon_protocol::event::Envelope;
use tenon_protocol::list::ListFilter;
use tenon_protocol::log::LogParams;
use tenon_protocol::methods::Log;
use tenon_protocol::session::SessionItem;

use crate::cli::failure::Failure;
use crate::cli::listing::{self, Wanted};
use crate::cli::terminal::Terminal;

/// Events of a session that tell what was allowed and denied.
const OF_SESSIONS: &[&str] = &[
    "tool.proposed",
    "tool.started",
    "tool.ended",
    "request.opened",
    "request.resolved",
    "job.started",
    "session.reverted",
];

/// Events of the machine's log that do.
const OF_MACHINE: &[&str] = &[
    "grant.added",
    "grant.removed",
    "workspace.added",
    "workspace.removed",
    "config.changed",
    "auth.changed",
];

/// The machine's log.
const MACHINE: &str = "all";

/// What is known of the calls and requests of one log, until what becomes of them is told.
#[derive(Default)]
struct Open {
    calls: BTreeMap<String, Value>,
    requests: BTreeMap<String, Value>,
}

/// Prints the audit of one log, or of all of them in the order of time, one JSON object a line.
pub(super) async fn print(client: &Client, terminal: Terminal, named: Option<&str>) -> Result<(), Failure> {
    let logs = if let Some(name) = named {
        vec![name.to_owned()]
    } else {
        let filter = Some(ListFilter { workspace: None, state: None, archived: Some(true) });
        let sessions = listing::read(client, &Wanted { kind: "session", session: None, filter }).await?;
        let sessions = sessions.iter().filter_map(|item| item.parse::<SessionItem>().ok());
        std::iter::once(MACHINE.to_owned()).chain(sessions.map(|item| item.id.to_string())).collect()
    };
    let mut lines: Vec<(String, Value)> = Vec::new();
    for log in logs {
        read(client, &log, &mut lines).await?;
    }
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    for (_, line) in lines {
        terminal.line(&line.to_string())?;
    }
    Ok(())
}

async fn read(client: &Client, log: &str, lines: &mut Vec<(String, Value)>) -> Result<(), Failure> {
    let types = if log == MACHINE { OF_MACHINE } else { OF_SESSIONS };
    let types = types.iter().map(|name| (*name).to_owned()).collect();
    let first =
        LogParams { session_id: log.to_owned(), after: None, before: None, limit: Some(1), types: None };
    let page = client.call::<Log>(&first).await?;
    let mut after = Cursor { epoch: page.first.epoch, seq: page.first.seq.saturating_sub(1) };
    let mut params = LogParams { limit: Some(1_000), types: Some(types), ..first };
    let mut open = Open::default();
    loop {
        params.after = Some(after);
        let page = client.call::<Log>(&params).await?;
        for event in page.events.iter().filter_map(|event| event.parse::<Envelope>().ok()) {
            let at = event.at.clone().unwrap_or_default();
            lines.extend(line(log, &event, &mut open).map(|line| (at, line)));
        }
        match page.next {
            // A place that does not move would be read for ever.
            Some(next) if next != after => after = next,
            Some(_) | None => return Ok(()),
        }
    }
}

/// Returns what an event says to somebody who audits; `None` where it only prepares what a later one says.
fn line(log: &str, event: &Envelope, open: &mut Open) -> Option<Value> {
    let data = &event.data.0;
    let id = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
    let mut said = match event.kind.as_str() {
        "tool.proposed" => {
            open.calls.insert(id("callId"), json!({"tool": data["name"], "title": data["title"]}));
            return None;
        }
        "request.opened" => {
            let subject = &data["subject"];
            let known = json!({
                "kind": data["kind"], "title": data["title"], "reason": data["reason"], "digest": data["digest"],
                "callId": data["callId"], "sandbox": subject["sandbox"], "argv": subject["argv"], "cwd": subject["cwd"],
                "exe": subject["exe"], "enables": subject["enables"],
            });
            open.requests.insert(id("requestId"), known);
            return None;
        }
        "tool.started" => taken(
            open.calls.get(&id("callId")),
            data,
            &["callId", "effect", "allowedBy", "allowed", "digest", "sandbox"],
        ),
        "tool.ended" if data["status"] == "denied" => {
            taken(open.calls.get(&id("callId")), data, &["callId", "status"])
        }
        "tool.ended" => return None,
        "request.resolved" => {
            let known = open.requests.remove(&id("requestId"));
            taken(
                known.as_ref(),
                data,
                &["requestId", "decision", "scope", "pattern", "by", "note", "select"],
            )
        }
        _ => data.as_object().cloned().unwrap_or_default(),
    };
    said.retain(|_, value| !value.is_null());
    let mut line = Map::new();
    line.insert("at".to_owned(), json!(event.at));
    line.insert("log".to_owned(), json!(log));
    line.insert("seq".to_owned(), json!(event.seq));
    line.insert("type".to_owned(), json!(event.kind));
    line.extend(said);
    Some(Value::Object(line))
}

/// Joins what was known with these members of an event.
fn taken(known: Option<&Value>, data: &Value, members: &[&str]) -> Map<String, Value> {
    let mut said = known.and_then(Value::as_object).cloned().unwrap_or_default();
    said.extend(members.iter().map(|name| ((*name).to_owned(), data[*name].clone())));
    said
}

#[cfg(test)]
mod tests {
    use tenon_protocol::json::Json;

    use super::*;

    #[test]
    fn an_answer_is_told_with_what_was_asked() {
        let mut open = Open::default();
        let mut said = |kind: &str, data: Value| {
            let event = json!({"seq": 7, "at": "2026-01-02T03:04:05.678Z", "type": kind, "data": data});
            line("s_1", &Json(event).parse::<Envelope>().unwrap(), &mut open).map(|line| line.to_string())
        };
        let subject =
            json!({"type": "command", "argv": ["sh", "-c", "x"], "cwd": ".", "exe": "/bin/x", "sandbox": 1});
        let asked = json!({"requestId": "r_1", "kind": "approval", "title": "x", "digest": "b3:1", "callId": "x_1", "subject": subject});
        assert_eq!(said("request.opened", asked), None);
        let by = json!({"id": "a", "kind": "cli"});
        let answered =
            said("request.resolved", json!({"requestId": "r_1", "decision": "allow", "by": by})).unwrap();
        for part in [
            "\"digest\":\"b3:1\"",
            "\"sandbox\":1",
            "\"decision\":\"allow\"",
            "\"kind\":\"cli\"",
            "\"argv\":[\"sh\"",
        ] {
            assert!(answered.contains(part), "{part}: {answered}");
        }
        assert_eq!(said("tool.proposed", json!({"callId": "x_1", "name": "shell", "title": "x"})), None);
        assert_eq!(said("tool.ended", json!({"callId": "x_1", "status": "ok"})), None);
        let started = json!({"callId": "x_1", "effect": "command", "allowedBy": "a person", "digest": "b3:1", "sandbox": 1,
            "allowed": [{"what": "net:a.example", "by": "request", "requestId": "r_1"}]});
        let started = said("tool.started", started).unwrap();
        assert!(started.contains("\"tool\":\"shell\"") && started.contains("\"requestId\":\"r_1\""));
        assert!(said("tool.ended", json!({"callId": "x_1", "status": "denied"})).unwrap().contains("denied"));
    }
}
