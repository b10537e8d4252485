//! A session whose turn waits for a person, made without a client that stays. Not here: what it waits for, which is the model's
//! doing.
use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::home::Home;

/// Sends one request with `tenon rpc` and returns its result.
///
/// # Errors
/// It is refused.
pub fn rpc(home: &Home, method: &str, params: &Value) -> Result<Value> {
    let done = home.tenon(&["rpc", method, &params.to_string()])?.expect(0)?;
    Ok(serde_json::from_str(&done.stdout)?)
}

/// Opens a session that asks before it writes, with the model `fake/x`, and returns its id.
///
/// # Errors
/// It is refused.
pub fn open(home: &Home) -> Result<String> {
    let workspace = format!("file://{}", home.workspace().display());
    let settings = json!({"model": "fake/x", "profile": "review", "trust": "session"});
    let opened = rpc(home, "agent/open", &json!({"workspace": workspace, "settings": settings}))?;
    Ok(opened["session"]["id"].as_str().context("a session without an id")?.to_owned())
}

/// Opens a session, prompts it, and returns its id once it waits for an approval.
///
/// # Errors
/// It does not come to that.
pub fn session(home: &Home) -> Result<String> {
    let session = open(home)?;
    let mut observed = home.start(&["observe", "--json", "--after", "start", "--session", &session])?;
    let input = json!([{"type": "text", "text": "go"}]);
    rpc(home, "agent/prompt", &json!({"sessionId": session, "input": input}))?;
    while observed.event_of("request.opened")?["data"]["kind"] != "approval" {}
    Ok(session)
}

/// Returns the approval that is open.
///
/// # Errors
/// There is none.
pub fn approval(home: &Home) -> Result<Value> {
    let requests = home.tenon(&["requests", "--json"])?.expect(0)?.json_lines()?;
    requests.into_iter().find(|request| request["kind"] == "approval").context("no approval is open")
}
