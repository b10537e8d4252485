//! Values as nested tables: how clients read layers, and how they change them. Not here: writing a file (`edit`).
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::secret::REDACTED;
use crate::config::error::ConfigError;
use crate::config::resolve::unknown_key;
use crate::config::schema;
use crate::config::value::Value;

/// Depth of a patch at most; no key lies deeper.
const DEPTH_MAX: usize = 8;

/// A table of values, or one value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Tree {
    /// Keys beneath this one.
    Table(BTreeMap<String, Self>),
    /// A value.
    Value(Value),
}

impl Tree {
    /// Puts dotted keys into tables; secrets are taken out.
    pub(crate) fn of<'a>(entries: impl Iterator<Item = (&'a str, &'a Value)>) -> Self {
        let mut root = BTreeMap::new();
        for (key, value) in entries {
            let shown = match schema::find(key) {
                Some(row) => row.shape.shown(value),
                None => Value::Text(REDACTED.to_owned()),
            };
            put(&mut root, key, shown);
        }
        Self::Table(root)
    }
}

fn put(table: &mut BTreeMap<String, Tree>, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), Tree::Value(value));
        }
        Some((first, rest)) => {
            let inner = table.entry(first.to_owned()).or_insert_with(|| Tree::Table(BTreeMap::new()));
            // No key is a table and a value both: the table of keys sees to that.
            if let Tree::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// What is to become of a layer, as a client sends it: `null` removes.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Patch {
    /// Keys beneath this one.
    Table(BTreeMap<String, Option<Self>>),
    /// A new value.
    Value(Value),
}

/// What is to become of each key: a new value, or `None` where it goes, with all beneath it.
pub(crate) type Changes = Vec<(String, Option<Value>)>;

impl Patch {
    /// Returns what the patch does, key by key.
    ///
    /// # Errors
    /// A key is unknown, a table stands for a value or the other way round, or a value is the mark of a secret that was
    /// taken out.
    pub(crate) fn changes(self) -> Result<Changes, ConfigError> {
        let mut changes = Changes::new();
        match self {
            Self::Table(table) => walk("", table, &mut changes, DEPTH_MAX)?,
            Self::Value(_) => return Err(wrong("", "the patch is no table of keys", None)),
        }
        Ok(changes)
    }
}

fn walk(
    prefix: &str,
    table: BTreeMap<String, Option<Patch>>,
    changes: &mut Changes,
    depth: usize,
) -> Result<(), ConfigError> {
    for (name, patch) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        // A name with a dot would be taken for two further on.
        let row = schema::find(&key).filter(|_| key.split('.').count() == prefix_len(prefix) + 1);
        match (patch, row) {
            (None, Some(_)) => changes.push((key, None)),
            (None, None) if schema::is_table(&key) => changes.push((key, None)),
            (Some(Patch::Value(value)), Some(row)) => {
                if value.is_redacted() {
                    return Err(wrong(&key, "this stands for a secret: leave the key out to keep it", None));
                }
                let fits = row.shape.sent(value);
                let value = fits.map_err(|misfit| wrong(&key, &misfit.message, Some(misfit.allowed)))?;
                changes.push((key, Some(value)));
            }
            (Some(Patch::Table(inner)), None) if depth > 0 && schema::is_table(&key) => {
                walk(&key, inner, changes, depth - 1)?;
            }
            (Some(Patch::Value(_)), None) if schema::is_table(&key) => {
                return Err(wrong(&key, "the value does not fit", Some("a table".to_owned())));
            }
            (Some(Patch::Table(_)), Some(row)) => {
                return Err(wrong(&key, "the value does not fit", Some(row.shape.allowed())));
            }
            (_, None) => return Err(unknown_key(&key)),
        }
    }
    Ok(())
}

fn prefix_len(prefix: &str) -> usize {
    if prefix.is_empty() { 0 } else { prefix.split('.').count() }
}

fn wrong(key: &str, message: &str, allowed: Option<String>) -> ConfigError {
    ConfigError { place: None, key: key.to_owned(), message: message.to_owned(), allowed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(json: &str) -> Result<Changes, ConfigError> {
        serde_json::from_str::<Patch>(json).unwrap().changes()
    }

    #[test]
    fn a_patch_is_a_list_of_keys() {
        let patch = r#"{"model": "a/b", "limits": {"steps": 3, "cost_usd": null}, "providers": {"x": null}}"#;
        let expected = [
            ("limits.cost_usd", None),
            ("limits.steps", Some(Value::Integer(3))),
            ("model", Some(Value::Text("a/b".to_owned()))),
            ("providers.x", None),
        ];
        assert_eq!(changes(patch).unwrap(), expected.map(|(key, value)| (key.to_owned(), value)));
    }

    #[test]
    fn what_no_key_takes_is_refused() {
        for patch in [
            "7",
            r#"{"modle": "a/b"}"#,
            r#"{"modle": null}"#,
            r#"{"limits": 3}"#,
            r#"{"model": {"x": 1}}"#,
            r#"{"limits": {"steps": "many"}}"#,
            r#"{"limits.steps": 3}"#,
            r#"{"providers": {"x": {"headers": {"a": "[redacted]"}}}}"#,
            r#"{"providers": {"x": {"file": "relative"}}}"#,
        ] {
            assert!(changes(patch).is_err(), "{patch}");
        }
    }

    #[test]
    fn secrets_are_taken_out() {
        let value = |text: &str| Value::Text(text.to_owned());
        let entries = [
            ("providers.x.headers.a", value("test-key")),
            ("providers.x.base_url", value("https://me:test-key@host/v1?k=test-key")),
        ];
        let tree = Tree::of(entries.iter().map(|(key, value)| (*key, value)));
        let json = serde_json::to_string(&tree).unwrap();
        assert!(!json.contains("test-key") && json.contains("host/v1"), "{json}");
    }
}
