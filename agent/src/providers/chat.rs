//! The wire `openai-chat`: chat completions, as nearly every model server speaks them.
//!
//! Not here: HTTP (`endpoint`), the end of an answer (`attempt`).
pub(crate) mod body;
pub(crate) mod fold;

use std::sync::Arc;

use crate::base::secret::Secret;
use crate::config::provider::{MaxTokensField, ProviderConfig, Wire};
use crate::network::NetworkEnvironment;
use crate::providers::attempt::{failed, run};
use crate::providers::chat::fold::ChatFold;
use crate::providers::endpoint::{Endpoint, base_url, join};
use crate::providers::sse::Patience;
use crate::providers::verbatim::Origin;
use crate::providers::{ConnectError, ModelRequest, Provider, ProviderStream};

/// A server of chat completions.
#[derive(Debug)]
pub(crate) struct Chat {
    provider: String,
    endpoint: Arc<Endpoint>,
    max_tokens_field: MaxTokensField,
}

impl Chat {
    /// Builds the adapter; connects nowhere.
    pub(crate) fn new(
        config: &ProviderConfig,
        key: Option<Secret>,
        network: &NetworkEnvironment,
        patience: Patience,
    ) -> Result<Self, ConnectError> {
        let url = join(base_url(config)?, "chat/completions")?;
        let endpoint = Endpoint::new(url, headers(key.as_ref()), config, network, patience)?.with_secret(key);
        Ok(Self {
            provider: config.name.clone(),
            endpoint: Arc::new(endpoint),
            max_tokens_field: config.max_tokens_field,
        })
    }
}

/// Returns the wire's own headers.
pub(crate) fn headers(key: Option<&Secret>) -> Vec<(&'static str, Secret)> {
    let bearer = |key: &Secret| ("authorization", Secret::new(format!("Bearer {}", key.expose())));
    key.map(bearer).into_iter().collect()
}

impl Provider for Chat {
    fn stream(&self, request: ModelRequest) -> ProviderStream {
        let origin = Origin::new(self.wire(), &self.provider, &request.model);
        match body::write(&request, &origin, self.max_tokens_field) {
            Ok(body) => run(Arc::clone(&self.endpoint), body, ChatFold::new(&request, origin)),
            Err(error) => failed(error),
        }
    }

    fn wire(&self) -> &'static str {
        Wire::OpenAiChat.as_str()
    }
}
