//! `agent/configure` for a session: its settings as a layer. Not here: files (`daemon::configure`).
use std::collections::BTreeMap;

use tenon_protocol::configure::{ConfigEntry, ConfigLayer, ConfigureResult};
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::event::session::SessionChanged;
use tenon_protocol::json::Json;
use tenon_protocol::session::{SessionLimits, Settings};

use crate::base::digest::Digest;
use crate::config::environment::Variables;
use crate::config::error::{ConfigError, Place};
use crate::config::layer::Layer;
use crate::config::resolve::{Explained, Resolved};
use crate::config::schema;
use crate::config::tree::{Changes, Tree};
use crate::config::value::Value;
use crate::session::actor::{Actor, Refusal};
use crate::session::load::config_error;
use crate::turn::ports::Fact;

/// The keys that a session has settings for.
const KEYS: [&str; 5] = ["model", "profile", "limits.steps", "limits.cost_usd", "limits.turn_timeout_s"];

impl Actor {
    /// Reads the session's settings as a layer, and changes them first. A removed one is what is configured now.
    pub(crate) async fn configure(
        &mut self,
        changes: Option<Changes>,
        if_rev: Option<String>,
        explain: Option<String>,
        variables: Variables,
    ) -> Result<ConfigureResult, Refusal> {
        let mut seq = None;
        if let Some(changes) = changes {
            self.check_open()?;
            if let Some(wanted) = if_rev.filter(|wanted| *wanted != rev(&self.state.settings)) {
                let rev = rev(&self.state.settings);
                let message = format!("the session's settings are at revision {rev}, not {wanted}");
                let error = RpcError::new(ErrorKind::RevMismatch, message).retry(Retry::Never);
                return Err(error.with("rev", rev).into());
            }
            self.refresh_world();
            let mut wanted = self.state.settings.clone();
            for (key, value) in changes {
                set(&mut wanted, &key, value.as_ref())?;
            }
            self.check_profile(&wanted).map_err(as_configuration)?;
            self.check_model(&wanted)?;
            let settings = self.world.effective(&wanted);
            if settings != self.state.settings {
                let changed = SessionChanged { settings: Some(settings), ..SessionChanged::default() };
                self.commit(vec![Fact::new(changed)]).await?;
            }
            seq = Some(self.state.head.seq);
        }
        let variables = if self.brought.is_empty() { variables } else { self.brought.clone() };
        let below = self.world.good.layers(&variables).resolve().map_err(|error| config_error(&error))?;
        let layers = explain.map(|key| self.explain(&below, &key)).transpose();
        let layers = layers.map_err(|error| config_error(&error))?;
        Ok(ConfigureResult { layers, ..self.layer(&below, seq) })
    }

    /// Returns what each layer says of a key, or of all that lie beneath a table, the session's own last.
    fn explain(&self, below: &Resolved, key: &str) -> Result<Vec<ConfigEntry>, ConfigError> {
        let mut rows: Vec<ConfigEntry> = below.explain(key)?.into_iter().map(entry).collect();
        let configured = below.values();
        for (own, value) in values(&self.state.settings) {
            if !schema::is_within(own, key) || configured.get(own) == Some(&&value) {
                continue;
            }
            for row in rows.iter_mut().filter(|row| row.key == own) {
                row.counts = false;
            }
            let behind = rows.partition_point(|row| row.key.as_str() <= own);
            let (layer, value) = (ConfigLayer::Session, Json::from_serialize(&value));
            let key = own.to_owned();
            let row = ConfigEntry { key, layer, value, counts: true, file: None, line: None, variable: None };
            rows.insert(behind, row);
        }
        Ok(rows)
    }

    fn layer(&self, below: &Resolved, seq: Option<u64>) -> ConfigureResult {
        let own = values(&self.state.settings);
        let mut from: BTreeMap<String, ConfigLayer> =
            below.origins().map(|(key, layer)| (key.to_owned(), layer_word(layer))).collect();
        let mut effective = below.values();
        let mut differing: Vec<(&str, &Value)> = Vec::new();
        for (key, value) in &own {
            // What a session settled on is its own where it is not what is configured anyway.
            if effective.insert(key, value) != Some(value) {
                from.insert((*key).to_owned(), ConfigLayer::Session);
                differing.push((key, value));
            }
        }
        ConfigureResult {
            rev: rev(&self.state.settings),
            value: Json::from_serialize(&Tree::of(differing.into_iter())),
            effective: Json::from_serialize(&Tree::of(effective.into_iter())),
            from,
            file: None,
            rejected: None,
            warnings: None,
            seq,
            layers: None,
        }
    }
}

/// Returns a layer's name on the wire.
pub(crate) const fn layer_word(layer: Layer) -> ConfigLayer {
    match layer {
        Layer::BuiltIn => ConfigLayer::BuiltIn,
        Layer::User => ConfigLayer::User,
        Layer::Workspace => ConfigLayer::Workspace,
        Layer::Environment => ConfigLayer::Environment,
        Layer::Policy => ConfigLayer::Policy,
    }
}

/// Returns what a layer says of a key as clients are told.
pub(crate) fn entry(row: Explained) -> ConfigEntry {
    let (file, line, variable) = match row.place {
        Place::Line { file, line } => (Some(file.display().to_string()), u64::try_from(line).ok(), None),
        Place::Variable(name) => (None, None, Some(name)),
        Place::BuiltIn => (None, None, None),
    };
    let (layer, value) = (layer_word(row.layer), Json::from_serialize(&row.value));
    ConfigEntry { key: row.key, layer, value, counts: row.effective, file, line, variable }
}

/// Returns the revision of settings: what they say decides.
fn rev(settings: &Settings) -> String {
    let text = serde_json::to_string(settings).unwrap_or_default();
    Digest::of(text.as_bytes()).to_string().chars().take(16).collect()
}

fn as_configuration(error: RpcError) -> RpcError {
    RpcError::new(ErrorKind::InvalidConfig, error.message).retry(Retry::Never)
}

fn set(settings: &mut Settings, key: &str, value: Option<&Value>) -> Result<(), RpcError> {
    let limits = settings.limits.get_or_insert_with(SessionLimits::default);
    let text = || if let Some(Value::Text(text)) = value { Some(text.clone()) } else { None };
    let whole = || if let Some(Value::Integer(number)) = value { u64::try_from(*number).ok() } else { None };
    match key {
        "model" => settings.model = text(),
        "profile" => settings.profile = text(),
        "limits" if value.is_none() => *limits = SessionLimits::default(),
        "limits.steps" => limits.steps = whole().and_then(|steps| u32::try_from(steps).ok()),
        "limits.turn_timeout_s" => limits.turn_timeout_s = whole(),
        "limits.cost_usd" => {
            limits.cost_usd = if let Some(Value::Number(cost)) = value { Some(*cost) } else { None };
        }
        other => {
            let message = format!("{other}: a session has no such setting; allowed: {}", KEYS.join(", "));
            return Err(RpcError::new(ErrorKind::InvalidConfig, message).retry(Retry::Never));
        }
    }
    Ok(())
}

fn values(settings: &Settings) -> Vec<(&'static str, Value)> {
    let limits = settings.limits.clone().unwrap_or_default();
    let seconds = |seconds| Value::Integer(i64::try_from(seconds).unwrap_or(i64::MAX));
    let values = [
        settings.model.clone().map(Value::Text),
        settings.profile.clone().map(Value::Text),
        limits.steps.map(|steps| Value::Integer(steps.into())),
        limits.cost_usd.map(Value::Number),
        limits.turn_timeout_s.map(seconds),
    ];
    KEYS.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect()
}
