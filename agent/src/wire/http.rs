//! The HTTP listener: one POST a request, or a WebSocket. Not here: who may speak (`gate`), and what a connection does.
//!
//! A TCP connection carries one request. Until that has passed the gate it takes no place among the connections of the
//! process: whoever can reach the port can keep it busy, and nobody else's socket.
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::wire::http::gate::Gate;
use crate::wire::http::token::{TokenError, token};

mod answer;
pub(in crate::wire) mod exchange;
mod gate;
#[cfg(test)]
mod tests;
mod token;

/// TCP connections whose request has not passed the gate.
const STRANGERS_MAX: usize = 128;

/// How long the kernel keeps what a peer does not take, before it gives the connection up.
const UNTAKEN_MAX: Duration = Duration::from_mins(15);

/// Beneath `run`: the token.
const TOKEN: &str = "http-token";

/// Beneath `run`: the address, while somebody listens.
const ADDRESS: &str = "http-address";

/// Where to listen, and who may come.
#[derive(Clone, Debug)]
pub(crate) struct HttpOptions {
    /// A name or an address.
    pub(crate) host: String,
    /// 0 lets the kernel choose.
    pub(crate) port: u16,
    /// Whether other machines may connect.
    pub(crate) is_remote: bool,
    /// Origins that pages may have.
    pub(crate) origins: Vec<String>,
}

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// There is no token to ask for.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The system refused.
    #[error("cannot {action} {what}")]
    Io { action: &'static str, what: String, source: io::Error },
}

/// The listening socket. The file that tells its address is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    tcp: TcpListener,
    address: SocketAddr,
    address_file: PathBuf,
    gate: Arc<Gate>,
    strangers: Arc<Semaphore>,
}

impl Listener {
    /// Listens, and writes the address to `run/http-address`. The caller holds the lock of the state directory, and has seen to
    /// it that `run` is ours alone.
    ///
    /// # Errors
    /// The token cannot be trusted, or the system refuses.
    pub(crate) async fn bind(options: HttpOptions, run: &Path) -> Result<Self, HttpError> {
        let HttpOptions { host, port, is_remote, origins } = options;
        let failed = |action, what: String| move |source| HttpError::Io { action, what, source };
        let gate =
            Gate { token: token(&run.join(TOKEN))?, origins, remote_host: is_remote.then(|| host.clone()) };
        let shown = format!("{host}:{port}");
        let tcp =
            TcpListener::bind((host.as_str(), port)).await.map_err(failed("listen at", shown.clone()))?;
        let address = tcp.local_addr().map_err(failed("listen at", shown))?;
        let address_file = run.join(ADDRESS);
        write(&address_file, &format!("http://{address}/"))
            .map_err(failed("write", address_file.display().to_string()))?;
        Ok(Self {
            tcp,
            address,
            address_file,
            gate: Arc::new(gate),
            strangers: Arc::new(Semaphore::new(STRANGERS_MAX)),
        })
    }

    /// Removes what a daemon that listened and died left behind.
    pub(crate) fn forget(run: &Path) {
        // There is usually none; one that cannot be removed is told by the socket's directory being unusable.
        drop(fs::remove_file(run.join(ADDRESS)));
    }

    /// Returns where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for a connection; `None` for one more than are served before they have shown a token. Dropping the future loses
    /// none.
    pub(super) async fn accept(&self) -> io::Result<Option<Visit>> {
        let (stream, _) = self.tcp.accept().await?;
        let Ok(place) = Arc::clone(&self.strangers).try_acquire_owned() else {
            return Ok(None);
        };
        let local = stream.local_addr()?;
        stream.set_nodelay(true)?;
        // Peers that vanish without a word are noticed by the kernel, at no cost to us.
        sockopt::set_socket_keepalive(&stream, true)?;
        sockopt::set_tcp_user_timeout(&stream, u32::try_from(UNTAKEN_MAX.as_millis()).unwrap_or(u32::MAX))?;
        Ok(Some(Visit { stream, local, gate: Arc::clone(&self.gate), place }))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.address_file));
    }
}

/// A TCP connection nobody knows yet.
#[derive(Debug)]
pub(super) struct Visit {
    stream: TcpStream,
    local: SocketAddr,
    gate: Arc<Gate>,
    /// Its place among the strangers.
    place: OwnedSemaphorePermit,
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
