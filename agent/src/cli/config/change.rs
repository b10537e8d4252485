//! `tenon config set`, `unset`, `add`, `remove` and `rev`: changing a layer. Not here: what is valid, which the agent decides.
use clap::Args;
use serde_json::{Map, Value as JsonValue, json};
use tenon_client::ClientError;
use tenon_protocol::configure::{ConfigLayer, ConfigScope, ConfigureParams, ConfigureResult};
use tenon_protocol::error::ErrorKind;
use tenon_protocol::json::Json;
use tenon_protocol::methods::Configure;

use crate::cli::config::keys::Names;
use crate::cli::config::{Desk, look};
use crate::cli::failure::Failure;
use crate::cli::terminal::safe_line;
use crate::config::resolve::unknown_key;
use crate::config::schema::{self, Key};
use crate::config::value::{Shape, Value};

/// How often an entry is put into a list that others change at the same time.
const RACES_MAX: usize = 8;

/// Which layer is changed.
#[derive(Args, Debug)]
pub(crate) struct Where {
    /// In the workspace's own .tenon/config.toml, which may only narrow, instead of your own file
    #[arg(long, conflicts_with = "session")]
    workspace: bool,
    /// In this session's settings, which are its model, its profile and its limits
    #[arg(long, value_name = "ID")]
    session: Option<String>,
}

/// How a change is made and told.
#[derive(Args, Debug)]
pub(crate) struct How {
    #[command(flatten)]
    place: Where,
    /// Only if nobody has changed the layer since it was at this revision (`tenon config rev`)
    #[arg(long, value_name = "REV")]
    if_rev: Option<String>,
    /// Prints what came of it as a JSON object
    #[arg(long)]
    json: bool,
}

/// The arguments of `tenon config set`.
#[derive(Args, Debug)]
pub(crate) struct SetArgs {
    /// The key, dotted, such as limits.steps
    #[arg(value_parser = Names::Keys, hide_possible_values = true)]
    key: String,
    /// The value; of a list each entry by itself, or all of them as a TOML array
    #[arg(value_name = "VALUE", required = true)]
    values: Vec<String>,
    #[command(flatten)]
    how: How,
}

/// The arguments of `tenon config unset`.
#[derive(Args, Debug)]
pub(crate) struct UnsetArgs {
    /// The keys or tables, dotted
    #[arg(value_name = "KEY", required = true, value_parser = Names::KeysAndTables, hide_possible_values = true)]
    keys: Vec<String>,
    #[command(flatten)]
    how: How,
}

/// The arguments of `tenon config add` and `tenon config remove`.
#[derive(Args, Debug)]
pub(crate) struct EntriesArgs {
    /// The key of a list, such as rules.allow
    #[arg(value_parser = Names::Keys, hide_possible_values = true)]
    key: String,
    /// The entries
    #[arg(value_name = "ENTRY", required = true)]
    entries: Vec<String>,
    #[command(flatten)]
    place: Where,
}

/// The arguments of `tenon config rev`.
#[derive(Args, Debug)]
pub(crate) struct RevArgs {
    #[command(flatten)]
    place: Where,
}

/// Sets a key.
pub(super) async fn set(at: &Desk<'_>, args: &SetArgs) -> Result<(), Failure> {
    let value = value_of(known(&args.key)?, &args.key, &args.values)?;
    let patch = nested([(args.key.as_str(), json!(value))]);
    let changed = change(at, &args.how.place, patch, args.how.if_rev.clone()).await?;
    tell(at, &args.how, &changed, &args.key).await
}

/// Removes keys.
pub(super) async fn unset(at: &Desk<'_>, args: &UnsetArgs) -> Result<(), Failure> {
    let patch = nested(args.keys.iter().map(|key| (key.as_str(), JsonValue::Null)));
    let changed = change(at, &args.how.place, patch, args.how.if_rev.clone()).await?;
    for key in &args.keys {
        tell(at, &args.how, &changed, key).await?;
    }
    Ok(())
}

/// Puts entries into a list.
pub(super) async fn add(at: &Desk<'_>, args: &EntriesArgs) -> Result<(), Failure> {
    let changed = edit(at, &args.place, &args.key, |list| {
        let new: Vec<String> = args.entries.iter().filter(|entry| !list.contains(entry)).cloned().collect();
        list.extend(new);
        Ok(())
    });
    tell_list(at, &args.key, &changed.await?);
    Ok(())
}

/// Takes entries out of a list.
pub(super) async fn remove(at: &Desk<'_>, args: &EntriesArgs) -> Result<(), Failure> {
    let changed = edit(at, &args.place, &args.key, |list| {
        for entry in &args.entries {
            let Some(found) = list.iter().position(|own| own == entry) else {
                let told = format!("{} has no entry {entry:?} in this layer", args.key);
                return Err(Failure::failed(told)
                    .hint(format!("`tenon config explain {}` tells which layer has it", args.key)));
            };
            list.remove(found);
        }
        Ok(())
    });
    tell_list(at, &args.key, &changed.await?);
    Ok(())
}

/// Prints a layer's revision.
pub(super) async fn rev(at: &Desk<'_>, args: &RevArgs) -> Result<(), Failure> {
    let read = at.client.call::<Configure>(&params(at, &args.place)?).await?;
    Ok(at.terminal.line(&read.rev)?)
}

/// Changes a list that others may change at the same time: what was read is what is replaced, or it is read again.
async fn edit(
    at: &Desk<'_>,
    place: &Where,
    key: &str,
    mut change_list: impl FnMut(&mut Vec<String>) -> Result<(), Failure>,
) -> Result<ConfigureResult, Failure> {
    let known = known(key)?;
    if !matches!(known.shape, Shape::Rules | Shape::Choices(_) | Shape::Origins | Shape::Hosts) {
        return Err(Failure::usage(format!("{key} is no list; it takes {}", known.shape.allowed()))
            .hint(format!("`tenon config set {key} VALUE` sets it")));
    }
    let mut lost = None;
    for _ in 0..RACES_MAX {
        let read = at.client.call::<Configure>(&params(at, place)?).await?;
        let pointer = format!("/{}", key.replace('.', "/"));
        let present = read.value.0.pointer(&pointer).cloned().unwrap_or_else(|| json!([]));
        let mut list: Vec<String> = serde_json::from_value(present).unwrap_or_default();
        change_list(&mut list)?;
        let patch = nested([(key, json!(list))]);
        let wanted = ConfigureParams { patch: Some(patch), if_rev: Some(read.rev), ..params(at, place)? };
        match at.client.call::<Configure>(&wanted).await {
            Err(ClientError::Rpc(error)) if error.is(ErrorKind::RevMismatch) => lost = Some(error),
            other => return Ok(other?),
        }
    }
    let told = lost.map(Failure::from);
    Err(told.unwrap_or_else(|| Failure::failed("others change the configuration all the time")))
}

async fn change(
    at: &Desk<'_>,
    place: &Where,
    patch: Json,
    if_rev: Option<String>,
) -> Result<ConfigureResult, Failure> {
    let wanted = ConfigureParams { patch: Some(patch), if_rev, ..params(at, place)? };
    Ok(at.client.call::<Configure>(&wanted).await?)
}

fn params(at: &Desk<'_>, place: &Where) -> Result<ConfigureParams, Failure> {
    let scope = match (&place.session, place.workspace) {
        (Some(_), _) => ConfigScope::Session,
        (None, true) => ConfigScope::Workspace,
        (None, false) => ConfigScope::User,
    };
    let workspace = place.workspace.then(|| at.surroundings.workspace_uri()).transpose()?;
    let session_id = place.session.as_deref().map(Into::into);
    Ok(ConfigureParams { scope, session_id, workspace, patch: None, if_rev: None, explain: None })
}

fn known(key: &str) -> Result<&'static Key, Failure> {
    schema::find(key).ok_or_else(|| {
        if schema::is_table(key) {
            return Failure::usage(format!("{key} is a table, and takes no value"))
                .hint("`tenon config keys` lists the keys in it");
        }
        Failure::from(unknown_key(key)).hint("`tenon config keys` lists them all")
    })
}

/// Reads a value as it stands on a command line. What a list takes may stand there entry by entry.
fn value_of(known: &Key, key: &str, texts: &[String]) -> Result<Value, Failure> {
    let read = match texts {
        [text] => known.shape.read(text),
        texts if matches!(known.shape, Shape::Rules | Shape::Choices(_) | Shape::Origins | Shape::Hosts) => {
            known.shape.check(Value::List(texts.to_vec()))
        }
        _ => return Err(Failure::usage(format!("{key} takes one value: {}", known.shape.allowed()))),
    };
    let misfit = |misfit: crate::config::value::Misfit| {
        Failure::usage(format!("{key}: {}; allowed: {}", misfit.message, misfit.allowed))
    };
    read.map_err(misfit)
}

/// Puts dotted keys into tables.
fn nested<'a>(values: impl IntoIterator<Item = (&'a str, JsonValue)>) -> Json {
    let mut root = Map::new();
    for (key, value) in values {
        put(&mut root, key, value);
    }
    Json(JsonValue::Object(root))
}

fn put(table: &mut Map<String, JsonValue>, key: &str, value: JsonValue) {
    match key.split_once('.') {
        None => drop(table.insert(key.to_owned(), value)),
        Some((first, rest)) => {
            // What goes as a whole takes what lies in it along.
            if let JsonValue::Object(inner) = table.entry(first).or_insert_with(|| json!({})) {
                put(inner, rest, value);
            }
        }
    }
}

/// Tells what a change came to: what counts now, and what goes before it.
async fn tell(at: &Desk<'_>, how: &How, changed: &ConfigureResult, key: &str) -> Result<(), Failure> {
    look::warn(at, changed);
    let now = look::read(at, how.place.session.as_deref(), key).await?;
    let rows = now.layers.as_deref().unwrap_or_default();
    let counts = rows.iter().rev().find(|row| row.counts && row.key == key);
    if how.json {
        let (value, layer) = (counts.map(|row| &row.value), counts.map(|row| row.layer));
        let told =
            json!({"key": key, "value": value, "layer": layer, "rev": changed.rev, "file": changed.file});
        return Ok(at.terminal.line(&told.to_string())?);
    }
    let own = match (&how.place.session, how.place.workspace) {
        (Some(_), _) => ConfigLayer::Session,
        (None, true) => ConfigLayer::Workspace,
        (None, false) => ConfigLayer::User,
    };
    let said = rows.iter().find(|row| row.key == key && row.layer == own);
    let told = match (said, counts) {
        (Some(said), Some(first)) if said.layer != first.layer && !said.counts => format!(
            "{key} is {} in {}, but {} ({}) goes before it: {} counts",
            look::shown(&said.value.0),
            look::place(said),
            look::layer_name(&first.layer),
            look::place(first),
            look::shown(&first.value.0)
        ),
        (Some(said), _) => format!("{key} is {} now ({})", look::shown(&said.value.0), look::place(said)),
        (None, Some(first)) => {
            format!("{key} is {} now ({})", look::shown(&first.value.0), look::layer_name(&first.layer))
        }
        (None, None) => format!("{key} is not set any more"),
    };
    at.terminal.note(&safe_line(&told));
    if key.starts_with("daemon.") {
        at.terminal
            .note("it counts when the agent starts the next time: `tenon stop` ends the one that runs");
    }
    Ok(())
}

fn tell_list(at: &Desk<'_>, key: &str, changed: &ConfigureResult) {
    look::warn(at, changed);
    let pointer = format!("/{}", key.replace('.', "/"));
    let list = changed.value.0.pointer(&pointer).map_or_else(|| "[]".to_owned(), look::shown);
    let file = changed.file.as_deref().unwrap_or_default();
    at.terminal.note(&safe_line(&format!("{key} is {list} now ({file})")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_tables() {
        let check =
            |values: &[(&str, i64)]| nested(values.iter().map(|(key, n)| (*key, json!(n)))).0.to_string();
        assert_eq!(check(&[("model", 1)]), r#"{"model":1}"#);
        let both = check(&[("limits.steps", 1), ("limits.cost_usd", 2)]);
        assert_eq!(both, r#"{"limits":{"cost_usd":2,"steps":1}}"#);
    }

    #[test]
    fn values_are_read_as_their_keys_want_them() {
        let check = |key: &str, texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            match known(key).and_then(|known| value_of(known, key, &texts)) {
                Ok(value) => value.to_string(),
                Err(failure) => failure.message,
            }
        };
        assert_eq!(check("limits.steps", &["5"]), "5");
        assert_eq!(check("rules.deny", &["rm *", "read:x"]), r#"["rm *", "read:x"]"#);
        assert_eq!(check("rules.deny", &[r#"["rm *"]"#]), r#"["rm *"]"#);
        assert_eq!(
            check("limits.steps", &["5", "6"]),
            "limits.steps takes one value: a whole number from 1 to 10000"
        );
        assert!(check("limits.steps", &["many"]).ends_with("allowed: a whole number from 1 to 10000"));
        assert_eq!(check("limit.steps", &["5"]), "limit.steps: unknown key; did you mean limits.steps?");
        assert_eq!(check("limits", &["5"]), "limits is a table, and takes no value");
    }
}
