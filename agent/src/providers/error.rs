//! Why an attempt failed, in the words that decide what happens next.
//!
//! Not here: how often and when to try again (`turn`).
use std::time::Duration;

/// The longest message of a provider that is kept, in characters: a sentence or two, never a page of HTML.
pub(crate) const MESSAGE_CHARS_MAX: usize = 600;

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ProviderError {
    /// What failed.
    pub(crate) kind: ProviderErrorKind,
    /// The HTTP status, where one arrived.
    pub(crate) status: Option<u16>,
    /// The provider's own sentence where it gave one, else ours: no secrets, no control characters, bounded by
    /// `MESSAGE_CHARS_MAX`.
    pub(crate) message: String,
    /// How long the provider asks us to wait.
    pub(crate) retry_after: Option<Duration>,
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ProviderErrorKind {
    /// 429.
    RateLimited,
    /// 5xx, 529 and 408, or an error of that kind inside a stream.
    Overloaded,
    /// The request was refused as wrong; trying again cannot help.
    BadRequest,
    /// 401.
    Unauthorized,
    /// 402 and 403.
    Forbidden,
    /// 404.
    NotFound,
    /// The conversation does not fit into the model's context window.
    ContextFull,
    /// No connection came about.
    Unreachable,
    /// The stream broke: reset, truncated, malformed, an error inside a 200, or an end without a finish reason.
    Cut,
    /// Nothing arrived for longer than the limit.
    Stalled,
    /// The answer was larger than an attempt may be.
    OutputLimit,
}

impl ProviderErrorKind {
    /// Tells whether another attempt of the same request can come out differently.
    pub(crate) const fn retryable(self) -> bool {
        match self {
            Self::RateLimited | Self::Overloaded | Self::Unreachable | Self::Cut | Self::Stalled => true,
            Self::BadRequest
            | Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::ContextFull
            | Self::OutputLimit => false,
        }
    }
}

impl ProviderError {
    /// Builds an error without a status; the message is cleaned.
    pub(crate) fn new(kind: ProviderErrorKind, message: &str) -> Self {
        Self { kind, status: None, message: clean(message), retry_after: None }
    }
}

/// Returns `text` on one line, without control characters, cut at `MESSAGE_CHARS_MAX`.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::new();
    let words = text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(word);
        if out.len() > MESSAGE_CHARS_MAX * 4 {
            break;
        }
    }
    match out.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &out[..end]),
        None => out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_clean_bounded_line() {
        assert_eq!(clean("a\n\x1b[31m b\t c\u{0}"), "a [31m b c");
        assert_eq!(clean(&"é".repeat(10_000)).chars().count(), MESSAGE_CHARS_MAX + 1);
        assert_eq!(clean(""), "");
    }
}
