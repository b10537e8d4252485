//! The typed configuration from merged values, and what can only be checked on the whole. Not here: single values
//! (`value`).
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::error::{ConfigError, Place};
use crate::config::profile::{self, Profile, Unattended, Verdict};
use crate::config::provider::{KeySource, MaxTokensField, ProviderConfig, Timeouts, Wire, vendor};
use crate::config::resolve::Merged;
use crate::config::rule::Rule;
use crate::config::{Capture, Ceiling, Config, Daemon, Limits, Network, Rules, Sandbox};

/// Builds the configuration; `~/` in paths becomes `home`.
///
/// # Errors
/// A profile or a provider makes no sense, or the chosen profile does not exist.
pub(crate) fn build(merged: &Merged, home: Option<&str>) -> Result<Config, ConfigError> {
    let profiles = profiles(merged)?;
    let chosen = merged.text("profile").unwrap_or(profile::DEFAULT).to_owned();
    if !profiles.contains_key(&chosen) {
        let place = merged.get("profile").map(|(_, entry)| entry.place.clone());
        return Err(no_such_profile(place, "profile", &chosen, &profiles));
    }
    let mut providers = BTreeMap::new();
    for (name, place) in merged.names("providers") {
        providers.insert(name.clone(), provider(merged, &name, place, home)?);
    }
    // Its shape was checked where it was read.
    let listen = merged.text("daemon.listen").and_then(|listen| listen.parse().ok());
    Ok(Config {
        model: merged.text("model").map(str::to_owned),
        profile: chosen,
        providers,
        profiles,
        limits: limits(merged),
        rules: Rules {
            allow: rules(merged, "rules.allow")?,
            allowed_in: merged.get("rules.allow").map(|(_, entry)| entry.place.to_string()),
            ask: rules(merged, "rules.ask")?,
            deny: rules(merged, "rules.deny")?,
        },
        // Their shape was checked where they were read.
        network: Network {
            private: merged.list("network.private").iter().filter_map(|host| host.parse().ok()).collect(),
        },
        sandbox: sandbox(merged),
        daemon: Daemon {
            linger_s: whole(merged, "daemon.linger_s", 0),
            unload_s: whole(merged, "daemon.unload_s", 0),
            listen,
            origins: merged.list("daemon.origins").to_vec(),
            accept_user_namespace: merged.list("daemon.accept").iter().any(|peer| peer == "user-namespace"),
        },
        ceiling: Ceiling::default(),
    })
}

fn sandbox(merged: &Merged) -> Sandbox {
    let default = Sandbox::default();
    let small = |key| merged.integer(key).and_then(|number| u8::try_from(number).ok());
    let processes = merged.integer("sandbox.processes").and_then(|number| u32::try_from(number).ok());
    Sandbox {
        unix_sockets: merged.is_on("sandbox.unix_sockets"),
        capture: match merged.text("sandbox.capture") {
            Some("compared") => Capture::Compared,
            Some(_) | None => Capture::Exact,
        },
        level: small("sandbox.level"),
        level_min: small("sandbox.level_min").unwrap_or(default.level_min),
        memory_mib: whole(merged, "sandbox.memory_mib", default.memory_mib),
        processes: processes.unwrap_or(default.processes),
        cpu_s: whole(merged, "sandbox.cpu_s", default.cpu_s),
        output_mib: whole(merged, "sandbox.output_mib", default.output_mib),
        caches_mib: whole(merged, "sandbox.caches_mib", default.caches_mib),
    }
}

fn limits(merged: &Merged) -> Limits {
    let default = Limits::default();
    let count = |key, default| merged.integer(key).and_then(|n| u32::try_from(n).ok()).unwrap_or(default);
    Limits {
        steps: count("limits.steps", default.steps),
        cost_usd: merged.number("limits.cost_usd"),
        turn_timeout_s: whole(merged, "limits.turn_timeout_s", default.turn_timeout_s),
        retry_budget_s: whole(merged, "limits.retry_budget_s", default.retry_budget_s),
        retry_attempts: count("limits.retry_attempts", default.retry_attempts),
    }
}

fn whole(merged: &Merged, key: &str, default: u64) -> u64 {
    merged.integer(key).and_then(|number| u64::try_from(number).ok()).unwrap_or(default)
}

/// A rule that does not parse is an error, never left out: a denial must not vanish.
fn rules(merged: &Merged, key: &str) -> Result<Vec<Rule>, ConfigError> {
    let parsed = merged.list(key).iter().map(|text| Rule::parse(text));
    parsed.collect::<Result<_, _>>().map_err(|error| ConfigError {
        place: merged.get(key).map(|(_, entry)| entry.place.clone()),
        key: key.to_owned(),
        message: error.to_string(),
        allowed: None,
    })
}

/// Returns the built-in profiles and the configured ones, `extends` worked out.
///
/// # Errors
/// A profile takes a built-in name, builds on an unknown one, or on itself.
pub(crate) fn profiles(merged: &Merged) -> Result<BTreeMap<String, Profile>, ConfigError> {
    let mut known = profile::built_in();
    let mut open = merged.names("profiles");
    if let Some((name, place)) = open.iter().find(|(name, _)| known.contains_key(*name)) {
        return Err(ConfigError {
            place: Some(place.clone()),
            key: format!("profiles.{name}"),
            message: format!("{name} is built in and cannot be changed"),
            allowed: Some("another name, with `extends`".to_owned()),
        });
    }
    while !open.is_empty() {
        let parent_of =
            |name: &str| merged.text(&format!("profiles.{name}.extends")).unwrap_or(profile::DEFAULT);
        let Some(name) = open.keys().find(|name| known.contains_key(parent_of(name))).cloned() else {
            // Whatever is left builds on something unknown, or in a circle.
            let unknown = open.keys().find(|name| !open.contains_key(parent_of(name)));
            let Some(name) = unknown.or_else(|| open.keys().next()) else { break };
            let key = format!("profiles.{name}.extends");
            let mut error = no_such_profile(open.get(name).cloned(), &key, parent_of(name), &known);
            if unknown.is_none() {
                "the profile builds on itself".clone_into(&mut error.message);
            }
            return Err(error);
        };
        open.remove(&name);
        let profile = derived(merged, &name, &known[parent_of(&name)]);
        known.insert(name, profile);
    }
    Ok(known)
}

fn derived(merged: &Merged, name: &str, parent: &Profile) -> Profile {
    let text = |field: &str| merged.text(&format!("profiles.{name}.{field}"));
    let verdict = |field, inherited| text(field).and_then(Verdict::parse).unwrap_or(inherited);
    let unattended = match text("unattended") {
        Some("deny") => Unattended::Deny,
        Some("wait") => Unattended::Wait,
        Some(_) | None => parent.unattended,
    };
    Profile {
        name: name.to_owned(),
        read: verdict("read", parent.read),
        write: verdict("write", parent.write),
        protected: parent.protected,
        shell: verdict("shell", parent.shell),
        network: verdict("network", parent.network),
        automatic_level_min: parent.automatic_level_min,
        unattended,
    }
}

fn no_such_profile(
    place: Option<Place>,
    key: &str,
    name: &str,
    known: &BTreeMap<String, Profile>,
) -> ConfigError {
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    let message = format!("there is no profile {name:?}");
    ConfigError { place, key: key.to_owned(), message, allowed: Some(names.join(", ")) }
}

fn provider(
    merged: &Merged,
    name: &str,
    place: Place,
    home: Option<&str>,
) -> Result<ProviderConfig, ConfigError> {
    let at = |field: &str| format!("providers.{name}.{field}");
    let text = |field: &str| merged.text(&at(field)).map(str::to_owned);
    let own = vendor(name);
    let wire = merged.text(&at("wire")).and_then(Wire::parse).or_else(|| own.map(|vendor| vendor.wire));
    let Some(wire) = wire else {
        let allowed = Wire::ALL.map(Wire::as_str).join(", ");
        let message = "the provider's wire is missing".to_owned();
        return Err(ConfigError { place: Some(place), key: at("wire"), message, allowed: Some(allowed) });
    };
    let base_url = text("base_url").map(|url| url.trim_end_matches('/').to_owned());
    let field = merged.text(&at("max_tokens_field")).and_then(MaxTokensField::parse);
    let usual = own.filter(|_| base_url.is_none()).map(|vendor| vendor.max_tokens_field).unwrap_or_default();
    let default = Timeouts::default();
    Ok(ProviderConfig {
        name: name.to_owned(),
        wire,
        base_url,
        api_key: key_source(merged, name, home)?,
        headers: merged.texts(&at("headers")),
        max_tokens_field: field.unwrap_or(usual),
        timeouts: Timeouts {
            first_byte_s: whole(merged, &at("timeouts.first_byte_s"), default.first_byte_s),
            chunk_s: whole(merged, &at("timeouts.chunk_s"), default.chunk_s),
        },
        model: text("model"),
        file: text("file").map(|file| at_home(&file, home)),
    })
}

fn key_source(merged: &Merged, name: &str, home: Option<&str>) -> Result<KeySource, ConfigError> {
    let key = format!("providers.{name}.api_key");
    let (variable, file) = (merged.get(&format!("{key}.env")), merged.get(&format!("{key}.file")));
    let text = |field: &str| merged.text(&format!("{key}.{field}")).unwrap_or_default().to_owned();
    match (variable, file) {
        (None, None) => Ok(KeySource::Default),
        (Some((above, _)), Some((below, _))) if above > below => Ok(KeySource::Variable(text("env"))),
        (Some((below, _)), Some((above, entry))) if above == below => Err(ConfigError {
            place: Some(entry.place.clone()),
            key,
            message: "both a variable and a file are named".to_owned(),
            allowed: Some("{ env = \"NAME\" } or { file = \"PATH\" }".to_owned()),
        }),
        (_, Some(_)) => Ok(KeySource::File(at_home(&text("file"), home))),
        (Some(_), None) => Ok(KeySource::Variable(text("env"))),
    }
}

fn at_home(path: &str, home: Option<&str>) -> PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        (Some(_), None) | (None, _) => PathBuf::from(path),
    }
}
