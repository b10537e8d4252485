//! Which model a session uses. Not here: what models there are (`catalogue`).
use crate::config::Config;
use crate::config::credentials::Credentials;
use crate::config::environment::Environment;
use crate::config::provider::{ProviderConfig, Wire, vendor};

/// The model that was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelChoice {
    /// Who serves it.
    pub(crate) provider: ProviderConfig,
    /// The model's name as the provider knows it; may hold slashes.
    pub(crate) model: String,
    /// Whether only the provider was named, so that the model is its default and should be shown once.
    pub(crate) defaulted: bool,
}

impl ModelChoice {
    /// Returns `provider/model`.
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.provider.name, self.model)
    }
}

/// Why no model could be chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ModelError {
    /// No provider is there at all.
    #[error(
        "no model provider is set up: run `tenon auth login`, set OPENAI_API_KEY or ANTHROPIC_API_KEY, or point \
         `[providers.local]` with `wire` and `base_url` at a local server; `tenon demo` needs neither"
    )]
    NothingAvailable,
    /// The name before the slash is nobody's.
    #[error("no provider is called {name:?}{}", hint(.known))]
    UnknownProvider {
        /// The name.
        name: String,
        /// The providers there are.
        known: Vec<String>,
    },
    /// Only the provider was named, and it has no default.
    #[error("provider {name} has no default model: name one as `{name}/MODEL`")]
    NoDefault {
        /// The provider.
        name: String,
    },
    /// The provider has no address.
    #[error("provider {name} has no address: set `providers.{name}.{missing}`")]
    Incomplete {
        /// The provider.
        name: String,
        /// The key that is missing.
        missing: &'static str,
    },
    /// The format is known by name only.
    #[error(
        "provider {name} speaks {wire}, which is not in this build: it has openai-chat, anthropic-messages, script"
    )]
    WireNotInBuild {
        /// The provider.
        name: String,
        /// Its wire.
        wire: Wire,
    },
}

fn hint(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!(": there are {}", known.join(", ")) }
}

impl Config {
    /// Chooses the model: `requested`, else the configured one, else the first available provider's default.
    ///
    /// `provider/model` splits at the first slash. `default_of` knows the default model of a provider (the catalogue);
    /// a provider's configured `model` comes before it. A missing key is no error here: `ProviderConfig::key` tells.
    ///
    /// # Errors
    /// Nobody is available, the provider is unknown or incomplete, its wire is not in this build, or it has no default.
    pub(crate) fn select_model(
        &self,
        requested: Option<&str>,
        environment: &Environment,
        credentials: &Credentials,
        default_of: &dyn Fn(&str) -> Option<String>,
    ) -> Result<ModelChoice, ModelError> {
        let known = self.available(environment, credentials);
        let wanted = requested.or(self.model.as_deref()).map(str::trim).filter(|wanted| !wanted.is_empty());
        let Some(wanted) = wanted else {
            let mut failures = Vec::new();
            for name in &known {
                match self.choose(name, None, &known, environment, default_of) {
                    Ok(choice) => return Ok(choice),
                    Err(error) => failures.push(error),
                }
            }
            return Err(failures.into_iter().next().unwrap_or(ModelError::NothingAvailable));
        };
        let (name, model) = match wanted.split_once('/') {
            Some((name, model)) if !model.is_empty() => (name, Some(model)),
            Some((name, _)) => (name, None),
            None => (wanted, None),
        };
        if known.is_empty() && vendor(name).is_none() {
            return Err(ModelError::NothingAvailable);
        }
        self.choose(name, model, &known, environment, default_of)
    }

    fn choose(
        &self,
        name: &str,
        model: Option<&str>,
        known: &[String],
        environment: &Environment,
        default_of: &dyn Fn(&str) -> Option<String>,
    ) -> Result<ModelChoice, ModelError> {
        let Some(provider) = self.provider(name, environment) else {
            return Err(ModelError::UnknownProvider { name: name.to_owned(), known: known.to_vec() });
        };
        let name = || name.to_owned();
        if !provider.wire.in_this_build() {
            return Err(ModelError::WireNotInBuild { name: name(), wire: provider.wire });
        }
        let missing = match provider.wire {
            Wire::Script => provider.file.is_none().then_some("file"),
            Wire::OpenAiChat | Wire::OpenAiResponses | Wire::AnthropicMessages | Wire::Gemini => {
                provider.base_url.is_none().then_some("base_url")
            }
        };
        if let Some(missing) = missing {
            return Err(ModelError::Incomplete { name: name(), missing });
        }
        let defaulted = model.is_none();
        let model = model
            .map(str::to_owned)
            .or_else(|| provider.model.clone())
            .or_else(|| default_of(&provider.name));
        let model = model.ok_or_else(|| ModelError::NoDefault { name: name() })?;
        Ok(ModelChoice { provider, model, defaulted })
    }
}

#[cfg(test)]
mod tests;
