//! Providers: who serves models, and which of the formats they speak. Not here: the formats (`providers`) and keys
//! (`credentials`).
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::config::Config;
use crate::config::credentials::Credentials;
use crate::config::environment::Environment;
use crate::config::value::without_secrets;

/// The format a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Wire {
    /// `OpenAI` chat completions, the format of most servers.
    OpenAiChat,
    /// `OpenAI` responses.
    OpenAiResponses,
    /// Anthropic messages.
    AnthropicMessages,
    /// Gemini's own.
    Gemini,
    /// A scenario file played in process.
    Script,
}

impl Wire {
    /// Every wire that a configuration may name.
    pub(crate) const ALL: [Self; 5] =
        [Self::OpenAiChat, Self::OpenAiResponses, Self::AnthropicMessages, Self::Gemini, Self::Script];

    /// Returns the name used in files.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiResponses => "openai-responses",
            Self::AnthropicMessages => "anthropic-messages",
            Self::Gemini => "gemini",
            Self::Script => "script",
        }
    }

    /// Returns the wire that the name stands for.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wire| wire.as_str() == name)
    }

    /// Returns whether this build speaks it; the others are known by name and refused on use.
    pub(crate) const fn in_this_build(self) -> bool {
        match self {
            Self::OpenAiChat | Self::AnthropicMessages | Self::Script => true,
            Self::OpenAiResponses | Self::Gemini => false,
        }
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a provider's key comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// Not configured: the vendor's own variable, else `credentials.json`, else none is needed.
    #[default]
    Default,
    /// A variable of the caller's environment.
    Variable(String),
    /// A file that holds nothing but the key.
    File(PathBuf),
}

/// The member that bounds the output in a chat completion; servers differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MaxTokensField {
    /// `max_tokens`, which nearly every server takes.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`, which `OpenAI`'s own models demand.
    MaxCompletionTokens,
}

impl MaxTokensField {
    /// Returns the member's name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::MaxCompletionTokens => "max_completion_tokens",
        }
    }

    /// Returns the field of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::MaxTokens, Self::MaxCompletionTokens].into_iter().find(|field| field.as_str() == name)
    }
}

/// How long a server may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeouts {
    /// Seconds from the request until the first byte of the body.
    pub(crate) first_byte_s: u64,
    /// Seconds between two chunks of the body.
    pub(crate) chunk_s: u64,
}

impl Default for Timeouts {
    /// Servers that load a model first are silent for a minute and more; between chunks they are not.
    fn default() -> Self {
        Self { first_byte_s: 120, chunk_s: 60 }
    }
}

/// One provider, as configured.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ProviderConfig {
    /// Its name: what stands before the slash in `provider/model`.
    pub(crate) name: String,
    /// The format it speaks.
    pub(crate) wire: Wire,
    /// Where it is reached, without a trailing slash; ends in `/v1` for the `OpenAI` wires, the bare host for the
    /// others. `None` only for `script`.
    pub(crate) base_url: Option<String>,
    /// Where its key comes from.
    pub(crate) api_key: KeySource,
    /// Headers sent with every request; their values are treated as secrets.
    pub(crate) headers: BTreeMap<String, String>,
    /// The member that bounds the output (chat completions only).
    pub(crate) max_tokens_field: MaxTokensField,
    /// How long it may be silent.
    pub(crate) timeouts: Timeouts,
    /// The model where only the provider is named.
    pub(crate) model: Option<String>,
    /// The scenario file of a `script` provider.
    pub(crate) file: Option<PathBuf>,
}

impl fmt::Debug for ProviderConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderConfig")
            .field("name", &self.name)
            .field("wire", &self.wire)
            .field("base_url", &self.base_url)
            .field("api_key", &self.api_key)
            .field("headers", &self.headers.keys())
            .field("max_tokens_field", &self.max_tokens_field)
            .field("timeouts", &self.timeouts)
            .field("model", &self.model)
            .field("file", &self.file)
            .finish()
    }
}

impl ProviderConfig {
    /// Returns the address to show to people: without the secrets that are put into addresses.
    pub(crate) fn shown_address(&self) -> Option<String> {
        self.base_url.as_deref().map(without_secrets)
    }
}

/// What is known of a vendor without any configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vendor {
    /// The provider's name.
    pub(crate) name: &'static str,
    /// The format it speaks.
    pub(crate) wire: Wire,
    /// Where it is reached.
    pub(crate) base_url: &'static str,
    /// The variable of its key.
    pub(crate) key_variable: &'static str,
    /// The variable that moves it elsewhere.
    pub(crate) base_url_variable: &'static str,
    /// The page where a person gets a key.
    pub(crate) key_page: &'static str,
    /// The member that bounds the output.
    pub(crate) max_tokens_field: MaxTokensField,
}

/// The vendors that need no configuration, in the order they are preferred.
pub(crate) const VENDORS: [Vendor; 3] = [
    Vendor {
        name: "anthropic",
        wire: Wire::AnthropicMessages,
        base_url: "https://api.anthropic.com",
        key_variable: "ANTHROPIC_API_KEY",
        base_url_variable: "ANTHROPIC_BASE_URL",
        key_page: "https://console.anthropic.com/settings/keys",
        max_tokens_field: MaxTokensField::MaxTokens,
    },
    Vendor {
        name: "openai",
        wire: Wire::OpenAiChat,
        base_url: "https://api.openai.com/v1",
        key_variable: "OPENAI_API_KEY",
        base_url_variable: "OPENAI_BASE_URL",
        key_page: "https://platform.openai.com/api-keys",
        max_tokens_field: MaxTokensField::MaxCompletionTokens,
    },
    Vendor {
        name: "gemini",
        wire: Wire::Gemini,
        base_url: "https://generativelanguage.googleapis.com",
        key_variable: "GEMINI_API_KEY",
        base_url_variable: "GEMINI_BASE_URL",
        key_page: "https://aistudio.google.com/apikey",
        max_tokens_field: MaxTokensField::MaxTokens,
    },
];

/// Returns the vendor of that name.
pub(crate) fn vendor(name: &str) -> Option<&'static Vendor> {
    VENDORS.iter().find(|vendor| vendor.name == name)
}

/// Whether and from where a vendor is moved: its variable, else its own address.
fn vendor_provider(vendor: &Vendor, environment: &Environment) -> ProviderConfig {
    let base_url = environment.base_urls.get(vendor.name).map_or(vendor.base_url, String::as_str);
    ProviderConfig {
        name: vendor.name.to_owned(),
        wire: vendor.wire,
        base_url: Some(base_url.trim_end_matches('/').to_owned()),
        api_key: KeySource::Default,
        headers: BTreeMap::new(),
        max_tokens_field: vendor.max_tokens_field,
        timeouts: Timeouts::default(),
        model: None,
        file: None,
    }
}

impl Config {
    /// Returns the provider of that name: the configured one, else the vendor's, whether or not a key is there.
    ///
    /// A vendor's base-URL variable fills in for a configured provider of the same name that has no `base_url`.
    pub(crate) fn provider(&self, name: &str, environment: &Environment) -> Option<ProviderConfig> {
        let own = vendor(name).map(|vendor| vendor_provider(vendor, environment));
        match (self.providers.get(name), own) {
            (Some(configured), Some(own)) => {
                let base_url = configured.base_url.clone().or(own.base_url);
                Some(ProviderConfig { base_url, ..configured.clone() })
            }
            (Some(configured), None) => Some(configured.clone()),
            (None, own) => own,
        }
    }

    /// Returns the names of all providers: the configured ones in order of name, then the vendors that this build can
    /// speak to, whether or not a key is there.
    pub(crate) fn known(&self) -> Vec<String> {
        let others = VENDORS.iter().filter(|vendor| !self.providers.contains_key(vendor.name));
        let vendors =
            others.filter(|vendor| vendor.wire.in_this_build()).map(|vendor| vendor.name.to_owned());
        self.providers.keys().cloned().chain(vendors).collect()
    }

    /// Returns the names of the providers that can be used: the configured ones in order of name, then the vendors
    /// whose variable is set or for which credentials are stored.
    pub(crate) fn available(&self, environment: &Environment, credentials: &Credentials) -> Vec<String> {
        let reachable = |vendor: &Vendor| {
            environment.secrets.contains_key(vendor.key_variable)
                || environment.base_urls.contains_key(vendor.name)
                || credentials.get(vendor.name).is_some()
        };
        let vendors = VENDORS
            .iter()
            .filter(|vendor| !self.providers.contains_key(vendor.name) && reachable(vendor))
            .map(|vendor| vendor.name.to_owned());
        self.providers.keys().cloned().chain(vendors).collect()
    }
}
