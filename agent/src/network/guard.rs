//! Which addresses a request may lead to: looked up once, looked at, and those are the ones connected to. Not here: the table
//! (`address`), and whether the host may be asked at all (`approvals`).
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url};
use tokio::time::timeout;

use crate::config::host::NearHost;
use crate::network::address::{Kind, kind};
use crate::network::target::Target;
use crate::network::ways::{NetworkEnvironment, NetworkError, Scheme, client_within};

/// How long looking a name up may take. Resolvers give up after some ten seconds themselves.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(15);

/// How far a connection may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Anywhere: a person configured the address.
    Any,
    /// This machine and its network too: a person named the host for that.
    Near,
    /// The public internet.
    Public,
}

/// Why no connection is made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// An address that is not of the public internet.
    #[error(
        "{host} leads to {what} ({address}), and only addresses of the public internet are reached{hint}"
    )]
    Address {
        /// The host.
        host: String,
        /// What it resolves to.
        address: String,
        /// What that is.
        what: &'static str,
        /// What could be done; empty where nothing can.
        hint: &'static str,
    },
    /// It does not resolve.
    #[error("{host} cannot be found: {why}")]
    NotFound {
        /// The host.
        host: String,
        /// Why.
        why: String,
    },
}

/// What is said of an address that a person could make reachable.
const NEAR_HINT: &str = ". A person can name the host in `network.private` of their own configuration";

impl Reach {
    /// Returns the refusal of an address that is out of reach.
    fn refuse(self, host: &str, address: SocketAddr) -> Option<Refused> {
        let (what, hint) = match (self, kind(address.ip())) {
            (Self::Any, _) | (Self::Near, Kind::Near(_)) | (_, Kind::Public) => return None,
            (Self::Public, Kind::Near(what)) => (what, NEAR_HINT),
            (Self::Near | Self::Public, Kind::Never(what)) => (what, ""),
        };
        let (host, address) = (host.to_owned(), address.ip().to_string());
        Some(Refused::Address { host, address, what, hint })
    }

    /// Looks a host up and returns its addresses, each of which may be connected to.
    ///
    /// # Errors
    /// It does not resolve, or one of its addresses is out of reach: a name that leads to both sides is not trusted.
    pub(crate) async fn look_up(self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Refused> {
        let not_found = |why: String| Refused::NotFound { host: host.to_owned(), why };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let looking = tokio::net::lookup_host((bare, port));
        let found: Vec<SocketAddr> = match timeout(LOOKUP_TIMEOUT, looking).await {
            Ok(Ok(found)) => found.collect(),
            Ok(Err(error)) => return Err(not_found(error.to_string())),
            Err(_) => return Err(not_found("the name service does not answer".to_owned())),
        };
        if found.is_empty() {
            return Err(not_found("it has no address".to_owned()));
        }
        match found.iter().find_map(|address| self.refuse(host, *address)) {
            Some(refused) => Err(refused),
            None => Ok(found),
        }
    }
}

/// Resolves names for a client that is held to a reach.
#[derive(Debug)]
pub(crate) struct Resolver {
    /// How far.
    pub(crate) reach: Reach,
    /// Hosts of proxies, which a person configured: they may lie anywhere.
    pub(crate) proxies: Vec<String>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        let is_proxy = self.proxies.iter().any(|proxy| proxy.eq_ignore_ascii_case(&name));
        let reach = if is_proxy { Reach::Any } else { self.reach };
        Box::pin(async move {
            // Port 0 is replaced by the one of the address that is asked for.
            let found = reach.look_up(&name, 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// How the model's requests leave the machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Egress {
    /// The session's proxies and certificates.
    pub(crate) ways: NetworkEnvironment,
    /// Hosts that may lie in this machine or its network; a person named them.
    pub(crate) near: Arc<[NearHost]>,
}

impl Egress {
    /// Returns how far a request to a host may reach.
    pub(crate) fn reach(&self, host: &str, port: u16) -> Reach {
        if self.near.iter().any(|near| near.covers(host, port)) { Reach::Near } else { Reach::Public }
    }

    /// Refuses a host that is written as an address and out of reach. Asks nobody: it may be called before anybody has
    /// allowed anything.
    ///
    /// # Errors
    /// The address is out of reach.
    pub(crate) fn admit(&self, target: &Target) -> Result<(), Refused> {
        let Some(address) = target.address() else { return Ok(()) };
        let reach = self.reach(target.host(), target.port());
        reach.refuse(target.host(), SocketAddr::new(address, target.port())).map_or(Ok(()), Err)
    }

    /// Returns the client for a request. Behind a proxy it is the proxy that connects, so the name is looked up here first
    /// and refused if it leads where it must not; what only the proxy can resolve is left to it.
    ///
    /// # Errors
    /// The target is out of reach, or no client can be made.
    pub(crate) async fn client(&self, target: &Target) -> Result<Client, EgressError> {
        self.admit(target)?;
        let reach = self.reach(target.host(), target.port());
        if self.ways.has_proxy(target.scheme())
            && let Err(refused @ Refused::Address { .. }) = reach.look_up(target.host(), target.port()).await
        {
            return Err(refused.into());
        }
        let (scheme, ways) = (target.scheme(), self.ways.clone());
        // Reads certificates the first time.
        let made = tokio::task::spawn_blocking(move || client_within(scheme, &ways, reach)).await;
        Ok(made.map_err(|_| EgressError::Lost)??)
    }
}

/// Why a request cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EgressError {
    /// It must not.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// No client can be made.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A defect of ours, or the runtime ends.
    #[error("the request was given up inside the agent")]
    Lost,
}

/// Returns the host of a proxy's address.
pub(crate) fn proxy_host(address: &str) -> Option<String> {
    let of = |text: &str| Url::parse(text).ok().and_then(|url| url.host_str().map(str::to_owned));
    of(address).or_else(|| of(&format!("http://{address}")))
}

impl NetworkEnvironment {
    /// Returns whether requests of the scheme go through a proxy, unless their host is excepted.
    fn has_proxy(&self, scheme: Scheme) -> bool {
        match scheme {
            Scheme::Http => self.http_proxy.is_some(),
            Scheme::Https => self.https_proxy.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn egress(near: &[&str]) -> Egress {
        Egress { near: near.iter().map(|host| host.parse().unwrap()).collect(), ..Egress::default() }
    }

    fn admits(near: &[&str], url: &str) -> Result<(), String> {
        egress(near).admit(&Target::parse(url).unwrap()).map_err(|refused| refused.to_string())
    }

    #[test]
    fn an_address_is_admitted_where_it_is_public_or_a_person_named_it() {
        assert_eq!(admits(&[], "https://93.184.215.14/"), Ok(()));
        let refused = admits(&[], "http://127.0.0.1:8080/").unwrap_err();
        assert!(refused.contains("this machine") && refused.contains("network.private"), "{refused}");
        assert_eq!(admits(&["127.0.0.1:8080"], "http://127.0.0.1:8080/"), Ok(()));
        assert!(admits(&["127.0.0.1:8080"], "http://127.0.0.1:8081/").is_err());
        assert_eq!(admits(&["127.0.0.1"], "http://127.0.0.1:8081/"), Ok(()));
        assert_eq!(admits(&["[::1]:80"], "http://[::1]/"), Ok(()));
        let never = admits(&["169.254.169.254"], "http://169.254.169.254/latest/").unwrap_err();
        assert!(never.contains("link-local") && !never.contains("network.private"), "{never}");
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to() {
        let refused = Reach::Public.look_up("localhost", 80).await.unwrap_err();
        assert!(matches!(refused, Refused::Address { .. }), "{refused}");
        assert!(!Reach::Near.look_up("localhost", 80).await.unwrap().is_empty());
        assert!(!Reach::Any.look_up("169.254.169.254", 80).await.unwrap().is_empty());
        assert!(Reach::Near.look_up("169.254.169.254", 80).await.is_err());
    }

    /// The client that the guard hands out connects to nothing that the guard would refuse, and the one without it does.
    #[tokio::test]
    async fn the_client_connects_only_to_what_was_looked_at() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = format!("http://localhost:{port}/");
        let try_within = async |reach: Reach| {
            let client = client_within(Scheme::Http, &NetworkEnvironment::default(), reach).unwrap();
            let asking = client.get(&url).send();
            tokio::select! {
                asked = asking => format!("{:?}", asked.unwrap_err()),
                accepted = listener.accept() => { accepted.unwrap(); "connected".to_owned() }
            }
        };
        let refused = try_within(Reach::Public).await;
        assert!(refused.contains("this machine"), "{refused}");
        assert_eq!(try_within(Reach::Near).await, "connected");
        assert_eq!(try_within(Reach::Any).await, "connected");
    }

    #[tokio::test]
    async fn behind_a_proxy_a_name_that_leads_home_is_refused_before_the_proxy_hears_of_it() {
        let ways = NetworkEnvironment { http_proxy: Some("http://127.0.0.1:1".into()), ..Default::default() };
        let egress = Egress { ways, ..Egress::default() };
        let target = Target::parse("http://localhost/").unwrap();
        assert!(matches!(egress.client(&target).await, Err(EgressError::Refused(_))));
        let unknown = Target::parse("http://far.invalid/").unwrap();
        assert!(egress.client(&unknown).await.is_ok(), "the proxy may know it");
        assert_eq!(proxy_host("proxy.example:3128").as_deref(), Some("proxy.example"));
        assert_eq!(proxy_host("http://u:test-key@proxy.example:3128").as_deref(), Some("proxy.example"));
    }
}
