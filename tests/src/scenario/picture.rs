//! The picture a client ends with that takes nothing but events: it must be the agent's own. Not here: deltas.
use anyhow::{Result, ensure};
use serde_json::{Value, json};

/// Types that a snapshot shows as items; of messages only those that were not withdrawn.
const ITEMS: [&str; 4] = ["message.ended", "tool.proposed", "tool.ended", "change.applied"];

/// Folds events into what a client shows: what happened, what is asked, what waits, and the state.
pub(crate) fn of_events(events: &[Value]) -> Value {
    let (mut items, mut requests, mut queue): (Vec<Value>, Vec<Value>, Vec<Value>) = Default::default();
    let (mut state, mut turn) = (json!("idle"), Value::Null);
    for event in events {
        let data = &event["data"];
        match event["type"].as_str().unwrap_or_default() {
            "message.ended" if data["superseded"] == true => {}
            kind if ITEMS.contains(&kind) => items.push(event["seq"].clone()),
            "request.opened" => requests.push(data["requestId"].clone()),
            "request.resolved" => requests.retain(|id| *id != data["requestId"]),
            "prompt.admitted" => queue.push(data["messageId"].clone()),
            "prompt.delivered" => queue.retain(|id| *id != data["messageId"]),
            "prompt.changed" if data["op"] == "withdraw" => queue.retain(|id| *id != data["messageId"]),
            "session.state" => state = data["state"].clone(),
            "session.closed" => state = json!("closed"),
            "turn.started" => turn = event["turn"].clone(),
            "turn.ended" => turn = Value::Null,
            _ => {}
        }
    }
    let sorted = |mut ids: Vec<Value>| {
        ids.sort_by_key(Value::to_string);
        ids
    };
    json!({"items": items, "requests": sorted(requests), "queue": sorted(queue), "state": state, "turn": turn})
}

/// Returns the same of a snapshot.
fn of_snapshot(snapshot: &Value) -> Value {
    let ids = |list: &str, member: &str| {
        let mut ids: Vec<Value> =
            snapshot[list].as_array().into_iter().flatten().map(|item| item[member].clone()).collect();
        if list != "items" {
            ids.sort_by_key(Value::to_string);
        }
        ids
    };
    json!({
        "items": ids("items", "seq"),
        "requests": ids("requests", "requestId"),
        "queue": ids("queue", "messageId"),
        "state": snapshot["state"],
        "turn": snapshot["turnId"],
    })
}

/// Checks that the events lead to the snapshot.
pub(crate) fn check(events: &[Value], snapshot: &Value) -> Result<()> {
    let (folded, told) = (of_events(events), of_snapshot(snapshot));
    ensure!(
        folded == told,
        "a client that saw the events shows\n  {folded}\nand one that opens the session\n  {told}"
    );
    Ok(())
}
