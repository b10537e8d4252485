//! The wire `openai-chat`: chat completions, as nearly every model server speaks them.
//!
//! Not here: HTTP (`endpoint`), the end of an answer (`attempt`).
pub(crate) mod body;
pub(crate) mod fold;

use std::sync::Arc;

use crate::base::secret::Secret;
use crate::providers::attempt::{failed, run};
use crate::providers::chat::fold::ChatFold;
use crate::providers::endpoint::{Endpoint, join};
use crate::providers::entry::{MaxTokensField, NetworkEnvironment, ProviderEntry, Wire};
use crate::providers::verbatim::Origin;
use crate::providers::{ConnectError, ModelRequest, Provider, ProviderStream};

/// `OpenAI`'s own address, in the form of its `OPENAI_BASE_URL`.
const BASE_URL: &str = "https://api.openai.com/v1";

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
        provider: &str,
        entry: &ProviderEntry,
        key: Option<Secret>,
        network: &NetworkEnvironment,
    ) -> Result<Self, ConnectError> {
        let base = entry.base_url.as_deref().unwrap_or(BASE_URL);
        let url = join(base, "chat/completions")?;
        // Only OpenAI's own server refuses the old name; many others do not know the new one.
        let of_host = match url.host_str() {
            Some("api.openai.com") => MaxTokensField::MaxCompletionTokens,
            _ => MaxTokensField::MaxTokens,
        };
        let own = key.iter().map(|key| ("authorization", Secret::new(format!("Bearer {}", key.expose()))));
        let endpoint = Endpoint::new(url, own.collect(), entry, network)?.with_secret(key);
        Ok(Self {
            provider: provider.to_owned(),
            endpoint: Arc::new(endpoint),
            max_tokens_field: entry.max_tokens_field.unwrap_or(of_host),
        })
    }
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
        Wire::OpenaiChat.as_str()
    }
}
