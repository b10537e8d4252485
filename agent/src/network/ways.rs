//! HTTP clients, built when the first request needs them and shared by everyone who goes the same way.
//!
//! Not here: what is sent (`providers`, `tools`), and which addresses may be connected to (`guard`). Nothing in here looks at
//! the daemon's own environment.
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, NoProxy, Proxy, redirect};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::config::environment::Variables;
use crate::network::guard::{Reach, Resolver, proxy_host};

/// How long connecting may take, name look-up and TLS included. The system's own limit is two minutes, which would eat
/// the whole retry budget.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// How long an idle connection is kept for the next step. Servers close theirs after about a minute.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// How many different ways out are kept at once; sessions nearly always share one.
const CLIENTS_MAX: usize = 8;

/// Hosts that no proxy can reach for us.
pub(crate) const LOOPBACK: &str = "localhost,127.0.0.1,::1";

/// Where systems keep their certificate authorities, the most common first.
const ROOT_FILES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
];

/// The way to the network, from the environment of whoever opened the session.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct NetworkEnvironment {
    /// The proxy for plain HTTP.
    pub(crate) http_proxy: Option<String>,
    /// The proxy for HTTPS.
    pub(crate) https_proxy: Option<String>,
    /// Hosts that are reached directly, comma-separated. The loopback always is.
    pub(crate) no_proxy: Option<String>,
    /// A PEM file of the certificate authorities to trust in place of the system's.
    pub(crate) ca_file: Option<PathBuf>,
}

impl NetworkEnvironment {
    /// Reads the usual variables (`https_proxy`, `SSL_CERT_FILE` …) out of `Environment::network`. Small letters win, as
    /// everywhere.
    pub(crate) fn of(variables: &Variables) -> Self {
        let get = |name: &str| {
            let value = variables.get(name).or_else(|| variables.get(&name.to_uppercase()));
            value.filter(|value| !value.trim().is_empty()).cloned()
        };
        Self {
            http_proxy: get("http_proxy").or_else(|| get("all_proxy")),
            https_proxy: get("https_proxy").or_else(|| get("all_proxy")),
            no_proxy: get("no_proxy"),
            ca_file: get("ssl_cert_file").or_else(|| get("nix_ssl_cert_file")).map(PathBuf::from),
        }
    }
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

/// Why no client could be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NetworkError {
    /// The file of certificate authorities cannot be used.
    #[error("no certificates can be read from {}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why; absent where it is readable but holds none.
        #[source]
        source: Option<rustls::pki_types::pem::Error>,
    },
    /// An address of a proxy cannot be used; it is not shown, for it may hold a password.
    #[error("{0} is no address of a proxy")]
    Proxy(&'static str),
    /// The TLS library refused its configuration.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The HTTP library refused its configuration.
    #[error("the HTTP client cannot be set up")]
    Http(#[from] reqwest::Error),
}

/// Whether a client can speak TLS. Building one that does costs milliseconds and megabytes, and servers on the same
/// machine need none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

struct Way {
    scheme: Scheme,
    network: NetworkEnvironment,
    reach: Reach,
    client: Client,
}

#[expect(
    clippy::disallowed_types,
    reason = "sessions have no common owner below the daemon, and must share clients: one TLS client costs 2 MB. \
              Held for a comparison, never across an await or the building of a client"
)]
static WAYS: std::sync::Mutex<Vec<Way>> = std::sync::Mutex::new(Vec::new());

/// Returns the client for a scheme and a way out, to addresses that a person configured; builds it when there is none yet.
/// Blocks for some milliseconds when it has to read certificates.
pub(crate) fn client(scheme: Scheme, network: &NetworkEnvironment) -> Result<Client, NetworkError> {
    client_within(scheme, network, Reach::Any)
}

/// Returns the client for a scheme and a way out that connects to no name beyond its reach. Addresses that stand in a URL
/// themselves are not looked up, so the caller looks at those.
pub(crate) fn client_within(
    scheme: Scheme,
    network: &NetworkEnvironment,
    reach: Reach,
) -> Result<Client, NetworkError> {
    if let Some(client) = known(scheme, network, reach) {
        return Ok(client);
    }
    let client = build(scheme, network, reach)?;
    let mut ways = WAYS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if ways.len() >= CLIENTS_MAX {
        ways.remove(0);
    }
    ways.push(Way { scheme, network: network.clone(), reach, client: client.clone() });
    Ok(client)
}

fn known(scheme: Scheme, network: &NetworkEnvironment, reach: Reach) -> Option<Client> {
    let ways = WAYS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let is_it = |way: &&Way| way.scheme == scheme && way.reach == reach && way.network == *network;
    ways.iter().find(is_it).map(|way| way.client.clone())
}

fn build(scheme: Scheme, network: &NetworkEnvironment, reach: Reach) -> Result<Client, NetworkError> {
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls(scheme, network)?)
        // The library's default would read the daemon's environment.
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .user_agent(concat!("tenon/", env!("CARGO_PKG_VERSION")));
    if reach != Reach::Any {
        let proxies = network.http_proxy.iter().chain(&network.https_proxy);
        let proxies = proxies.filter_map(|address| proxy_host(address)).collect();
        builder = builder.dns_resolver(Arc::new(Resolver { reach, proxies }));
    }
    if let Some(address) = &network.http_proxy {
        let proxy = Proxy::http(address).map_err(|_| NetworkError::Proxy("http_proxy"))?;
        builder = builder.proxy(proxy.no_proxy(direct(network)));
    }
    if let Some(address) = &network.https_proxy {
        let proxy = Proxy::https(address).map_err(|_| NetworkError::Proxy("https_proxy"))?;
        builder = builder.proxy(proxy.no_proxy(direct(network)));
    }
    Ok(builder.build()?)
}

fn direct(network: &NetworkEnvironment) -> Option<NoProxy> {
    match &network.no_proxy {
        Some(hosts) => NoProxy::from_string(&format!("{hosts},{LOOPBACK}")),
        None => NoProxy::from_string(LOOPBACK),
    }
}

fn tls(scheme: Scheme, network: &NetworkEnvironment) -> Result<ClientConfig, NetworkError> {
    let proxy_over_tls = network.http_proxy.as_deref().is_some_and(|address| address.starts_with("https:"));
    let roots = match scheme {
        Scheme::Http if !proxy_over_tls => RootCertStore::empty(),
        Scheme::Http | Scheme::Https => roots(network.ca_file.as_deref())?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Returns the authorities to trust: those of `ca_file` alone, else the system's, else the ones built in (slim images
/// have no others).
fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, NetworkError> {
    if let Some(path) = ca_file {
        let failed = |source| NetworkError::Certificates { path: path.to_path_buf(), source };
        let store = read_roots(path).map_err(|error| failed(Some(error)))?;
        return if store.is_empty() { Err(failed(None)) } else { Ok(store) };
    }
    let of_system = ROOT_FILES.iter().filter_map(|path| read_roots(Path::new(path)).ok());
    Ok(of_system
        .into_iter()
        .find(|store| !store.is_empty())
        .unwrap_or_else(|| RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }))
}

/// Reads every certificate of a PEM file; those that are none of an authority are left out.
fn read_roots(path: &Path) -> Result<RootCertStore, rustls::pki_types::pem::Error> {
    let mut store = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path)?.filter_map(Result::ok);
    store.add_parsable_certificates(certificates);
    Ok(store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_built_once_for_each_way_out() {
        let network = NetworkEnvironment { no_proxy: Some("built-once.test".into()), ..Default::default() };
        assert!(known(Scheme::Http, &network, Reach::Any).is_none());
        client(Scheme::Http, &network).unwrap();
        assert!(known(Scheme::Http, &network, Reach::Any).is_some());
        assert!(known(Scheme::Http, &network, Reach::Public).is_none(), "a reach has its own");
        assert!(known(Scheme::Https, &network, Reach::Any).is_none(), "plain HTTP built no TLS client");
    }

    #[test]
    fn the_usual_variables_are_read() {
        let variables = [
            ("HTTPS_PROXY", "http://loud:1"),
            ("https_proxy", "http://proxy:1"),
            ("ALL_PROXY", "http://all:1"),
            ("NO_PROXY", "internal"),
            ("SSL_CERT_FILE", "/roots.pem"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let network = NetworkEnvironment::of(&variables);
        assert_eq!(network.https_proxy.as_deref(), Some("http://proxy:1"));
        assert_eq!(network.http_proxy.as_deref(), Some("http://all:1"));
        assert_eq!(network.no_proxy.as_deref(), Some("internal"));
        assert_eq!(network.ca_file.as_deref(), Some(Path::new("/roots.pem")));
        assert_eq!(NetworkEnvironment::of(&Variables::new()), NetworkEnvironment::default());
    }

    #[test]
    fn certificates_come_from_the_named_file_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing.pem");
        assert!(matches!(roots(Some(&missing)), Err(NetworkError::Certificates { source: Some(_), .. })));
        let empty = dir.path().join("empty.pem");
        std::fs::write(&empty, "no certificate\n").unwrap();
        assert!(matches!(roots(Some(&empty)), Err(NetworkError::Certificates { source: None, .. })));
        assert!(!roots(None).unwrap().is_empty(), "there are always some");
    }

    #[test]
    fn a_bad_proxy_is_named_and_its_address_is_not() {
        let network =
            NetworkEnvironment { https_proxy: Some("http://u:test-key@[".into()), ..Default::default() };
        let error = client(Scheme::Https, &network).unwrap_err();
        assert_eq!(error.to_string(), "https_proxy is no address of a proxy");
        assert!(!format!("{network:?}").contains("test-key"));
    }
}
