//! What must be known of a provider before it can be spoken to, and of the network in between.
//!
//! Not here: where it was written down (`config`), and keys (`base::secret`).
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::secret::Secret;

/// How long a request may stay without an answer, until its headers have come: servers that load a model or serve
/// somebody else first are silent for minutes.
pub(crate) const FIRST_BYTE_TIMEOUT: Duration = Duration::from_mins(2);

/// How long a stream may pause. Servers send keep-alive comments or pings far more often than that.
pub(crate) const BETWEEN_CHUNKS_TIMEOUT: Duration = Duration::from_mins(1);

/// The formats that can be spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wire {
    /// Chat completions, as nearly every server speaks them.
    OpenaiChat,
    /// Anthropic's messages.
    AnthropicMessages,
    /// A scenario file played in process.
    Script,
}

impl Wire {
    /// Every wire there is.
    pub(crate) const ALL: [Self; 3] = [Self::OpenaiChat, Self::AnthropicMessages, Self::Script];

    /// Returns the name, as the configuration writes it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::OpenaiChat => "openai-chat",
            Self::AnthropicMessages => "anthropic-messages",
            Self::Script => "script",
        }
    }

    /// Returns the wire of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wire| wire.as_str() == name)
    }
}

/// In which member a chat-completions server expects the limit on output tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MaxTokensField {
    /// `max_tokens`: what local servers and most vendors read.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`: what `OpenAI`'s reasoning models insist on.
    MaxCompletionTokens,
}

impl MaxTokensField {
    /// Returns the member's name, which is also how the configuration writes it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
        }
    }
}

/// How long to wait for what. There is no limit on the whole answer: a good answer may take an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeouts {
    /// From sending the request to the first byte of the answer's body.
    pub(crate) first_byte: Duration,
    /// Between two chunks of the body.
    pub(crate) between_chunks: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { first_byte: FIRST_BYTE_TIMEOUT, between_chunks: BETWEEN_CHUNKS_TIMEOUT }
    }
}

/// One provider as configured.
#[derive(Clone, Debug)]
pub(crate) struct ProviderEntry {
    /// The format it speaks.
    pub(crate) wire: Wire,
    /// Where it is: ends in `/v1` for `openai-chat`, the bare host for `anthropic-messages`; absent means the vendor's
    /// own server. A slash at the end does not matter.
    pub(crate) base_url: Option<String>,
    /// Further headers of every request. Their values are secrets, since gateways take keys in headers of their own.
    pub(crate) headers: Vec<(String, Secret)>,
    /// How the limit on output tokens is named; absent means what fits the server (see `connect`).
    pub(crate) max_tokens_field: Option<MaxTokensField>,
    /// How long to wait for it.
    pub(crate) timeouts: Timeouts,
    /// The scenario file of a `script` provider.
    pub(crate) file: Option<PathBuf>,
}

impl ProviderEntry {
    /// Returns an entry of `wire` with nothing but defaults.
    pub(crate) fn new(wire: Wire) -> Self {
        Self {
            wire,
            base_url: None,
            headers: Vec::new(),
            max_tokens_field: None,
            timeouts: Timeouts::default(),
            file: None,
        }
    }
}

/// The way to the network, from the environment of whoever opened the session; the daemon's own is never looked at.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct NetworkEnvironment {
    /// The proxy for plain HTTP (`http_proxy`).
    pub(crate) http_proxy: Option<String>,
    /// The proxy for HTTPS (`https_proxy`).
    pub(crate) https_proxy: Option<String>,
    /// Hosts that are reached directly (`no_proxy`), comma-separated. The loopback always is.
    pub(crate) no_proxy: Option<String>,
    /// A PEM file of the certificate authorities to trust in place of the system's (`SSL_CERT_FILE`).
    pub(crate) ca_file: Option<PathBuf>,
}

/// Shows what is set and not to what: the addresses of proxies hold passwords.
impl fmt::Debug for NetworkEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkEnvironment")
            .field("http_proxy", &self.http_proxy.is_some())
            .field("https_proxy", &self.https_proxy.is_some())
            .field("no_proxy", &self.no_proxy)
            .field("ca_file", &self.ca_file)
            .finish()
    }
}
