//! The picture a client ends with that takes nothing but events: it must be the agent's own. Not here: deltas.
use anyhow::{Result, ensure};
use serde_json::{Value, json};

/// Types that a snapshot shows as items; of messages only those that were not withdrawn.
const ITEMS: [&str; 4] = ["message.ended", "tool.proposed", "tool.ended", "change.applied"];

/// Folds events into what a client shows: what happened, what is asked, what waits, and the state.
pub(crate) fn of_events(events: &[Value]) -> Value {
    let (mut items, mut requests): (Vec<Value>, Vec<Value>) = Default::default();
    let (mut steers, mut queue): (Vec<Value>, Vec<Value>) = Default::default();
    let mut jobs: Vec<Value> = Vec::new();
    let (mut state, mut turn) = (json!("idle"), Value::Null);
    for event in events {
        let data = &event["data"];
        match event["type"].as_str().unwrap_or_default() {
            "message.ended" if data["superseded"] == true => {}
            kind if ITEMS.contains(&kind) => items.push(event["seq"].clone()),
            "request.opened" => requests.push(data["requestId"].clone()),
            "request.resolved" => requests.retain(|id| *id != data["requestId"]),
            "prompt.admitted" if data["outcome"] == "steered" => steers.push(waiting(data)),
            "prompt.admitted" => queue.push(waiting(data)),
            "prompt.delivered" => drop(taken(&mut steers, &mut queue, data)),
            "prompt.changed" => changed(&mut steers, &mut queue, data),
            "job.started" => jobs.push(data["jobId"].clone()),
            "job.ended" => jobs.retain(|id| *id != data["jobId"]),
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
    steers.append(&mut queue);
    json!({"items": items, "requests": sorted(requests), "queue": steers, "jobs": sorted(jobs), "state": state, "turn": turn})
}

/// Returns what is shown of a message that waits.
fn waiting(data: &Value) -> Value {
    json!({"messageId": data["messageId"], "input": data["input"]})
}

fn taken(steers: &mut Vec<Value>, queue: &mut Vec<Value>, data: &Value) -> Option<Value> {
    [steers, queue].into_iter().find_map(|list| {
        let place = list.iter().position(|waiting| waiting["messageId"] == data["messageId"])?;
        Some(list.remove(place))
    })
}

/// The rule of the specification: `withdraw` takes it away, `replace` gives it another input, and otherwise it goes to its
/// new place in the queue, or among the steers.
fn changed(steers: &mut Vec<Value>, queue: &mut Vec<Value>, data: &Value) {
    if data["op"] == "replace" {
        let mut all = steers.iter_mut().chain(queue);
        if let Some(found) = all.find(|waiting| waiting["messageId"] == data["messageId"]) {
            *found = waiting(data);
        }
        return;
    }
    let joins = steers.iter().any(|waiting| waiting["messageId"] == data["messageId"]);
    if joins && data["op"] == "promote" && data["position"].is_null() {
        return;
    }
    let Some(moved) = taken(steers, queue, data) else { return };
    match (data["op"].as_str(), data["position"].as_u64()) {
        (Some("withdraw"), _) => {}
        (_, Some(position)) => {
            let place = usize::try_from(position - 1).unwrap_or(usize::MAX).min(queue.len());
            queue.insert(place, moved);
        }
        (_, None) => steers.push(moved),
    }
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
        "queue": snapshot["queue"].as_array().into_iter().flatten().map(waiting).collect::<Vec<Value>>(),
        "jobs": ids("jobs", "id"),
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
