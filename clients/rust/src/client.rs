//! The handle: handshake, typed and raw calls, subscriptions. Cheap to clone. Not here: bytes (`connection`).
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use serde_json::value::RawValue;
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::handshake::AgentHello;
use tenon_protocol::log::After;
use tenon_protocol::methods::{Diff, List, Log, Method, Prompt};
use tenon_protocol::prompt::{PromptParams, PromptResult};
use tenon_protocol::version::MESSAGE_IN_BYTES_MAX;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::backoff::Backoff;
use crate::connection::{Command, Greeting, Order, Orders, run};
use crate::endpoint::Connector;
use crate::error::ClientError;
use crate::options::ClientOptions;
use crate::subscription::{ObserveOptions, Subscription};

/// Commands that may wait for the connection's task; callers beyond it wait themselves.
const COMMANDS_MAX: usize = 64;

/// How long a request waits for a hand-over that refuses it: longer than a client waits that asked for the hand-over.
const HAND_OVER_TIMEOUT: Duration = Duration::from_mins(1);

/// When it is tried again on a connection that has not ended.
const HAND_OVER_PAUSE: Duration = Duration::from_millis(500);

/// This is a table: the methods that may be sent again when their answer was lost, because they change nothing.
const REPEATABLE: &[&str] = &[List::NAME, Log::NAME, Diff::NAME];

/// A connection to the agent that is made again when it is lost. The last handle that is dropped ends it; a
/// [`Subscription`] holds one too.
#[derive(Clone, Debug)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    /// Tells the connection's task that somebody may have stopped waiting.
    given_up: Arc<Notify>,
}

/// Tells the connection's task, unless the outcome came, that nobody waits for it any more.
struct GivesUp<'a>(Option<&'a Notify>);

impl Drop for GivesUp<'_> {
    fn drop(&mut self) {
        if let Some(given_up) = self.0 {
            given_up.notify_one();
        }
    }
}

impl Client {
    /// Connects and shakes hands. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The agent cannot be reached or started, or it refuses the client.
    pub async fn connect(connector: impl Connector, options: ClientOptions) -> Result<Self, ClientError> {
        let (client, orders) = Self::made();
        #[expect(
            clippy::disallowed_methods,
            reason = "the one task of a client; it ends with the last handle, which holds the other end of `orders`"
        )]
        tokio::spawn(run(connector, options, orders));
        client.agent().await?;
        Ok(client)
    }

    /// Makes a handle, and what a task needs that serves it.
    pub(crate) fn made() -> (Self, Orders) {
        let (sender, commands) = mpsc::channel(COMMANDS_MAX);
        let given_up = Arc::new(Notify::new());
        (Self { commands: sender, given_up: Arc::clone(&given_up) }, Orders { commands, given_up })
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
    /// What only looks (lists, pages of a log, differences) is sent again when the connection is lost before the answer;
    /// everything else is not, and [`ClientError::Disconnected`] says that its fate is unknown. [`Client::prompt`] sends a
    /// message such that it can be repeated.
    ///
    /// Cancelling it (dropping the future) ends the wait, not the work; the agent is told (`$/cancelRequest`). One that
    /// was not sent yet is not sent.
    ///
    /// # Errors
    /// `Rpc` if the agent refuses it, `Disconnected` if the connection ends before the answer.
    pub async fn call<M: Method>(&self, params: &M::Params) -> Result<M::Result, ClientError> {
        let params = raw(M::NAME, params)?;
        let mut backoff = Backoff::default();
        let result = loop {
            match self.send(M::NAME, params.clone()).await {
                Err(error) if error.is_loss() && REPEATABLE.contains(&M::NAME) && backoff.pause().await => {}
                outcome => break outcome?,
            }
        };
        serde_json::from_str(result.get()).map_err(|error| ClientError::UnexpectedResult {
            method: M::NAME.to_owned(),
            message: error.to_string(),
        })
    }

    /// Sends a request as `call` does, and waits for its answer at most so long.
    ///
    /// # Errors
    /// As `call`, and `TimedOut`.
    pub async fn call_within<M: Method>(
        &self,
        params: &M::Params,
        within: Duration,
    ) -> Result<M::Result, ClientError> {
        let late = || ClientError::TimedOut { method: M::NAME.to_owned(), within };
        tokio::time::timeout(within, self.call::<M>(params)).await.unwrap_or_else(|_| Err(late()))
    }

    /// Sends a message, and sends it again when the connection is lost before the answer: under one key, so that the agent
    /// admits it once. A key that is given is kept; a caller that may be ended itself should store one.
    ///
    /// # Errors
    /// As `call`; `Disconnected` when the agent did not come back.
    pub async fn prompt(&self, mut params: PromptParams) -> Result<PromptResult, ClientError> {
        params.key.get_or_insert_with(unique);
        let mut backoff = Backoff::default();
        loop {
            match self.call::<Prompt>(&params).await {
                Err(error) if error.is_loss() && backoff.pause().await => {}
                outcome => return outcome,
            }
        }
    }

    /// Sends a request by name, for scripts. It is sent once.
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
    /// As `call`. A place that the log no longer has is none: the first item is an [`Item::Reset`](crate::Item::Reset).
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
        // Made first, dropped last: when it tells, the outcome's receiver is gone.
        let mut gives_up = GivesUp(Some(&self.given_up));
        let (reply, outcome) = oneshot::channel();
        let order = Command::Order(order(reply));
        let sent = self.commands.send(order).await.map_err(|_| ClientError::Disconnected);
        let outcome = match sent {
            Ok(()) => outcome.await.unwrap_or(Err(ClientError::Disconnected)),
            Err(error) => Err(error),
        };
        gives_up.0 = None;
        outcome
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

/// Makes a name that nobody else has, from the hasher's random keys: no secret.
pub(crate) fn unique() -> String {
    format!("{:016x}{:016x}", RandomState::new().hash_one(0), RandomState::new().hash_one(1))
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
