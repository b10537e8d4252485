//! Configuration: layers, files, the environment, explain.
//!
//! Not here: policy decisions (`approvals`), and who may log in how. One table (`schema`) names every key; reading,
//! environment names, narrowing, `explain` and `set` all follow from it.
//!
//! Imports: base
pub(crate) mod address;
mod build;
pub(crate) mod credentials;
pub(crate) mod edit;
pub(crate) mod environment;
pub(crate) mod error;
pub(crate) mod files;
pub(crate) mod host;
pub(crate) mod layer;
pub(crate) mod model;
mod narrow;
pub(crate) mod paths;
pub(crate) mod policy;
pub(crate) mod profile;
pub(crate) mod protected;
pub(crate) mod provider;
pub(crate) mod resolve;
pub(crate) mod rule;
pub(crate) mod schema;
pub(crate) mod tree;
pub(crate) mod value;
pub(crate) mod variables;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::address::ListenAddress;
use crate::config::host::NearHost;
use crate::config::profile::Profile;
use crate::config::provider::ProviderConfig;
use crate::config::rule::Rule;

/// The effective configuration: what the layers come to, checked and typed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    /// `provider/model` or `provider`; `None` where nobody chose.
    pub(crate) model: Option<String>,
    /// Name of the profile; always a key of `profiles`.
    pub(crate) profile: String,
    /// The configured providers by name. The vendors' own, known by their variables, come on top: `Config::provider`.
    pub(crate) providers: BTreeMap<String, ProviderConfig>,
    /// Every profile, the five built-in ones included, with `extends` worked out.
    pub(crate) profiles: BTreeMap<String, Profile>,
    /// Bounds of a turn.
    pub(crate) limits: Limits,
    /// Standing rules of all layers; later layers add, none takes away.
    pub(crate) rules: Rules,
    /// What may be reached beyond the default.
    pub(crate) network: Network,
    /// What commands may do beyond the default.
    pub(crate) sandbox: Sandbox,
    /// The process itself.
    pub(crate) daemon: Daemon,
    /// What an administrator's policy bounds, whatever a session wants.
    pub(crate) ceiling: Ceiling,
}

/// Bounds that no session's own settings go beyond.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Ceiling {
    /// Steps of a turn before it asks whether to go on.
    pub(crate) steps: Option<u32>,
    /// US dollars a turn may cost.
    pub(crate) cost_usd: Option<f64>,
    /// Seconds a turn may take.
    pub(crate) turn_timeout_s: Option<u64>,
}

impl Ceiling {
    /// Returns the lower one of a wanted cost and the bound.
    pub(crate) fn cost(&self, wanted: Option<f64>) -> Option<f64> {
        wanted.into_iter().chain(self.cost_usd).reduce(f64::min)
    }

    /// Returns the lower one of wanted steps and the bound.
    pub(crate) fn steps(&self, wanted: u32) -> u32 {
        wanted.min(self.steps.unwrap_or(wanted))
    }

    /// Returns the lower one of wanted seconds and the bound.
    pub(crate) fn turn_timeout_s(&self, wanted: u64) -> u64 {
        wanted.min(self.turn_timeout_s.unwrap_or(wanted))
    }
}

/// Bounds of a turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    /// Steps of a turn before it asks whether to go on.
    pub(crate) steps: u32,
    /// US dollars a turn may cost; `None` is no bound.
    pub(crate) cost_usd: Option<f64>,
    /// Seconds a turn may take, time spent waiting for a person not counted.
    pub(crate) turn_timeout_s: u64,
    /// Seconds that all attempts of one provider request may take together.
    pub(crate) retry_budget_s: u64,
    /// Attempts of one provider request, the first included.
    pub(crate) retry_attempts: u32,
}

/// Standing rules: deny beats ask beats allow.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rules {
    /// What needs no question.
    pub(crate) allow: Vec<Rule>,
    /// Where that stands.
    pub(crate) allowed_in: Option<String>,
    /// What needs one whatever the profile allows.
    pub(crate) ask: Vec<Rule>,
    /// What never happens; no grant and no profile lifts it.
    pub(crate) deny: Vec<Rule>,
}

/// What may be reached beyond the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Network {
    /// Hosts that may lie in this machine or its network.
    pub(crate) private: Arc<[NearHost]>,
}

/// What commands may do beyond the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sandbox {
    /// Whether commands may connect to Unix sockets.
    pub(crate) unix_sockets: bool,
    /// How it is found out what commands change.
    pub(crate) capture: Capture,
    /// The level that commands run at; `None` is the usual one, which `sandbox` knows.
    pub(crate) level: Option<u8>,
    /// The level below which no command runs.
    pub(crate) level_min: u8,
    /// MiB of memory that a command may have with all it starts; 0 is three quarters of the machine's.
    pub(crate) memory_mib: u64,
    /// Processes that a command may have at one time.
    pub(crate) processes: u32,
    /// Seconds of processor time that a command may take; 0 is no limit.
    pub(crate) cpu_s: u64,
    /// MiB that a command may print.
    pub(crate) output_mib: u64,
    /// MiB that the copies of caches of one workspace may take; 0: there are none.
    pub(crate) caches_mib: u64,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self {
            unix_sockets: false,
            capture: Capture::Exact,
            level: None,
            level_min: 0,
            memory_mib: 0,
            processes: 2048,
            cpu_s: 0,
            output_mib: 256,
            caches_mib: 8192,
        }
    }
}

/// How it is found out what commands change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capture {
    /// What they write is caught in a layer, where that can be had.
    Exact,
    /// They write to the workspace itself, which is compared with what it was.
    Compared,
}

/// The process itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Daemon {
    /// Seconds a daemon that a command started stays after its last client and last job; 10 where `CI` is set.
    pub(crate) linger_s: u64,
    /// Seconds without use after which a session leaves memory; its log stays.
    pub(crate) unload_s: u64,
    /// Address of the HTTP carrier; `None` is off.
    pub(crate) listen: Option<ListenAddress>,
    /// Origins of pages that may use the HTTP carrier.
    pub(crate) origins: Vec<String>,
    /// Whether peers in another user namespace (editors in containers and Flatpaks) are admitted.
    pub(crate) accept_user_namespace: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 25, cost_usd: None, turn_timeout_s: 1800, retry_budget_s: 120, retry_attempts: 6 }
    }
}

impl Default for Config {
    /// What is built in, where no layer says anything and `CI` is not set.
    fn default() -> Self {
        Self {
            model: None,
            profile: profile::DEFAULT.to_owned(),
            providers: BTreeMap::new(),
            profiles: profile::built_in(),
            limits: Limits::default(),
            rules: Rules::default(),
            network: Network::default(),
            sandbox: Sandbox::default(),
            daemon: Daemon {
                linger_s: 300,
                unload_s: 60,
                listen: None,
                origins: Vec::new(),
                accept_user_namespace: false,
            },
            ceiling: Ceiling::default(),
        }
    }
}
