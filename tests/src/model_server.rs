//! A scripted model server: real HTTP on 127.0.0.1, chat completions on `/v1/chat/completions` and messages on
//! `/v1/messages`, with the faults of real servers.
//!
//! It runs on a thread and a runtime of its own, so that it can be used from any kind of test and does not share the
//! runtime of what it measures. Every request is recorded. Dropping the server closes every connection.
//! Not here: what the answers should lead to; that is in the tests.
pub mod chat;
pub mod frames;
pub mod http;
pub mod messages;
pub mod reply;
pub mod script;
pub mod serve;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::time::timeout;

pub use crate::model_server::http::RecordedRequest;
pub use crate::model_server::reply::{Fault, Finish, Gate, Reply, ScriptedCall, TokenCounts};
pub use crate::model_server::script::Script;

/// How long a test waits for something that must happen; only a failing test waits this long.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the server saw so far.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Every request to one of the two model endpoints, in the order of arrival.
    pub requests: Vec<Arc<RecordedRequest>>,
    /// How many answers the other side broke off.
    pub disconnects: usize,
    /// How many connections were closed after an answer, and seen to be by the other side.
    pub closed: usize,
}

/// A running server.
#[derive(Debug)]
pub struct ModelServer {
    address: SocketAddr,
    seen: watch::Receiver<Seen>,
    /// Dropped to end the thread.
    stop: Option<watch::Sender<()>>,
    /// Joined on drop, so that no connection outlives its test.
    thread: Option<JoinHandle<()>>,
}

impl ModelServer {
    /// Starts a server on a free port.
    ///
    /// # Errors
    /// No port or no thread is to be had.
    pub fn start(script: Script) -> Result<Self> {
        Self::start_on(script, 0)
    }

    /// Starts a server that shows its list of models to whoever brings this key, and refuses others.
    ///
    /// # Errors
    /// No port or no thread is to be had.
    pub fn start_for(script: Script, key: &str) -> Result<Self> {
        Self::start_with(script, 0, Some(key.to_owned()))
    }

    /// Starts a server on `port`; 0 takes a free one.
    ///
    /// # Errors
    /// The port is taken, or no thread is to be had.
    pub fn start_on(script: Script, port: u16) -> Result<Self> {
        Self::start_with(script, port, None)
    }

    fn start_with(script: Script, port: u16, key: Option<String>) -> Result<Self> {
        let listener =
            std::net::TcpListener::bind(("127.0.0.1", port)).context("no port for the model server")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (seen_sender, seen) = watch::channel(Seen::default());
        let (stop, stopped) = watch::channel(());
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("model-server".to_owned()).spawn(move || {
            let served =
                runtime.block_on(serve::serve(listener, (script, key), Arc::new(seen_sender), stopped));
            debug_assert!(served.is_ok(), "{served:?}");
        })?;
        Ok(Self { address, seen, stop: Some(stop), thread: Some(thread) })
    }

    /// Returns the bare address, as `anthropic-messages` wants it.
    pub fn host(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address that ends in `/v1`, as `openai-chat` wants it.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Returns the address in the form that `wire` wants.
    pub fn base_url(&self, wire: &str) -> String {
        if wire == "anthropic-messages" { self.host() } else { self.url() }
    }

    /// Returns the requests so far.
    pub fn requests(&self) -> Vec<Arc<RecordedRequest>> {
        self.seen.borrow().requests.clone()
    }

    /// Waits until there are `count` requests, and returns them.
    ///
    /// # Errors
    /// They do not come within a minute.
    pub async fn wait_for_requests(&self, count: usize) -> Result<Vec<Arc<RecordedRequest>>> {
        self.wait(|seen| seen.requests.len() >= count).await.map(|seen| seen.requests)
    }

    /// Waits until `count` connections were closed after an answer, and the other side has noticed.
    ///
    /// # Errors
    /// It does not within a minute.
    pub async fn wait_for_closed(&self, count: usize) -> Result<()> {
        self.wait(|seen| seen.closed >= count).await.map(drop)
    }

    /// Waits until the other side broke off `count` answers.
    ///
    /// # Errors
    /// It does not within a minute.
    pub async fn wait_for_disconnects(&self, count: usize) -> Result<()> {
        self.wait(|seen| seen.disconnects >= count).await.map(drop)
    }

    /// Waits as `wait_for_requests` does, outside of any runtime.
    ///
    /// # Errors
    /// They do not come within a minute.
    pub fn block_for_requests(&self, count: usize) -> Result<Vec<Arc<RecordedRequest>>> {
        Builder::new_current_thread().enable_time().build()?.block_on(self.wait_for_requests(count))
    }

    async fn wait(&self, reached: impl Fn(&Seen) -> bool) -> Result<Seen> {
        let mut seen = self.seen.clone();
        match timeout(PATIENCE, seen.wait_for(|seen| reached(seen))).await {
            Ok(Ok(seen)) => Ok(seen.clone()),
            Ok(Err(_)) => bail!("the model server has ended"),
            Err(_) => bail!("the model server saw {} requests only", self.seen.borrow().requests.len()),
        }
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the server has been printed already; a second one here would hide the test's own.
            thread.join().unwrap_or_default();
        }
    }
}
