//! The agent's own proxy: what serves the door of one command. It lets through what the command may reach, and nothing else. Not
//! here: which hosts those are (`tools`, by the needs and the rules), and the door itself (`sandbox`).
//!
//! It speaks HTTP as proxies do: `CONNECT host:port`, behind which anything may be spoken, and plain requests with the whole
//! address. A name is looked up here, once, and the address that was looked at is the one that is connected to. What the command
//! sends is untrusted: heads, connections and pauses are bounded, and whoever exceeds a bound hurts its own command alone.
mod connect;
mod guests;
mod head;
mod relay;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::base::task::{self, Task};
use crate::network::guard::Egress;
use crate::network::proxy::connect::Failure;
use crate::network::proxy::head::{Asked, Head, HeadError};
use crate::network::target::Target;

pub(crate) use crate::network::proxy::guests::Guests;

/// Connections of one command at a time; more wait at the door. Package managers open some twenty.
const CONNECTIONS_MAX: usize = 64;

/// How long a client may take to say what it wants, and how long an answer to it may take to be read.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// How long is waited after a failure to accept, which is a lack of descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Names of hosts that are told about one command.
const HOSTS_TOLD_MAX: usize = 32;

/// Tells whether a host may be reached.
#[derive(Clone)]
pub(crate) struct Admits(pub(crate) Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl fmt::Debug for Admits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admits")
    }
}

/// What became of the wish to reach a host.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// A connection was made.
    Reached,
    /// It is none that may be reached.
    NotAdmitted,
    /// It leads where nothing may be reached; the sentence says where.
    OutOfReach(String),
}

/// Which hosts a command reached and which it was refused, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Visits {
    /// Hosts that were connected to.
    pub(crate) reached: BTreeSet<String>,
    /// Hosts that it may not reach.
    pub(crate) refused: BTreeSet<String>,
    /// Hosts that lead where nothing may be reached, with a sentence about each.
    pub(crate) out_of_reach: BTreeMap<String, String>,
}

impl Visits {
    fn note(&mut self, host: String, fate: Fate) {
        let keep = |all: &mut BTreeSet<String>, host: String| {
            if all.len() < HOSTS_TOLD_MAX {
                all.insert(host);
            }
        };
        match fate {
            Fate::Reached => keep(&mut self.reached, host),
            Fate::NotAdmitted => keep(&mut self.refused, host),
            Fate::OutOfReach(why) if self.out_of_reach.len() < HOSTS_TOLD_MAX => {
                self.out_of_reach.insert(host, why);
            }
            Fate::OutOfReach(_) => {}
        }
    }
}

/// Serves one door. Dropping it ends every connection that goes through.
#[derive(Debug)]
pub(crate) struct Proxy {
    serving: Task<Visits>,
    /// Its end asks for the end.
    stop: oneshot::Sender<std::convert::Infallible>,
}

/// What one proxy lets through, how, and for whom.
#[derive(Debug)]
struct Terms {
    admits: Admits,
    egress: Egress,
    guests: Guests,
}

impl Proxy {
    /// Serves a door. Must be called within the runtime.
    ///
    /// # Errors
    /// The runtime does not take the socket.
    pub(crate) fn serve(
        listener: std::net::TcpListener,
        admits: Admits,
        egress: Egress,
        guests: Guests,
    ) -> io::Result<Self> {
        let listener = TcpListener::from_std(listener)?;
        let (stop, stopped) = oneshot::channel();
        let terms = Arc::new(Terms { admits, egress, guests });
        Ok(Self { serving: task::spawn(serve(listener, terms, stopped)), stop })
    }

    /// Ends it, and every connection, and returns what was reached.
    pub(crate) async fn close(self) -> Visits {
        drop(self.stop);
        // A defect of ours in it is logged by the panic hook, and costs the account alone.
        self.serving.await.unwrap_or_default()
    }
}

type Told = mpsc::Sender<(String, Fate)>;

async fn serve(
    listener: TcpListener,
    terms: Arc<Terms>,
    mut stopped: oneshot::Receiver<std::convert::Infallible>,
) -> Visits {
    let (told, mut tells) = mpsc::channel(CONNECTIONS_MAX);
    let mut visits = Visits::default();
    // Dropping it ends them.
    let mut connections = JoinSet::new();
    loop {
        // None of them loses anything when another wins.
        tokio::select! {
            _ = &mut stopped => break,
            Some((host, fate)) = tells.recv() => visits.note(host, fate),
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => drop(connections.spawn(converse(stream, Arc::clone(&terms), told.clone()))),
                Err(error) => {
                    tracing::debug!(%error, "no connection is taken from a command");
                    sleep(ACCEPT_AGAIN).await;
                }
            },
        }
    }
    while let Ok((host, fate)) = tells.try_recv() {
        visits.note(host, fate);
    }
    visits
}

/// Is one connection from its beginning to its end.
async fn converse(mut client: TcpStream, terms: Arc<Terms>, told: Told) {
    if !terms.guests.admit(&client).await {
        return;
    }
    let head = match timeout(HEAD_TIMEOUT, Head::read(&mut client)).await {
        Ok(Ok(head)) => head,
        Ok(Err(HeadError::Gone)) | Err(_) => return,
        Ok(Err(error)) => return refuse(&mut client, "400 Bad Request", &error.to_string()).await,
    };
    let (target, asked) = match head.asked() {
        Ok(asked) => asked,
        Err(error) => return refuse(&mut client, "400 Bad Request", &error.to_string()).await,
    };
    if !(terms.admits.0)(target.host()) {
        let status = format!("403 {} is not among the needs of this command", target.host());
        let why = not_admitted(&target);
        // The account goes first: the command may end with the answer.
        let _ended = told.send((target.host().to_owned(), Fate::NotAdmitted)).await;
        return refuse(&mut client, &status, &why).await;
    }
    let mut server = match connect::connect(&terms.egress, &target, &asked).await {
        Ok(server) => server,
        Err(failure) => {
            let (status, why) = (failure.status(), failure.to_string());
            if let Failure::Refused(_) = failure {
                let fate = Fate::OutOfReach(why.clone());
                let _ended = told.send((target.host().to_owned(), fate)).await;
            }
            return refuse(&mut client, status, &why).await;
        }
    };
    let _ended = told.send((target.host().to_owned(), Fate::Reached)).await;
    let greeted = match &asked {
        Asked::Tunnel => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await,
        Asked::Request(head) => server.stream.write_all(&server.head_of(head)).await,
    };
    if greeted.is_ok() {
        // How it ends is between the two.
        relay::relay(client, server.stream, head.rest(), &server.early).await.ok();
    }
}

fn not_admitted(target: &Target) -> String {
    let host = target.host();
    format!(
        "{host} is not among the hosts that this command may reach. It can be asked for with the call: needs {{\"net\": [\"{host}\"]}}"
    )
}

/// Answers with a sentence, and ends the connection.
async fn refuse(client: &mut TcpStream, status: &str, why: &str) {
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{why}\n",
        why.len() + 1
    );
    let answering = async {
        client.write_all(answer.as_bytes()).await?;
        client.shutdown().await?;
        // What has not been read would make the system throw the answer away.
        relay::drain(client).await
    };
    timeout(HEAD_TIMEOUT, answering).await.ok();
}

#[cfg(test)]
mod tests;
