//! One HTTP endpoint of a provider: sends a request, and either reads why it was refused or hands out its stream.
//!
//! Not here: the formats (`chat`, `anthropic`) and clients (`network`).
use std::fmt;
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Response, Url};
use tokio::time::{Instant, timeout_at};

use crate::base::clock::{Clock, SystemClock};
use crate::base::secret::Secret;
use crate::config::provider::ProviderConfig;
use crate::network::{NetworkEnvironment, Scheme, client};
use crate::providers::error::{ProviderError, ProviderErrorKind, clean};
use crate::providers::sse::{EventStream, Patience, events};
use crate::providers::{ConnectError, failure};

/// How much of a refusal is read: enough for any sentence.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

/// How long a refusal's body may take once its headers are here.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Secrets shorter than this are not looked for in messages: they would blot out ordinary words.
const SECRET_LEN_MIN: usize = 4;

/// Where and how to send requests.
pub(crate) struct Endpoint {
    url: Url,
    scheme: Scheme,
    headers: HeaderMap,
    secrets: Vec<Secret>,
    patience: Patience,
    network: NetworkEnvironment,
}

/// Shows the address and nothing of headers, which hold keys.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("host", &self.host())
            .field("path", &self.url.path())
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Builds the endpoint at `url`. `headers` are the wire's own; the configured ones replace them.
    pub(crate) fn new(
        url: Url,
        headers: Vec<(&str, Secret)>,
        config: &ProviderConfig,
        network: &NetworkEnvironment,
        patience: Patience,
    ) -> Result<Self, ConnectError> {
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(ConnectError::BaseUrl { url: shown(&url) }),
        };
        let mut map = HeaderMap::new();
        map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        map.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let configured = config.headers.iter().map(|(name, value)| (name.as_str(), Secret::new(value)));
        let mut secrets: Vec<Secret> = url.password().map(Secret::new).into_iter().collect();
        for (name, value) in headers.into_iter().chain(configured) {
            let (key, text) =
                header(name, &value).ok_or_else(|| ConnectError::Header { name: clean(name) })?;
            map.insert(key, text);
            secrets.push(value);
        }
        Ok(Self { url, scheme, headers: map, secrets, patience, network: network.clone() })
    }

    /// Adds a text that must not stand in any message.
    pub(crate) fn with_secret(mut self, secret: Option<Secret>) -> Self {
        self.secrets.extend(secret);
        self
    }

    /// Sends `body` and returns the stream of its answer once the server accepted it.
    pub(crate) async fn open(&self, body: Vec<u8>) -> Result<EventStream, ProviderError> {
        let deadline = Instant::now() + self.patience.first_byte;
        let client =
            client(self.scheme, &self.network).map_err(|error| self.unreachable(&error.to_string()))?;
        let request = client.post(self.url.clone()).headers(self.headers.clone()).body(body).send();
        let response = match timeout_at(deadline, request).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.not_sent(&error)),
            Err(_) => return Err(stalled(self.patience.first_byte)),
        };
        if !response.status().is_success() || is_json(&response) {
            return Err(self.refused(response).await);
        }
        Ok(events(response.bytes_stream().boxed(), deadline, self.patience))
    }

    /// Asks for the address itself, and returns whether the server gave it.
    pub(crate) async fn look(&self, patience: Duration) -> Result<(), ProviderError> {
        let client =
            client(self.scheme, &self.network).map_err(|error| self.unreachable(&error.to_string()))?;
        let request = client.get(self.url.clone()).headers(self.headers.clone()).send();
        match timeout_at(Instant::now() + patience, request).await {
            Ok(Ok(response)) if response.status().is_success() => Ok(()),
            Ok(Ok(response)) => Err(self.refused(response).await),
            Ok(Err(error)) => Err(self.not_sent(&error)),
            Err(_) => Err(stalled(patience)),
        }
    }

    /// Takes the secrets of this endpoint out of a message that a server may have written.
    pub(crate) fn redacted(&self, mut error: ProviderError) -> ProviderError {
        for secret in self.secrets.iter().filter(|secret| secret.expose().len() >= SECRET_LEN_MIN) {
            error.message = secret.redact(&error.message);
        }
        error
    }

    /// Reads why a request was refused. A 200 that is no stream either holds an error, or the server cannot stream.
    async fn refused(&self, mut response: Response) -> ProviderError {
        let (status, headers) = (response.status(), response.headers().clone());
        let deadline = Instant::now() + REFUSAL_TIMEOUT;
        let mut body = Vec::new();
        while let Ok(Ok(Some(chunk))) = timeout_at(deadline, response.chunk()).await {
            body.extend_from_slice(&chunk[..chunk.len().min(REFUSAL_BYTES_MAX - body.len())]);
            if body.len() >= REFUSAL_BYTES_MAX {
                break;
            }
        }
        let body = String::from_utf8_lossy(&body);
        let error = if status.is_success() {
            let value = serde_json::from_str::<serde_json::Value>(&body).unwrap_or_default();
            match value.get("error").filter(|error| !error.is_null()) {
                Some(error) => failure::of_event(error),
                None => {
                    ProviderError::new(ProviderErrorKind::BadRequest, "the server answered without streaming")
                }
            }
        } else {
            failure::of_status(status, &headers, &body, SystemClock.now())
        };
        self.redacted(error)
    }

    fn not_sent(&self, error: &reqwest::Error) -> ProviderError {
        if error.is_connect() {
            return self.unreachable(&root_cause(error));
        }
        let message =
            format!("the connection to {} broke before an answer came: {}", self.host(), root_cause(error));
        self.redacted(ProviderError::new(ProviderErrorKind::Cut, &message))
    }

    fn unreachable(&self, why: &str) -> ProviderError {
        let message = format!("{} cannot be reached: {why}", self.host());
        self.redacted(ProviderError::new(ProviderErrorKind::Unreachable, &message))
    }

    fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

/// Returns the failure of a server that was silent for `limit`.
pub(crate) fn stalled(limit: Duration) -> ProviderError {
    let message = format!("nothing came from the server for {} s", limit.as_secs_f64());
    ProviderError::new(ProviderErrorKind::Stalled, &message)
}

/// Returns the innermost reason of a failure: the outer ones only repeat the address.
pub(crate) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Returns where a provider is.
pub(crate) fn base_url(config: &ProviderConfig) -> Result<&str, ConnectError> {
    config.base_url.as_deref().ok_or_else(|| ConnectError::NoBaseUrl { provider: config.name.clone() })
}

/// Returns `base` with `path` (relative) behind it; a slash at the end and a query in `base` do not matter.
pub(crate) fn join(base: &str, path: &str) -> Result<Url, ConnectError> {
    let mut url = Url::parse(base).map_err(|_| ConnectError::BaseUrl { url: clean(base) })?;
    let whole = format!("{}/{path}", url.path().trim_end_matches('/'));
    if url.cannot_be_a_base() {
        return Err(ConnectError::BaseUrl { url: clean(base) });
    }
    url.set_path(&whole);
    Ok(url)
}

fn header(name: &str, value: &Secret) -> Option<(HeaderName, HeaderValue)> {
    let mut text = HeaderValue::from_str(value.expose()).ok()?;
    text.set_sensitive(true);
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, text))
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.to_ascii_lowercase().starts_with("application/json")
}

/// An address as it may be shown: without what stands before the host.
fn shown(url: &Url) -> String {
    format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_joined_whatever_their_end() {
        for (base, expected) in [
            ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1/chat/completions"),
            ("http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080/v1/chat/completions"),
            ("https://host/a?version=1", "https://host/a/chat/completions?version=1"),
            ("https://host", "https://host/chat/completions"),
        ] {
            assert_eq!(join(base, "chat/completions").unwrap().as_str(), expected);
        }
        assert!(join("not an address", "x").is_err());
        assert!(join("mailto:someone", "x").is_err());
    }

    #[test]
    fn nothing_secret_is_shown() {
        let mut config = crate::providers::tests::config("openai-chat", "http://host/v1");
        config.headers.insert("api-key".into(), "test-key-2".into());
        let url = join("http://user:test-key-3@host/v1", "x").unwrap();
        let own = vec![("authorization", Secret::new("Bearer test-key-1"))];
        let endpoint =
            Endpoint::new(url, own, &config, &NetworkEnvironment::default(), Patience::of(&config))
                .unwrap()
                .with_secret(Some(Secret::new("test-key-1")));
        let shown = format!("{endpoint:?} {config:?}");
        assert!(!shown.contains("test-key"), "{shown}");
        let error = ProviderError::new(ProviderErrorKind::Cut, "test-key-1 test-key-2 test-key-3 test-key-4");
        assert_eq!(endpoint.redacted(error).message, "[redacted] [redacted] [redacted] test-key-4");
    }
}
