//! The wire `anthropic-messages`.
//!
//! Not here: HTTP (`endpoint`), the end of an answer (`attempt`).
pub(crate) mod body;
pub(crate) mod fold;

use std::sync::Arc;

use crate::base::secret::Secret;
use crate::config::provider::{ProviderConfig, Wire};
use crate::providers::anthropic::fold::AnthropicFold;
use crate::providers::attempt::{failed, run};
use crate::providers::endpoint::{Endpoint, base_url, join};
use crate::providers::network::NetworkEnvironment;
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
        let base = base_url(config)?.trim_end_matches('/');
        // The bare host is the convention; an address copied from a server of chat completions is understood too.
        let url = join(base.strip_suffix("/v1").unwrap_or(base), "v1/messages")?;
        let mut own = vec![("anthropic-version", Secret::new(VERSION))];
        own.extend(key.iter().map(|key| ("x-api-key", key.clone())));
        let endpoint = Endpoint::new(url, own, config, network, patience)?.with_secret(key);
        Ok(Self { provider: config.name.clone(), endpoint: Arc::new(endpoint) })
    }
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
