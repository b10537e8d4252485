//! The environment: what of a caller's variables reaches the daemon, and what of that reaches a child. Not here: the
//! meaning of `TENON_*` settings (`variables`).
//!
//! A child's environment is built from an allow-list, and nothing that configuration or a vendor uses as a key is ever
//! in it. What the daemon receives and cannot place is kept as a secret: an unknown variable was most likely sent
//! because a configuration names it as a key.
mod allow_list;

use std::collections::BTreeMap;
use std::fmt;

use crate::base::secret::Secret;
use crate::config::Config;
use crate::config::environment::allow_list::{is_authority, is_for_children, is_injection, is_proxy};
use crate::config::provider::{KeySource, VENDORS};

/// The prefix of our own variables.
pub(crate) const SETTING_PREFIX: &str = "TENON_";

/// Variables in one message; a shell has about a hundred, and the allow-list lets few of them through.
const VARIABLES_MAX: usize = 512;

/// Longest value in bytes; Linux allows 128 KiB for one argument or variable.
const VALUE_BYTES_MAX: usize = 128 * 1024;

/// Variables by name.
pub(crate) type Variables = BTreeMap<String, String>;

/// Returns the variables of this process: the only place that reads them. Those that are not UTF-8 are left out.
pub(crate) fn ambient() -> Variables {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Returns what a local client sends the daemon in `$/environment`: what children may have, proxies and authorities,
/// our own settings, and the variables that `config` or a vendor uses as keys and addresses.
pub(crate) fn for_daemon(ambient: &Variables, config: &Config) -> Variables {
    let keys = key_variables(config);
    ambient
        .iter()
        .filter(|(name, value)| is_sound(name, value))
        .filter(|(name, _)| {
            keys.iter().any(|key| key == *name)
                || is_for_children(name)
                || is_proxy(name)
                || name.starts_with(SETTING_PREFIX)
                || VENDORS.iter().any(|vendor| vendor.base_url_variable == *name)
        })
        .take(VARIABLES_MAX)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The names of the variables that hold keys: the vendors' and those that `config` names.
fn key_variables(config: &Config) -> Vec<String> {
    let configured = config.providers.values().filter_map(|provider| match &provider.api_key {
        KeySource::Variable(name) => Some(name.clone()),
        KeySource::Default | KeySource::File(_) => None,
    });
    VENDORS.iter().map(|vendor| vendor.key_variable.to_owned()).chain(configured).collect()
}

fn is_sound(name: &str, value: &str) -> bool {
    !name.is_empty()
        && !name.contains(['=', '\0'])
        && !value.contains('\0')
        && value.len() <= VALUE_BYTES_MAX
        && name.len() <= 256
}

/// A caller's environment as the daemon keeps it: in memory, per connection and session.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    /// What children get; no key and none of our own variables is among it.
    pub(crate) children: Variables,
    /// Keys by the name of their variable.
    pub(crate) secrets: BTreeMap<String, Secret>,
    /// Proxies and certificate authorities, by variable, for the agent's own requests. A proxy's address may hold a
    /// password.
    pub(crate) network: Variables,
    /// Our own settings: every `TENON_*` variable, and `CI`.
    pub(crate) settings: Variables,
    /// Addresses that vendors' variables name, by provider.
    pub(crate) base_urls: BTreeMap<String, String>,
}

impl Environment {
    /// Sorts what a client sent. Filters again: what came over the wire is not trusted to be filtered.
    pub(crate) fn from_wire(variables: Variables, config: &Config) -> Self {
        let keys = key_variables(config);
        let mut environment = Self::default();
        let sound = variables.into_iter().filter(|(name, value)| is_sound(name, value));
        for (name, value) in sound.take(VARIABLES_MAX) {
            environment.place(&keys, name, value);
        }
        environment
    }

    fn place(&mut self, keys: &[String], name: String, value: String) {
        if value.is_empty() && !is_for_children(&name) {
            return;
        }
        if let Some(vendor) = VENDORS.iter().find(|vendor| vendor.base_url_variable == name) {
            self.base_urls.insert(vendor.name.to_owned(), value);
        } else if keys.contains(&name) {
            self.secrets.insert(name, Secret::new(value));
        } else if name.starts_with(SETTING_PREFIX) {
            self.settings.insert(name, value);
        } else if is_proxy(&name) {
            // A proxy with a password would hand that password to every child.
            if !value.contains('@') {
                self.children.insert(name.clone(), value.clone());
            }
            self.network.insert(name, value);
        } else if is_for_children(&name) {
            if name == "CI" {
                self.settings.insert(name.clone(), value.clone());
            }
            if is_authority(&name) {
                self.network.insert(name.clone(), value.clone());
            }
            self.children.insert(name, value);
        } else if !is_injection(&name) {
            self.secrets.insert(name, Secret::new(value));
        }
    }

    /// Returns the environment of a session that no client with an environment has opened: a plain `PATH`, no key.
    pub(crate) fn system_default() -> Self {
        let path = ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned());
        Self { children: Variables::from([path]), ..Self::default() }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("children", &self.children)
            .field("secrets", &self.secrets.keys())
            .field("network", &self.network.keys())
            .field("settings", &self.settings.keys())
            .field("base_urls", &self.base_urls)
            .finish()
    }
}

#[cfg(test)]
mod tests;
