//! The handle: handshake, typed and raw calls, subscriptions. Cheap to clone. Not here: bytes (`connection`).
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;
use serde_json::value::RawValue;
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::handshake::{AgentHello, ClientHello};
use tenon_protocol::log::After;
use tenon_protocol::methods::Method;
use tenon_protocol::version::MESSAGE_IN_BYTES_MAX;
use tokio::sync::{mpsc, oneshot};

use crate::connection::{Command, Greeting, Order, run};
use crate::endpoint::Connector;
use crate::error::ClientError;
use crate::handover::Waiting;
use crate::subscription::{ObserveOptions, Subscription};

/// Commands that may wait for the connection's task; callers beyond it wait themselves.
const COMMANDS_MAX: usize = 64;

/// How long a request waits for a hand-over that refuses it: longer than a client waits that asked for the hand-over.
const HAND_OVER_TIMEOUT: Duration = Duration::from_mins(1);

/// When it is tried again on a connection that has not ended.
const HAND_OVER_PAUSE: Duration = Duration::from_millis(500);

/// Who connects, and what it brings.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The client's half of the handshake.
    pub hello: ClientHello,
    /// Variables of the caller for its sessions' commands and providers, sent before anything else; empty sends nothing.
    pub environment: BTreeMap<String, String>,
    /// Is called, on the client's task, when something makes it wait: to show it to a person.
    pub waiting: Option<fn(&Waiting)>,
}

/// A connection to the agent that is made again when it is lost. The last handle that is dropped ends it.
#[derive(Clone, Debug)]
pub struct Client {
    commands: mpsc::Sender<Command>,
}

impl Client {
    /// Connects and shakes hands. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The agent cannot be reached or started, or it refuses the client.
    pub async fn connect(connector: impl Connector, options: ClientOptions) -> Result<Self, ClientError> {
        let (commands, orders) = mpsc::channel(COMMANDS_MAX);
        #[expect(
            clippy::disallowed_methods,
            reason = "the one task of a client; it ends with the last handle, which holds the other end of `orders`"
        )]
        tokio::spawn(run(connector, options, orders));
        let client = Self { commands };
        client.agent().await?;
        Ok(client)
    }

    /// Makes a handle of a connection that somebody else serves.
    pub(crate) fn over(commands: mpsc::Sender<Command>) -> Self {
        Self { commands }
    }

    /// Returns what the agent said in the handshake of the present connection, which is made if there is none.
    ///
    /// # Errors
    /// As `connect`.
    pub async fn agent(&self) -> Result<AgentHello, ClientError> {
        self.greeting().await.map(|greeting| greeting.hello)
    }

    pub(crate) async fn greeting(&self) -> Result<Greeting, ClientError> {
        self.order(|reply| Order::Greet { reply }).await
    }

    /// Sends a request and returns its result.
    ///
    /// Cancelling it (dropping the future) ends the wait, not the work.
    ///
    /// # Errors
    /// `Rpc` if the agent refuses it, `Disconnected` if the connection ends before the answer.
    pub async fn call<M: Method>(&self, params: &M::Params) -> Result<M::Result, ClientError> {
        let params = raw(M::NAME, params)?;
        let result = self.send(M::NAME, params).await?;
        serde_json::from_str(result.get()).map_err(|error| ClientError::UnexpectedResult {
            method: M::NAME.to_owned(),
            message: error.to_string(),
        })
    }

    /// Sends a request by name, for scripts.
    ///
    /// # Errors
    /// As `call`.
    pub async fn call_raw(&self, method: &str, params: &Value) -> Result<Box<RawValue>, ClientError> {
        self.send(method, raw(method, params)?).await
    }

    /// Sends a request, and sends it again where that can do no harm: an agent refused it because a newer one takes over.
    async fn send(&self, method: &str, params: Box<RawValue>) -> Result<Box<RawValue>, ClientError> {
        let deadline = Instant::now() + HAND_OVER_TIMEOUT;
        loop {
            let (name, params) = (method.to_owned(), params.clone());
            match self.order(|reply| Order::Call { method: name, params, reply }).await {
                Err(ClientError::Rpc(error)) if hands_over(&error) && Instant::now() < deadline => {
                    // The heir listens when this connection has ended. Where it never comes, the agent goes on.
                    let ended = self.order(|reply| Order::Watch { reply });
                    let _either = tokio::time::timeout(HAND_OVER_PAUSE, ended).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Subscribes to a log: a session's id, or `all`.
    ///
    /// # Errors
    /// As `call`.
    pub async fn observe(
        &self,
        session: &str,
        after: After,
        options: ObserveOptions,
    ) -> Result<Subscription, ClientError> {
        Subscription::open(self.clone(), session, after, options).await
    }

    /// Hands an order to the connection's task and waits for its one outcome.
    pub(crate) async fn order<T>(
        &self,
        order: impl FnOnce(oneshot::Sender<Result<T, ClientError>>) -> Order,
    ) -> Result<T, ClientError> {
        let (reply, outcome) = oneshot::channel();
        self.commands.send(Command::Order(order(reply))).await.map_err(|_| ClientError::Disconnected)?;
        outcome.await.unwrap_or(Err(ClientError::Disconnected))
    }

    /// Gives up a subscription without waiting. Where the queue is full the agent finds out by itself: what it sends is
    /// no longer taken, and the connection's task then unsubscribes.
    pub(crate) fn forget(&self, subscription: String) {
        drop(self.commands.try_send(Command::Forget { subscription }));
    }
}

fn hands_over(error: &RpcError) -> bool {
    let more = error.data.as_ref().map(|data| &data.more);
    error.is(ErrorKind::Draining) && more.is_some_and(|more| more.get("handOver") == Some(&Value::Bool(true)))
}

/// Writes parameters as JSON, within the size of a message.
pub(crate) fn raw(method: &str, params: &impl serde::Serialize) -> Result<Box<RawValue>, ClientError> {
    let unsendable = |message: String| ClientError::Unsendable { method: method.to_owned(), message };
    let params = serde_json::value::to_raw_value(params).map_err(|error| unsendable(error.to_string()))?;
    // Room for the envelope.
    if params.get().len() > MESSAGE_IN_BYTES_MAX - 1024 {
        return Err(unsendable(format!("larger than {MESSAGE_IN_BYTES_MAX} bytes")));
    }
    Ok(params)
}
