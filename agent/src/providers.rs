//! The provider trait, the wire adapters, server-sent events, the script player.
//!
//! A provider turns one [`ModelRequest`] into one stream of [`ProviderEvent`]s: one attempt of one step. The stream ends
//! with exactly one [`ProviderEvent::Finished`] or exactly one error, and dropping it cancels the request.
//! An answer is complete only when the wire said why it ended; a clean end of the body is not enough.
//!
//! Not here: retries across attempts (`turn`) and anything of the protocol.
//!
//! Imports: config, base
pub(crate) mod entry;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod request;

use std::fmt;

use futures_util::stream::BoxStream;

pub(crate) use crate::providers::entry::{MaxTokensField, NetworkEnvironment, ProviderEntry, Timeouts, Wire};
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
