//! `tenon config get` and `explain`: what counts here, and which layer says it. Not here: changing anything.
use std::fmt::Write as _;

use serde::Deserialize as _;
use serde_json::{Value as JsonValue, json};
use tenon_client::ClientError;
use tenon_protocol::configure::{ConfigEntry, ConfigLayer, ConfigScope, ConfigureParams, ConfigureResult};
use tenon_protocol::error::ErrorKind;
use tenon_protocol::methods::Configure;

use crate::cli::config::{Desk, ReadArgs, keys};
use crate::cli::failure::Failure;
use crate::cli::table;
use crate::cli::terminal::safe_line;
use crate::config::paths::workspace_config;
use crate::config::schema;
use crate::config::value::{Shape, Value};

/// Prints the value of a key, or each key of a table with its value.
pub(super) async fn get(at: &Desk<'_>, args: &ReadArgs) -> Result<(), Failure> {
    let read = read(at, args.session.as_deref(), &args.key).await?;
    warn(at, &read);
    let mut found = 0;
    for (key, value) in effective(&read).into_iter().filter(|(key, _)| schema::is_within(key, &args.key)) {
        found += 1;
        if args.json {
            let layer = read.from.get(&key);
            at.terminal.line(&json!({"key": key, "value": value, "layer": layer}).to_string())?;
        } else if key == args.key {
            at.terminal.line(&bare(&value))?;
        } else {
            at.terminal.line(&format!("{key} = {}", shown(&value)))?;
        }
    }
    if found == 0 && !args.key.is_empty() {
        return Err(Failure::failed(format!("{} is not set", args.key)));
    }
    Ok(())
}

/// Prints what each layer says.
pub(super) async fn explain(at: &Desk<'_>, args: &ReadArgs) -> Result<(), Failure> {
    let read = read(at, args.session.as_deref(), &args.key).await?;
    warn(at, &read);
    let rows = read.layers.as_deref().unwrap_or_default();
    if args.json {
        for row in rows {
            let line = serde_json::to_string(row).map_err(|error| Failure::failed(error.to_string()))?;
            at.terminal.line(&line)?;
        }
        return Ok(());
    }
    let known = schema::find(&args.key);
    if let Some(known) = known {
        at.terminal.note(&keys::described(&args.key, known));
    }
    if rows.is_empty() {
        at.terminal.note(&format!("{} is not set anywhere", args.key));
        return Ok(());
    }
    let cells = |row: &ConfigEntry| {
        let counts = if row.counts { "*" } else { "" }.to_owned();
        vec![row.key.clone(), counts, layer_name(&row.layer).to_owned(), shown(&row.value.0), place(row)]
    };
    let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
    at.terminal.print(&table::layout(at.terminal, &["KEY", "", "LAYER", "VALUE", "PLACE"], &cells))?;
    if let Some(without) = known.and_then(|known| without(known.shape, rows)) {
        at.terminal.note(&without);
    }
    Ok(())
}

/// Returns what a key would be if the layer that counts said nothing.
fn without(shape: Shape, rows: &[ConfigEntry]) -> Option<String> {
    let (last, below) = rows.split_last()?;
    let layer = layer_name(&last.layer);
    match (shape, below.last()) {
        // Every layer's rules count, and without one the others do.
        (Shape::Rules, _) => None,
        (_, Some(next)) => {
            let value = shown(&next.value.0);
            Some(format!("without the {layer}'s it would be {value} ({})", layer_name(&next.layer)))
        }
        (_, None) if last.layer == ConfigLayer::BuiltIn => None,
        (_, None) => Some(format!("without the {layer}'s it would not be set")),
    }
}

/// Reads what counts in the present workspace, or in a session, and what each layer says of a key.
pub(super) async fn read(
    at: &Desk<'_>,
    session: Option<&str>,
    key: &str,
) -> Result<ConfigureResult, Failure> {
    let params = |scope| ConfigureParams {
        scope,
        session_id: session.map(Into::into),
        workspace: None,
        patch: None,
        if_rev: None,
        explain: Some(key.to_owned()),
    };
    if session.is_some() {
        return Ok(at.client.call::<Configure>(&params(ConfigScope::Session)).await?);
    }
    // The workspace's file counts where the workspace is trusted, which the agent knows.
    let root = at.surroundings.workspace()?;
    let workspace = Some(at.surroundings.workspace_uri()?);
    let ours = ConfigureParams { workspace, ..params(ConfigScope::Workspace) };
    match at.client.call::<Configure>(&ours).await {
        Ok(read) => Ok(read),
        Err(ClientError::Rpc(error)) if error.is(ErrorKind::Forbidden) => {
            let file = workspace_config(&root);
            if file.exists() {
                let file = file.display().to_string();
                let told = format!("note: {file} is not read: the workspace is not trusted (`tenon trust`)");
                at.terminal.note(&safe_line(&told));
            }
            Ok(at.client.call::<Configure>(&params(ConfigScope::User)).await?)
        }
        Err(error) => Err(error.into()),
    }
}

/// Tells what the files say that does not count.
pub(super) fn warn(at: &Desk<'_>, read: &ConfigureResult) {
    if let Some(rejected) = &read.rejected {
        let told = format!("warning: {}; the last good one is in force", rejected.error);
        at.terminal.note(&safe_line(&told));
    }
    for warning in read.warnings.iter().flatten() {
        at.terminal.note(&safe_line(&format!("warning: {warning}")));
    }
}

/// Returns every key that has a value, dotted, with the value.
fn effective(read: &ConfigureResult) -> Vec<(String, JsonValue)> {
    let mut open = vec![(String::new(), read.effective.0.clone())];
    let mut found = Vec::new();
    while let Some((key, value)) = open.pop() {
        if let JsonValue::Object(members) = value {
            let dotted = |name: String| if key.is_empty() { name } else { format!("{key}.{name}") };
            open.extend(members.into_iter().map(|(name, value)| (dotted(name), value)));
        } else {
            found.push((key, value));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found
}

/// Returns a value as it is written in a file.
pub(super) fn shown(value: &JsonValue) -> String {
    Value::deserialize(value).map_or_else(|_| value.to_string(), |value| value.to_string())
}

/// Returns a value for a script: a text without quotes, anything else as it is written in a file.
fn bare(value: &JsonValue) -> String {
    value.as_str().map_or_else(|| shown(value), |text| safe_line(text).into_owned())
}

/// Returns a layer's name for people.
pub(super) fn layer_name(layer: &ConfigLayer) -> &str {
    match layer {
        ConfigLayer::BuiltIn => "built in",
        ConfigLayer::User
        | ConfigLayer::Workspace
        | ConfigLayer::Environment
        | ConfigLayer::Policy
        | ConfigLayer::Session
        | ConfigLayer::Unheard(_) => layer.as_str(),
    }
}

/// Returns the layer and where it says it.
pub(in crate::cli) fn origin(row: &ConfigEntry) -> String {
    format!("{} {}", layer_name(&row.layer), place(row)).trim_end().to_owned()
}

/// Returns where a layer says it.
pub(super) fn place(row: &ConfigEntry) -> String {
    let mut place = row.file.clone().or_else(|| row.variable.clone()).unwrap_or_default();
    if let Some(line) = row.line {
        // Writing to a string does not fail.
        write!(place, ":{line}").ok();
    }
    place
}
