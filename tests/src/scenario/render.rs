//! Logs and file trees as text. Not here: what they are compared with (`play`).
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use crate::scenario::connection::Told;

/// Tells whether an event's type is among `types`; `tool.*` is a whole group, and no type at all is every one.
pub(crate) fn is_wanted(types: &[&str], kind: &str) -> bool {
    let matches = |wanted: &&str| match wanted.strip_suffix('*') {
        Some(group) => kind.starts_with(group),
        None => kind == *wanted,
    };
    types.is_empty() || types.iter().any(matches)
}

/// Shows a log, one line an event: its type and its text, or its data.
pub(crate) fn journal(events: &[Value], types: &[&str], with_data: bool) -> String {
    let mut out = String::new();
    for event in events {
        let kind = event["type"].as_str().unwrap_or_default();
        if is_wanted(types, kind) {
            let shown = if with_data {
                event["data"].to_string()
            } else {
                event["text"].as_str().unwrap_or_default().to_owned()
            };
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{kind}: {shown}");
        }
    }
    out
}

/// Shows what a client was told, one line a message.
pub(crate) fn told(told: &BTreeMap<Told, Value>) -> String {
    let mut out = String::new();
    for (place, message) in told {
        // Writing to a String cannot fail.
        let _ = match place {
            Told::Answer(id) => {
                let mut message = message.clone();
                if let Some(agent) = message.pointer_mut("/result/capabilities/experimental/agent") {
                    // Each start is another instance.
                    agent["instance"] = "…".into();
                    // It is found out by an attempt, which takes some milliseconds after the start.
                    if let Some(shell) = agent.pointer_mut("/can/shell").and_then(Value::as_object_mut) {
                        shell.remove("capture");
                    }
                }
                let shown = message.get("error").unwrap_or(&message["result"]);
                writeln!(out, "answer {id}: {shown}")
            }
            Told::Event(subscription, _) => writeln!(out, "event of {subscription}: {message}"),
        };
    }
    out
}

/// Shows the files beneath a folder: a line each with its content, or its content beneath it, set off.
pub(crate) fn tree(folder: &Path) -> Result<String> {
    let mut out = String::new();
    walk(folder, folder, &mut out)?;
    Ok(out)
}

fn walk(root: &Path, folder: &Path, out: &mut String) -> Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = path.strip_prefix(root)?.display().to_string();
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(root, &path, out)?;
            continue;
        }
        let content = if kind.is_symlink() {
            format!("-> {}", fs::read_link(&path)?.display())
        } else {
            String::from_utf8_lossy(&fs::read(&path)?).into_owned()
        };
        match content.trim_end_matches('\n') {
            one if !one.contains('\n') => writeln!(out, "{}", format!("{name}: {one}").trim_end())?,
            many => writeln!(out, "{name}:\n    {}", many.replace('\n', "\n    "))?,
        }
    }
    Ok(())
}
