//! Every connection of the process, whatever carries it. Not here: one connection (`connection`).
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use crate::base::clock::SharedClock;
use crate::base::task::{self, Task};
use crate::router::Router;
use crate::wire::admission::{Admission, Standing};
use crate::wire::carrier::streams::Streams;
use crate::wire::connection::{self, End, Setup};
use crate::wire::http::{Listener, exchange};
use crate::wire::socket::{Peering, Socket};
use crate::wire::stdio::Stdio;

#[cfg(test)]
mod tests;

/// How long accepting rests after it failed: descriptors run out, and trying again at once would only burn time.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Serves connections. Cheap to clone; the clones count connections together.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    router: Arc<Router>,
    admission: Admission,
    clock: SharedClock,
    stop: CancellationToken,
    /// Ends the connections of the socket. It follows `stop` when nobody listens there any more: a client whose connection ended
    /// looks there whether the agent has left.
    unheard: CancellationToken,
    /// Whether a newer agent follows: cancelled before `stop`.
    heir: CancellationToken,
}

impl Server {
    /// Makes a server without connections.
    pub(crate) fn new(router: Arc<Router>, clock: SharedClock) -> Self {
        Self {
            router,
            admission: Admission::new(),
            clock,
            stop: CancellationToken::new(),
            unheard: CancellationToken::new(),
            heir: CancellationToken::new(),
        }
    }

    /// Stops accepting, and then ends every connection once it is answered.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Stops as `stop` does, and leaves the socket's file to the agent that follows.
    pub(crate) fn hand_over(&self) {
        self.heir.cancel();
        self.stop();
    }

    /// Accepts connections until `stop`, and returns when the last has ended. Dropping the future ends them all at once.
    pub(crate) async fn listen(&self, bound: Socket) {
        let mut connections: FuturesUnordered<Task<End>> = FuturesUnordered::new();
        // Behind them, so that it goes before them when all of this is dropped.
        let socket = bound;
        loop {
            // Both are safe to drop: a connection that was not accepted stays in the kernel's queue, a task that was not
            // reaped stays in the set.
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                Some(_) = connections.next(), if !connections.is_empty() => {}
                accepted = socket.accept() => match accepted {
                    Ok(stream) => connections.extend(self.admit(&socket, stream)),
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        self.clock.sleep(ACCEPT_REST).await;
                    }
                },
            }
        }
        // Nobody new gets in: whoever connects from here on is told so by the kernel.
        if self.heir.is_cancelled() {
            socket.leave_to_heir();
        } else {
            drop(socket);
        }
        self.unheard.cancel();
        while connections.next().await.is_some() {}
    }

    /// Accepts HTTP until `stop`, and returns when the last connection has ended. Dropping the future ends them all at once.
    pub(crate) async fn listen_http(&self, listener: Listener) {
        let mut connections: FuturesUnordered<Task<()>> = FuturesUnordered::new();
        loop {
            // As above: neither loses anything when it is dropped.
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                Some(_) = connections.next(), if !connections.is_empty() => {}
                accepted = listener.accept() => match accepted {
                    Ok(Some(visit)) => connections.push(task::spawn(exchange::serve(self.clone(), visit))),
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept an HTTP connection");
                        self.clock.sleep(ACCEPT_REST).await;
                    }
                },
            }
        }
        drop(listener);
        while connections.next().await.is_some() {}
    }

    /// Starts serving a connection, if its peer may connect at all.
    fn admit(&self, socket: &Socket, stream: UnixStream) -> Option<Task<End>> {
        let standing = match socket.peering(&stream) {
            Peering::Ours => self.admission.admit(),
            Peering::Foreign(error) => self.admission.refuse(*error),
            Peering::Stranger => None,
        }?;
        let setup = Setup { stop: self.unheard.clone(), ..self.setup(standing) };
        Some(task::spawn(async move {
            let (reader, writer) = stream.into_split();
            connection::serve(Streams::new(reader, writer), setup).await
        }))
    }

    /// Serves the parent over standard input and output to the end of that connection.
    ///
    /// # Errors
    /// When the descriptors cannot be used.
    pub(crate) async fn serve_stdio(&self, stdio: Stdio) -> std::io::Result<End> {
        let (reader, writer) = stdio.open()?;
        Ok(connection::serve(Streams::new(reader, writer), self.setup(Standing::parent())).await)
    }

    /// Takes a place for a connection that has proved who it is.
    pub(super) fn admit_known(&self) -> Option<Standing> {
        self.admission.admit()
    }

    /// Returns where time comes from.
    pub(super) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// Waits for `stop`.
    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Returns what a connection of this standing is made of.
    pub(super) fn setup(&self, standing: Standing) -> Setup {
        Setup { peer: self.router.peer(), standing, clock: Arc::clone(&self.clock), stop: self.stop.clone() }
    }
}
