//! A provider's failure in the protocol's words. Not here: what follows from it (`retry`).
use tenon_protocol::event::turn::ProviderFailure;

use crate::providers::{ProviderError, ProviderErrorKind};

/// Returns the stable word of a kind.
pub(crate) const fn kind_name(kind: ProviderErrorKind) -> &'static str {
    match kind {
        ProviderErrorKind::RateLimited => "rateLimited",
        ProviderErrorKind::Overloaded => "providerDown",
        ProviderErrorKind::BadRequest => "badRequest",
        ProviderErrorKind::Unauthorized => "unauthorized",
        ProviderErrorKind::Forbidden => "forbidden",
        ProviderErrorKind::NotFound => "notFound",
        ProviderErrorKind::ContextFull => "contextFull",
        ProviderErrorKind::Unreachable => "unreachable",
        ProviderErrorKind::Cut => "cut",
        ProviderErrorKind::Stalled => "stalled",
        ProviderErrorKind::OutputLimit => "outputLimit",
    }
}

/// Returns the failure as events tell it.
pub(crate) fn describe(error: &ProviderError, provider: &str) -> ProviderFailure {
    let hint = match error.kind {
        ProviderErrorKind::Unauthorized => {
            Some(format!("check the key of {provider}: `tenon doctor` shows where it comes from"))
        }
        ProviderErrorKind::NotFound => Some("check the model's name and the provider's base_url".to_owned()),
        ProviderErrorKind::Unreachable => {
            Some(format!("is {provider} running? `tenon config get providers.{provider}` shows its base_url"))
        }
        ProviderErrorKind::ContextFull => Some("start a new session, or ask about less at once".to_owned()),
        ProviderErrorKind::RateLimited
        | ProviderErrorKind::Overloaded
        | ProviderErrorKind::BadRequest
        | ProviderErrorKind::Forbidden
        | ProviderErrorKind::Cut
        | ProviderErrorKind::Stalled
        | ProviderErrorKind::OutputLimit => None,
    };
    let message = if error.message.is_empty() {
        "the provider gave no reason".to_owned()
    } else {
        error.message.clone()
    };
    ProviderFailure { kind: kind_name(error.kind).to_owned(), message, status: error.status, hint }
}
