//! The wire `anthropic-messages`.
//!
//! Not here: HTTP (`endpoint`), the end of an answer (`attempt`).
pub(crate) mod body;
pub(crate) mod fold;

use std::sync::Arc;

use reqwest::Url;

use crate::base::secret::Secret;
use crate::config::provider::{ProviderConfig, Wire};
use crate::network::NetworkEnvironment;
use crate::providers::anthropic::fold::AnthropicFold;
use crate::providers::attempt::{failed, run};
use crate::providers::endpoint::{Endpoint, base_url, join};
use crate::providers::sse::Patience;
use crate::providers::verbatim::Origin;
use crate::providers::{ConnectError, ModelRequest, Provider, ProviderStream};

/// The version of the format; <https://docs.anthropic.com/en/api/versioning>.
const VERSION: &str = "2023-06-01";

/// A server of messages.
#[derive(Debug)]
pub(crate) struct Anthropic {
    provider: String,
    endpoint: Arc<Endpoint>,
}

impl Anthropic {
    /// Builds the adapter; connects nowhere.
    pub(crate) fn new(
        config: &ProviderConfig,
        key: Option<Secret>,
        network: &NetworkEnvironment,
        patience: Patience,
    ) -> Result<Self, ConnectError> {
        let url = address(config, "v1/messages")?;
        let endpoint = Endpoint::new(url, headers(key.as_ref()), config, network, patience)?.with_secret(key);
        Ok(Self { provider: config.name.clone(), endpoint: Arc::new(endpoint) })
    }
}

/// Returns an address of the server. The bare host is the convention; one copied from a server of chat completions is
/// understood too.
pub(crate) fn address(config: &ProviderConfig, path: &str) -> Result<Url, ConnectError> {
    let base = base_url(config)?.trim_end_matches('/');
    join(base.strip_suffix("/v1").unwrap_or(base), path)
}

/// Returns the wire's own headers.
pub(crate) fn headers(key: Option<&Secret>) -> Vec<(&'static str, Secret)> {
    let version = ("anthropic-version", Secret::new(VERSION));
    [version].into_iter().chain(key.map(|key| ("x-api-key", key.clone()))).collect()
}

impl Provider for Anthropic {
    fn stream(&self, request: ModelRequest) -> ProviderStream {
        let origin = Origin::new(self.wire(), &self.provider, &request.model);
        match body::write(&request, &origin) {
            Ok(body) => run(Arc::clone(&self.endpoint), body, AnthropicFold::new(&request, origin)),
            Err(error) => failed(error),
        }
    }

    fn wire(&self) -> &'static str {
        Wire::AnthropicMessages.as_str()
    }
}
