//! The connection to a host that a command may reach: looked up once, looked at, made; or through the person's own proxy where
//! they have one. Not here: whether the host may be reached.
use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::network::guard::{Egress, Reach, Refused};
use crate::network::proxy::head::{Asked, Head, Request};
use crate::network::target::Target;
use crate::network::upstream::{Upstream, UpstreamError};

/// How long making a connection to the last address of a host may take, and to those before it: some names lead to two
/// families of which one goes nowhere.
const CONNECT_TIMEOUTS: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(5));

/// Addresses of a host that are tried.
const ADDRESSES_MAX: usize = 6;

/// How long the person's proxy may take to answer.
const UPSTREAM_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection, and how requests in plain HTTP are written on it. It is not printed: what is added may hold a password.
pub(super) struct Server {
    pub(super) stream: TcpStream,
    /// What it has sent already.
    pub(super) early: Vec<u8>,
    /// What stands between the method and the version.
    address: String,
    /// The value of `Host`.
    host: String,
    /// Fields for the person's proxy, each with its end of line.
    added: String,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// There must be none, or the name does not exist.
    #[error(transparent)]
    Refused(Refused),
    /// The name does not exist.
    #[error(transparent)]
    NotFound(Refused),
    /// Nobody answers.
    #[error("{host} cannot be reached: {source}")]
    Unreachable { host: String, source: io::Error },
    /// Nobody answers in time.
    #[error("{0} does not answer")]
    Silent(String),
    /// The person's proxy cannot be gone through.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The person's proxy says no.
    #[error("the proxy behind which this machine is refused {host} with status {status}")]
    Declined { host: String, status: u16 },
}

impl Failure {
    /// Returns the line of status for the client.
    pub(super) const fn status(&self) -> &'static str {
        match self {
            Self::Refused(_) => "403 Forbidden",
            Self::NotFound(_) | Self::Unreachable { .. } | Self::Upstream(_) | Self::Declined { .. } => {
                "502 Bad Gateway"
            }
            Self::Silent(_) => "504 Gateway Timeout",
        }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match &refused {
            Refused::Address { .. } => Self::Refused(refused),
            Refused::NotFound { .. } => Self::NotFound(refused),
        }
    }
}

impl Server {
    /// Returns the head of a request as this server takes it. Each connection serves one request: what comes behind it in the
    /// same connection is not looked at any more.
    pub(super) fn head_of(&self, request: &Request) -> Vec<u8> {
        let Request { method, version, fields } = request;
        let Self { address, host, added, .. } = self;
        format!("{method} {address} {version}\r\nhost: {host}\r\n{added}{fields}connection: close\r\n\r\n")
            .into_bytes()
    }
}

/// Connects to a host.
pub(super) async fn connect(egress: &Egress, target: &Target, asked: &Asked) -> Result<Server, Failure> {
    egress.admit(target)?;
    let reach = egress.reach(target.host(), target.port());
    match egress.ways.upstream(target)? {
        None => direct(reach, target).await,
        Some(upstream) => through(&upstream, reach, target, asked).await,
    }
}

async fn direct(reach: Reach, target: &Target) -> Result<Server, Failure> {
    let stream = reached(reach, target.host(), target.port()).await?;
    let url = target.url();
    let address =
        url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    Ok(Server { stream, early: Vec::new(), address, host: authority(target), added: String::new() })
}

/// Connects through the person's proxy. It connects and looks the name up again, so a name that leads where nothing may be reached
/// is refused before; what only the proxy can look up is left to it.
async fn through(
    upstream: &Upstream,
    reach: Reach,
    target: &Target,
    asked: &Asked,
) -> Result<Server, Failure> {
    if let Err(refused @ Refused::Address { .. }) = reach.look_up(target.host(), target.port()).await {
        return Err(refused.into());
    }
    let mut stream = reached(Reach::Any, &upstream.host, upstream.port).await?;
    let added = upstream
        .authorization
        .as_ref()
        .map(|value| format!("proxy-authorization: {value}\r\n"))
        .unwrap_or_default();
    let host = authority(target);
    if let Asked::Request(_) = asked {
        return Ok(Server { stream, early: Vec::new(), address: target.url().to_string(), host, added });
    }
    let place = format!("{}:{}", target.host(), target.port());
    let opening = async {
        let head = format!("CONNECT {place} HTTP/1.1\r\nhost: {place}\r\n{added}\r\n");
        stream.write_all(head.as_bytes()).await.ok()?;
        Head::read(&mut stream).await.ok()
    };
    let answer = timeout(UPSTREAM_TIMEOUT, opening).await.ok().flatten();
    let head = answer.ok_or_else(|| Failure::Silent("the proxy behind which this machine is".to_owned()))?;
    match head.status() {
        Some(200..300) => {
            let early = head.rest().to_vec();
            Ok(Server { stream, early, address: String::new(), host, added: String::new() })
        }
        status => {
            Err(Failure::Declined { host: target.host().to_owned(), status: status.unwrap_or_default() })
        }
    }
}

/// Returns the host with its port, where that is not the usual one.
fn authority(target: &Target) -> String {
    match target.url().port() {
        Some(port) => format!("{}:{port}", target.host()),
        None => target.host().to_owned(),
    }
}

/// Connects to the first address of a host that answers; each of them was looked at.
async fn reached(reach: Reach, host: &str, port: u16) -> Result<TcpStream, Failure> {
    let addresses = reach.look_up(host, port).await?;
    let (last, before) = CONNECT_TIMEOUTS;
    let mut failure = Failure::Silent(host.to_owned());
    for (number, address) in addresses.iter().take(ADDRESSES_MAX).enumerate() {
        let is_last = number + 1 == addresses.len().min(ADDRESSES_MAX);
        match timeout(if is_last { last } else { before }, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).ok();
                return Ok(stream);
            }
            Ok(Err(source)) => failure = Failure::Unreachable { host: host.to_owned(), source },
            Err(_) => failure = Failure::Silent(host.to_owned()),
        }
    }
    Err(failure)
}
