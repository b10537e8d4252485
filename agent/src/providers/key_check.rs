//! Whether a provider takes a key, found out by asking for its list of models: no tokens, no cost. Not here: what becomes of
//! the key.
use std::time::Duration;

use crate::base::secret::Secret;
use crate::config::provider::{ProviderConfig, Wire};
use crate::network::NetworkEnvironment;
use crate::providers::endpoint::{Endpoint, base_url, join};
use crate::providers::error::{ProviderError, ProviderErrorKind};
use crate::providers::sse::Patience;
use crate::providers::{ConnectError, anthropic, chat};

/// How long a server may take. A person waits for it.
const PATIENCE: Duration = Duration::from_secs(15);

/// What was found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyCheck {
    /// The server takes it, and nothing without it.
    Accepted,
    /// The server said that it is wrong, in this sentence.
    Rejected(String),
    /// Nobody can tell, for this reason.
    Unknown(String),
}

/// Tries a key. A server that shows its models to everybody says nothing about the key, so it is asked once more without.
pub(crate) async fn check_key(
    config: &ProviderConfig,
    key: &Secret,
    network: &NetworkEnvironment,
) -> KeyCheck {
    match look(config, Some(key), network).await {
        Ok(Ok(())) => match look(config, None, network).await {
            Ok(Err(ProviderError {
                kind: ProviderErrorKind::Unauthorized | ProviderErrorKind::Forbidden,
                ..
            })) => KeyCheck::Accepted,
            Ok(_) => KeyCheck::Unknown("the server answers without a key too".to_owned()),
            Err(error) => KeyCheck::Unknown(error.to_string()),
        },
        Ok(Err(error)) if error.kind == ProviderErrorKind::Unauthorized => KeyCheck::Rejected(error.message),
        // A key may be good for models and not for their list.
        Ok(Err(error)) => KeyCheck::Unknown(error.message),
        Err(error) => KeyCheck::Unknown(error.to_string()),
    }
}

async fn look(
    config: &ProviderConfig,
    key: Option<&Secret>,
    network: &NetworkEnvironment,
) -> Result<Result<(), ProviderError>, ConnectError> {
    let (url, headers) = match config.wire {
        Wire::OpenAiChat => (join(base_url(config)?, "models")?, chat::headers(key)),
        Wire::AnthropicMessages => (anthropic::address(config, "v1/models")?, anthropic::headers(key)),
        wire @ (Wire::OpenAiResponses | Wire::Gemini | Wire::Script) => {
            return Err(ConnectError::NotInBuild { wire });
        }
    };
    let endpoint = Endpoint::new(url, headers, config, network, Patience::of(config))?;
    Ok(endpoint.with_secret(key.cloned()).look(PATIENCE).await)
}
