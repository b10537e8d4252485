//! What a session works with at this moment: configuration, environment, keys. In memory only; another client may bring another.
//! Not here: the session's own settings, which are in its log.
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tenon_protocol::session::{SessionLimits, Settings};

use crate::approvals::Trust;
use crate::base::secret::Secrets;
use crate::catalogue;
use crate::config::Config;
use crate::config::credentials::Credentials;
use crate::config::environment::{Environment, Variables};
use crate::config::error::{ConfigError, Warning};
use crate::config::files::{Files, Good};
use crate::config::model::{ModelChoice, ModelError};
use crate::turn::retry::Budget;
use crate::turn::runner::TurnSettings;

/// The configuration as it is effective for one session, and who brought which variables.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// The configuration.
    pub(crate) config: Arc<Config>,
    /// The environment of the client that opened the session.
    pub(crate) environment: Arc<Environment>,
    /// Stored keys.
    pub(crate) credentials: Arc<Credentials>,
    /// Every key there is, from wherever, for taking them out of what tools come across.
    pub(crate) secrets: Secrets,
    /// What the files said that this is made of.
    pub(crate) good: Good,
    /// What its authors should know.
    pub(crate) warnings: Vec<Warning>,
}

impl World {
    /// Reads the configuration for a session. The workspace's own file is read only where it is trusted.
    ///
    /// `variables` is what the client sent in `$/environment`; empty for a session that no such client has opened.
    pub(crate) fn load(
        files: &Files,
        variables: &Variables,
        workspace: Option<(&Path, Trust)>,
    ) -> Result<Self, ConfigError> {
        let own = workspace.filter(|(_, trust)| trust.reads_configuration()).map(|(root, _)| root);
        Self::of(files.look(own)?, variables)
    }

    /// Makes the world of what the files said when they were looked at.
    pub(crate) fn of(good: Good, variables: &Variables) -> Result<Self, ConfigError> {
        let layers = good.layers(variables);
        let resolved = layers.resolve()?;
        let environment = if variables.is_empty() {
            Environment::system_default()
        } else {
            Environment::from_wire(variables.clone(), &resolved.config)
        };
        let providers = resolved.config.providers.values();
        let keys = providers.flat_map(|provider| provider.secrets(&environment, &good.credentials));
        let others = environment.secrets.values().chain(good.credentials.keys()).cloned();
        let secrets = Secrets::of(keys.chain(others));
        Ok(Self {
            secrets,
            config: Arc::new(resolved.config),
            environment: Arc::new(environment),
            credentials: Arc::clone(&good.credentials),
            good,
            warnings: resolved.warnings,
        })
    }

    /// Keeps the children's variables of the log, where no client has brought others since the start.
    pub(crate) fn keep_children(&mut self, children: &Variables) {
        Arc::make_mut(&mut self.environment).children.clone_from(children);
    }

    /// Chooses the model: the one asked for, else the configured one, else the first provider there is.
    pub(crate) fn choose(&self, requested: Option<&str>) -> Result<ModelChoice, ModelError> {
        self.config.select_model(requested, &self.environment, &self.credentials, &|provider| {
            catalogue::default_model(provider).map(str::to_owned)
        })
    }

    /// Completes a session's settings with what is configured.
    pub(crate) fn effective(&self, wanted: &Settings) -> Settings {
        let model = match self.choose(wanted.model.as_deref()) {
            Ok(choice) => Some(choice.full_name()),
            // Said when a prompt needs it; a session may be looked at without a model.
            Err(_) => wanted.model.clone().or_else(|| self.config.model.clone()),
        };
        let limits = wanted.limits.clone().unwrap_or_default();
        let (own, ceiling) = (&self.config.limits, &self.config.ceiling);
        Settings {
            model,
            profile: Some(wanted.profile.clone().unwrap_or_else(|| self.config.profile.clone())),
            trust: wanted.trust,
            limits: Some(SessionLimits {
                steps: Some(ceiling.steps(limits.steps.unwrap_or(own.steps))),
                cost_usd: ceiling.cost(limits.cost_usd.or(own.cost_usd)),
                turn_timeout_s: Some(
                    ceiling.turn_timeout_s(limits.turn_timeout_s.unwrap_or(own.turn_timeout_s)),
                ),
            }),
        }
    }

    /// Returns what a turn under these settings works with.
    pub(crate) fn turn_settings(&self, settings: &Settings, steps_more: u32) -> TurnSettings {
        let (own, ceiling) = (&self.config.limits, &self.config.ceiling);
        let limits = settings.limits.clone().unwrap_or_default();
        TurnSettings {
            steps_max: ceiling.steps(limits.steps.unwrap_or(own.steps)).saturating_add(steps_more),
            retry: Budget {
                attempts_max: own.retry_attempts,
                total_max: Duration::from_secs(own.retry_budget_s),
            },
            timeout: Duration::from_secs(
                ceiling.turn_timeout_s(limits.turn_timeout_s.unwrap_or(own.turn_timeout_s)),
            ),
        }
    }
}
