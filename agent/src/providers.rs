//! The provider trait, the wire adapters, server-sent events, the script player.
//!
//! A provider turns one [`ModelRequest`] into one stream of [`ProviderEvent`]s: one attempt of one step. The stream ends
//! with exactly one [`ProviderEvent::Finished`] or exactly one error, and dropping it cancels the request.
//! An answer is complete only when the wire said why it ended; a clean end of the body is not enough.
//!
//! Not here: retries across attempts (`turn`) and anything of the protocol.
//!
//! Imports: network, config, base
mod anthropic;
mod attempt;
mod calls;
mod chat;
mod endpoint;
pub(crate) mod error;
pub(crate) mod event;
mod failure;
pub(crate) mod key_check;
pub(crate) mod request;
mod script;
mod sse;
mod verbatim;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::stream::BoxStream;

use crate::base::secret::Secret;
use crate::config::provider::{ProviderConfig, Wire};
use crate::network::NetworkEnvironment;
use crate::providers::sse::Patience;

pub(crate) use crate::providers::error::{ProviderError, ProviderErrorKind};
pub(crate) use crate::providers::event::{Finish, FinishReason, ProviderEvent, Usage};
pub(crate) use crate::providers::request::{
    AssistantMessage, ModelCall, ModelMessage, ModelRequest, Part, ToolSpec, Verbatim,
};

/// The events of one attempt, in the order they arrived. Ends after `Finished` or after the first error; dropping it
/// closes the connection.
pub(crate) type ProviderStream = BoxStream<'static, Result<ProviderEvent, ProviderError>>;

/// Somebody who serves models over one wire.
pub(crate) trait Provider: Send + Sync + fmt::Debug {
    /// Starts one attempt. Nothing is sent before the stream is first polled, and nothing is ever retried in here.
    fn stream(&self, request: ModelRequest) -> ProviderStream;

    /// Returns the name of the wire, as the configuration writes it.
    fn wire(&self) -> &'static str;
}

/// Why a provider cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The address is none of an HTTP server.
    #[error("base_url {url:?} is no http or https address")]
    BaseUrl {
        /// The address, without what is secret in it.
        url: String,
    },
    /// A header cannot be sent; its value is not shown.
    #[error("the header {name:?} cannot be sent: its name or value has characters that no header may have")]
    Header {
        /// Its name.
        name: String,
    },
    /// A provider that is spoken to over HTTP has no address.
    #[error("provider {provider} needs a base_url")]
    NoBaseUrl {
        /// Its name.
        provider: String,
    },
    /// A `script` provider has no file.
    #[error("provider {provider} needs a file with its scenario")]
    NoFile {
        /// Its name.
        provider: String,
    },
    /// The wire is known by name only.
    #[error("the wire {wire} is not in this build")]
    NotInBuild {
        /// Its name.
        wire: Wire,
    },
    /// The scenario file cannot be read.
    #[error("the scenario {} cannot be read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The scenario file is not one.
    #[error("the scenario {} is not valid: {why}", file.display())]
    Scenario {
        /// The file.
        file: PathBuf,
        /// Where and what.
        why: String,
    },
}

/// Returns the provider that `config` describes. Nothing is sent, and no client is built, before the first request.
/// `network` is that of whoever opened the session.
pub(crate) fn connect(
    config: &ProviderConfig,
    key: Option<Secret>,
    network: &NetworkEnvironment,
) -> Result<Arc<dyn Provider>, ConnectError> {
    connect_with(config, key, network, Patience::of(config))
}

fn connect_with(
    config: &ProviderConfig,
    key: Option<Secret>,
    network: &NetworkEnvironment,
    patience: Patience,
) -> Result<Arc<dyn Provider>, ConnectError> {
    Ok(match config.wire {
        Wire::OpenAiChat => Arc::new(chat::Chat::new(config, key, network, patience)?),
        Wire::AnthropicMessages => Arc::new(anthropic::Anthropic::new(config, key, network, patience)?),
        Wire::Script => Arc::new(script::Script::load(config)?),
        wire @ (Wire::OpenAiResponses | Wire::Gemini) => return Err(ConnectError::NotInBuild { wire }),
    })
}

#[cfg(test)]
mod tests;
