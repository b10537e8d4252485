//! Putting the layers together. Not here: reading one layer (`layer`, `variables`), what a workspace may do (`narrow`),
//! and the typed result (`build`).
use std::collections::BTreeMap;

use crate::config::Config;
use crate::config::build::build;
use crate::config::environment::Variables;
use crate::config::error::{ConfigError, Place, Warning};
use crate::config::layer::{self, Entries, Entry, Layer, Source};
use crate::config::narrow::narrow;
use crate::config::policy;
use crate::config::schema;
use crate::config::tree::Tree;
use crate::config::value::{Shape, Value};
use crate::config::variables;
use crate::config::{Daemon, Limits};

/// What a configuration is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    /// The user's file.
    pub(crate) user: Option<Source>,
    /// The workspace's file: only where the workspace is trusted.
    pub(crate) workspace: Option<Source>,
    /// Variables of the one who asks: `TENON_*`, `CI` and `HOME` are looked at.
    pub(crate) environment: Variables,
    /// The administrator's policies: each only narrows.
    pub(crate) policies: Vec<Source>,
}

/// A configuration with its history.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    /// What it comes to.
    pub(crate) config: Config,
    /// What its authors should know, in order of the layers.
    pub(crate) warnings: Vec<Warning>,
    layers: Vec<(Layer, Entries)>,
    merged: Merged,
}

/// One layer's value of a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Explained {
    /// The dotted key.
    pub(crate) key: String,
    /// The layer.
    pub(crate) layer: Layer,
    /// Where it stands.
    pub(crate) place: Place,
    /// The value; secrets are taken out.
    pub(crate) value: Value,
    /// Whether it counts: nothing later goes before it.
    pub(crate) effective: bool,
}

impl Layers {
    /// Puts the layers together and checks the whole.
    ///
    /// # Errors
    /// A layer cannot be read, a value does not fit, or the whole makes no sense (an unknown profile, a provider without
    /// a wire). The first such thing is told.
    pub(crate) fn resolve(&self) -> Result<Resolved, ConfigError> {
        let mut warnings = Vec::new();
        let mut layers = vec![(Layer::BuiltIn, built_in(&self.environment))];
        if let Some(source) = &self.user {
            layers.push((Layer::User, layer::read(source, &mut warnings)?));
        }
        if let Some(source) = &self.workspace {
            let wanted = layer::read(source, &mut warnings)?;
            let narrowed = narrow(wanted, &Merged::of(&layers), &mut warnings)?;
            layers.push((Layer::Workspace, narrowed));
        }
        let known = Merged::of(&layers).into_entries();
        layers.push((Layer::Environment, variables::read(&self.environment, &known, &mut warnings)?));
        let mut bounds = Vec::new();
        for source in &self.policies {
            let wanted = policy::entries(source)?;
            // What is narrower already stays as it is.
            let narrowed = narrow(wanted.clone(), &Merged::of(&layers), &mut Vec::new())?;
            layers.push((Layer::Policy, narrowed));
            bounds.push(Merged::of(&[(Layer::Policy, wanted)]));
        }
        let merged = Merged::of(&layers);
        let mut config = build(&merged, self.environment.get("HOME").map(String::as_str))?;
        for bound in &bounds {
            policy::bind(&mut config, bound);
        }
        Ok(Resolved { config, warnings, layers, merged })
    }
}

impl Resolved {
    /// Returns what one layer says, as nested tables without secrets.
    pub(crate) fn of_layer(&self, wanted: Layer) -> Tree {
        let own = self.layers.iter().filter(|(layer, _)| *layer == wanted).flat_map(|(_, entries)| entries);
        Tree::of(own.map(|(key, entry)| (key.as_str(), &entry.value)))
    }

    /// Returns what the layers come to, as nested tables without secrets.
    pub(crate) fn effective(&self) -> Tree {
        Tree::of(self.merged.0.iter().map(|(key, (_, entry))| (key.as_str(), &entry.value)))
    }

    /// Returns the value of each effective key.
    pub(crate) fn values(&self) -> BTreeMap<&str, &Value> {
        self.merged.0.iter().map(|(key, (_, entry))| (key.as_str(), &entry.value)).collect()
    }

    /// Returns each effective key with the layer its value comes from.
    pub(crate) fn origins(&self) -> impl Iterator<Item = (&str, Layer)> {
        self.merged.0.iter().map(|(key, (layer, _))| (key.as_str(), *layer))
    }

    /// Returns the layer and the place of the effective value of a key.
    pub(crate) fn origin(&self, key: &str) -> Option<(Layer, &Place)> {
        self.merged.0.get(key).map(|(layer, entry)| (*layer, &entry.place))
    }

    /// Returns every layer's value of a key, or of every key beneath a table; by key, then from the lowest layer up.
    ///
    /// # Errors
    /// Neither a key nor a table has that name.
    pub(crate) fn explain(&self, key: &str) -> Result<Vec<Explained>, ConfigError> {
        if !key.is_empty() && schema::find(key).is_none() && !schema::is_table(key) {
            return Err(unknown_key(key));
        }
        let mut rows = Vec::new();
        for (at, entry_layer) in &self.layers {
            for (name, entry) in entry_layer {
                if schema::is_within(name, key) {
                    rows.push(self.explained(*at, name, entry));
                }
            }
        }
        rows.sort_by(|a, b| (&a.key, a.layer).cmp(&(&b.key, b.layer)));
        Ok(rows)
    }

    fn explained(&self, layer: Layer, key: &str, entry: &Entry) -> Explained {
        let shape = schema::find(key).map_or(Shape::Secret, |row| row.shape);
        let effective = shape == Shape::Rules || self.origin(key).is_some_and(|(winner, _)| winner == layer);
        let value = shape.shown(&entry.value);
        Explained { key: key.to_owned(), layer, place: entry.place.clone(), value, effective }
    }
}

/// The error for a key that nobody knows, with the nearest known one.
pub(crate) fn unknown_key(key: &str) -> ConfigError {
    let message = match schema::nearest(key) {
        Some(nearest) => format!("unknown key; did you mean {nearest}?"),
        None => "unknown key".to_owned(),
    };
    ConfigError { place: None, key: key.to_owned(), message, allowed: None }
}

/// The values that count, each with the layer it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Merged(BTreeMap<String, (Layer, Entry)>);

impl Merged {
    fn of(layers: &[(Layer, Entries)]) -> Self {
        let mut merged: BTreeMap<String, (Layer, Entry)> = BTreeMap::new();
        for (layer, entries) in layers {
            for (key, entry) in entries {
                let mut entry = entry.clone();
                // Rules only ever gather: no layer can take a denial away by saying something else.
                if let Some((_, Entry { value: Value::List(below), .. })) = merged.get(key)
                    && schema::find(key).is_some_and(|row| row.shape == Shape::Rules)
                    && let Value::List(own) = &mut entry.value
                {
                    own.splice(0..0, below.iter().cloned());
                }
                merged.insert(key.clone(), (*layer, entry));
            }
        }
        Self(merged)
    }

    fn into_entries(self) -> Entries {
        self.0.into_iter().map(|(key, (_, entry))| (key, entry)).collect()
    }

    /// Returns the layer and the value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&(Layer, Entry)> {
        self.0.get(key)
    }

    /// Returns the text of a key.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some((_, Entry { value: Value::Text(text), .. })) => Some(text),
            Some(_) | None => None,
        }
    }

    /// Returns the whole number of a key.
    pub(crate) fn integer(&self, key: &str) -> Option<i64> {
        match self.get(key) {
            Some((_, Entry { value: Value::Integer(number), .. })) => Some(*number),
            Some(_) | None => None,
        }
    }

    /// Returns the number of a key.
    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        match self.get(key) {
            Some((_, Entry { value: Value::Number(number), .. })) => Some(*number),
            Some(_) | None => None,
        }
    }

    /// Returns the list of a key; an absent one is empty.
    pub(crate) fn list(&self, key: &str) -> &[String] {
        match self.get(key) {
            Some((_, Entry { value: Value::List(entries), .. })) => entries,
            Some(_) | None => &[],
        }
    }

    /// Returns whether a key is switched on.
    pub(crate) fn is_on(&self, key: &str) -> bool {
        matches!(self.get(key), Some((_, Entry { value: Value::Switch(true), .. })))
    }

    /// Returns the names that the person chose beneath `table`, with the place where each first stands, in order.
    pub(crate) fn names(&self, table: &str) -> BTreeMap<String, Place> {
        let mut names = BTreeMap::new();
        for (key, (_, entry)) in &self.0 {
            let rest = key.strip_prefix(table).and_then(|rest| rest.strip_prefix('.'));
            if let Some(name) = rest.and_then(|rest| rest.split('.').next()) {
                names.entry(name.to_owned()).or_insert_with(|| entry.place.clone());
            }
        }
        names
    }

    /// Returns the keys beneath `table` with their values as text, by last segment.
    pub(crate) fn texts(&self, table: &str) -> BTreeMap<String, String> {
        let beneath = format!("{table}.");
        let keys = self.0.keys().filter_map(|key| Some((key.strip_prefix(&beneath)?, key)));
        keys.filter_map(|(name, key)| Some((name.to_owned(), self.text(key)?.to_owned()))).collect()
    }
}

/// Seconds a daemon lingers in CI, where each job would otherwise leave one behind.
const LINGER_IN_CI_S: i64 = 10;

/// What is built in, as a layer of its own, so that `explain` can show it.
fn built_in(environment: &Variables) -> Entries {
    let limits = Limits::default();
    let Config { daemon: Daemon { linger_s, unload_s, .. }, sandbox, .. } = Config::default();
    let in_ci = environment.get("CI").is_some_and(|ci| !matches!(ci.as_str(), "" | "0" | "false"));
    let linger_s = if in_ci { LINGER_IN_CI_S } else { whole(linger_s) };
    let values = [
        ("profile", Value::Text(crate::config::profile::DEFAULT.to_owned())),
        ("limits.steps", Value::Integer(limits.steps.into())),
        ("limits.turn_timeout_s", Value::Integer(whole(limits.turn_timeout_s))),
        ("limits.retry_budget_s", Value::Integer(whole(limits.retry_budget_s))),
        ("limits.retry_attempts", Value::Integer(limits.retry_attempts.into())),
        ("sandbox.unix_sockets", Value::Switch(false)),
        ("sandbox.capture", Value::Text("exact".to_owned())),
        ("sandbox.level_min", Value::Integer(sandbox.level_min.into())),
        ("sandbox.memory_mib", Value::Integer(whole(sandbox.memory_mib))),
        ("sandbox.processes", Value::Integer(sandbox.processes.into())),
        ("sandbox.cpu_s", Value::Integer(whole(sandbox.cpu_s))),
        ("sandbox.output_mib", Value::Integer(whole(sandbox.output_mib))),
        ("sandbox.caches_mib", Value::Integer(whole(sandbox.caches_mib))),
        ("daemon.linger_s", Value::Integer(linger_s)),
        ("daemon.unload_s", Value::Integer(whole(unload_s))),
        ("daemon.listen", Value::Text(String::new())),
        ("daemon.accept", Value::List(Vec::new())),
        ("daemon.origins", Value::List(Vec::new())),
    ];
    let entry = |value| Entry { value, place: Place::BuiltIn };
    values.into_iter().map(|(key, value)| (key.to_owned(), entry(value))).collect()
}

fn whole(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
