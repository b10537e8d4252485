//! The one task of a client: it owns the connection, the calls that wait and the subscriptions. Not here: when to connect
//! again (whoever sends the next order does).
//!
//! Nothing here waits for a caller. An event that finds its subscriber's queue full ends that queue: the log at the agent
//! is the buffer, and the subscriber opens it again behind the last event it took. So a subscriber may call while it is
//! behind, and memory is bounded.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tenon_protocol::envelope::{Incoming, MessageNumber, Notification, Request, TwoPointZero};
use tenon_protocol::error::ErrorKind;
use tenon_protocol::event::Envelope;
use tenon_protocol::handshake::AgentHello;
use tenon_protocol::methods::{EVENT, EnvironmentParams, Method as _, Observe, Unobserve};
use tenon_protocol::signal::Delta;
use tenon_protocol::version::{IN_FLIGHT_MAX, MESSAGE_OUT_BYTES_MAX};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::endpoint::{Connector, Entrance};
use crate::error::ClientError;
use crate::frame::Lines;
use crate::handover::{HandedOver, hand_over};
use crate::options::ClientOptions;
use crate::subscription::Item;

/// Items of a subscription that wait for their subscriber.
pub(crate) const ITEMS_MAX: usize = 256;

/// The id of `initialize`; those of other requests follow it.
const GREETING_ID: i64 = 0;

/// Bytes that wait to be written before no further order is taken.
const OUTBOX_BYTES_SOFT: usize = 1024 * 1024;

/// How long the agent may take for the handshake; it answers within milliseconds, and
/// within seconds on a busy machine.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// Connections that may close during the handshake before it is given up: an agent leaves once.
const HANDSHAKE_TRIES_MAX: u32 = 4;

/// The notification that nobody waits for an answer any more.
const CANCEL: &str = "$/cancelRequest";

/// Bytes read at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// What the handles send.
#[derive(Debug)]
pub(crate) enum Command {
    /// Something with an outcome; makes a connection if there is none.
    Order(Order),
    /// A subscription that nobody listens to any more.
    Forget { subscription: String },
}

/// Whoever waits for an outcome. Each gets exactly one: the sender is used up or dropped, and both are seen.
type Reply<T> = oneshot::Sender<Result<T, ClientError>>;

/// Something with an outcome.
#[derive(Debug)]
pub(crate) enum Order {
    Greet {
        reply: Reply<Greeting>,
    },
    Call {
        method: String,
        params: Box<RawValue>,
        reply: Reply<Box<RawValue>>,
    },
    Observe {
        params: Box<RawValue>,
        items: mpsc::Sender<Item>,
        reply: Reply<String>,
    },
    /// Is never answered: it fails when the connection ends.
    Watch {
        reply: Reply<std::convert::Infallible>,
    },
}

/// The handshake's outcome, and which connection of this client it was.
#[derive(Clone, Debug)]
pub(crate) struct Greeting {
    pub(crate) hello: AgentHello,
    pub(crate) generation: u64,
}

/// The task's end of what the handles send.
#[derive(Debug)]
pub(crate) struct Orders {
    pub(crate) commands: mpsc::Receiver<Command>,
    /// Is told when somebody may have stopped waiting for an outcome.
    pub(crate) given_up: Arc<Notify>,
}

/// A request that was sent.
enum Waiting {
    Call(Reply<Box<RawValue>>),
    Observe(mpsc::Sender<Item>, Reply<String>),
    /// Nobody waits.
    Nobody,
    /// Nobody waits for the subscription that this may make.
    NobodyObserves,
}

impl Order {
    fn fail(self, error: ClientError) {
        // A caller that has gone away needs no outcome.
        let _ = match self {
            Self::Greet { reply } => reply.send(Err(error)).is_ok(),
            Self::Call { reply, .. } => reply.send(Err(error)).is_ok(),
            Self::Observe { reply, .. } => reply.send(Err(error)).is_ok(),
            Self::Watch { reply } => reply.send(Err(error)).is_ok(),
        };
    }
}

/// Serves the handles until the last one is gone.
pub(crate) async fn run(mut connector: impl Connector, options: ClientOptions, mut orders: Orders) {
    let mut generation = 0;
    // Whether an older agent is kept, since its turns did not come to a safe point in time. Once is enough for a client.
    let mut kept = false;
    while let Some(command) = orders.commands.recv().await {
        let Command::Order(order) = command else { continue };
        let entrance = if generation == 0 { Entrance::First } else { Entrance::Again };
        match link_up(&mut connector, entrance, &mut kept, &options, generation + 1).await {
            Ok(mut link) => {
                generation += 1;
                link.order(order);
                link.serve(&mut orders).await;
            }
            Err(error) => order.fail(error),
        }
    }
}

/// Connects and shakes hands. An agent that is older than the one this client would start is asked to leave first. One that
/// is just leaving takes a connection and closes it: nothing was asked of it yet, so the next one may be asked instead.
async fn link_up(
    connector: &mut impl Connector,
    mut entrance: Entrance,
    kept: &mut bool,
    options: &ClientOptions,
    generation: u64,
) -> Result<Link, ClientError> {
    let mut tries = 1;
    loop {
        let stream = connector.connect(entrance).await?;
        match Link::shake_hands(stream, options, generation).await {
            Err(ClientError::Disconnected) if tries < HANDSHAKE_TRIES_MAX => tries += 1,
            Ok(mut link) if !*kept && tries < HANDSHAKE_TRIES_MAX && link.is_older_than(connector) => {
                tries += 1;
                *kept = hand_over(&mut link, options.waiting).await == HandedOver::Kept;
                entrance = Entrance::First;
            }
            outcome => return outcome,
        }
    }
}

/// A connection that is up. Dropping it drops every sender, which tells all who wait.
pub(crate) struct Link {
    stream: UnixStream,
    lines: Lines,
    outbox: Vec<u8>,
    greeting: Greeting,
    next_id: i64,
    waiting: BTreeMap<i64, Waiting>,
    subscriptions: BTreeMap<String, mpsc::Sender<Item>>,
    /// Who waits for the connection's end.
    watching: Vec<Reply<std::convert::Infallible>>,
}

#[derive(Deserialize)]
struct Delivery<'a> {
    #[serde(borrow)]
    subscription: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Deserialize)]
struct InitializeResult {
    capabilities: Capabilities,
}

#[derive(Deserialize)]
struct Capabilities {
    experimental: Experimental,
}

#[derive(Deserialize)]
struct Experimental {
    agent: AgentHello,
}

impl Link {
    /// Sends the environment and `initialize`, and waits for the answer.
    async fn shake_hands(
        mut stream: UnixStream,
        options: &ClientOptions,
        generation: u64,
    ) -> Result<Self, ClientError> {
        let mut outbox = Vec::new();
        if !options.environment.is_empty() {
            notify(
                &mut outbox,
                "$/environment",
                &EnvironmentParams { variables: options.environment.clone() },
            )?;
        }
        let client = options.hello.client.as_ref();
        let params = serde_json::json!({
            "processId": std::process::id(),
            "rootUri": null,
            "clientInfo": {
                "name": client.map_or("tenon-client", |client| client.kind.as_str()),
                "version": client.and_then(|client| client.version.as_deref()),
            },
            "capabilities": {"experimental": {"agent": options.hello}},
        });
        request(&mut outbox, GREETING_ID, "initialize", &params)?;
        let mut lines = Lines::new(MESSAGE_OUT_BYTES_MAX);
        let answer = async {
            stream.write_all(&outbox).await.map_err(|_| ClientError::Disconnected)?;
            greet(&mut stream, &mut lines).await
        };
        let hello =
            tokio::time::timeout(HANDSHAKE_TIMEOUT, answer).await.unwrap_or(Err(ClientError::Silent))?;
        outbox.clear();
        notify(&mut outbox, "initialized", &serde_json::json!({}))?;
        let greeting = Greeting { hello, generation };
        let (waiting, subscriptions, watching) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Ok(Self { stream, lines, outbox, greeting, next_id: 1, waiting, subscriptions, watching })
    }

    /// Returns the handshake's outcome.
    pub(crate) fn greeting(&self) -> &Greeting {
        &self.greeting
    }

    /// Tells whether the agent is older than the one that this client would start.
    fn is_older_than(&self, connector: &impl Connector) -> bool {
        connector.build().is_some_and(|build| build.is_newer_than(&self.greeting.hello.instance))
    }

    /// Carries bytes both ways until the connection or the last handle is gone.
    pub(crate) async fn serve(&mut self, orders: &mut Orders) {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let free = self.outbox.len() < OUTBOX_BYTES_SOFT && self.waiting.len() < IN_FLIGHT_MAX;
            let (mut reader, mut writer) = self.stream.split();
            // Each branch that loses has done nothing: a read, a write and a receive are all or nothing.
            tokio::select! {
                read = reader.read(&mut chunk) => match read {
                    Ok(count) if count > 0 => {
                        self.lines.extend(&chunk[..count]);
                        if self.drain().is_err() {
                            return;
                        }
                    }
                    Ok(_) | Err(_) => return,
                },
                wrote = writer.write(&self.outbox), if !self.outbox.is_empty() => match wrote {
                    Ok(count) => drop(self.outbox.drain(..count)),
                    Err(_) => return,
                },
                // What was told while it lost is kept for the next time.
                () = orders.given_up.notified() => self.cancel_what_nobody_waits_for(),
                command = orders.commands.recv(), if free => match command {
                    Some(Command::Order(order)) => self.order(order),
                    Some(Command::Forget { subscription }) => self.unobserve(&subscription),
                    None => return,
                },
            }
        }
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Greet { reply } => drop(reply.send(Ok(self.greeting.clone()))),
            Order::Watch { reply } => {
                self.watching.retain(|watching| !watching.is_closed());
                self.watching.push(reply);
            }
            // Whoever has stopped waiting already wants nothing sent.
            Order::Call { reply, .. } if reply.is_closed() => {}
            Order::Observe { reply, .. } if reply.is_closed() => {}
            Order::Call { method, params, reply } => self.request(&method, &params, Waiting::Call(reply)),
            Order::Observe { params, items, reply } => {
                self.request(Observe::NAME, &params, Waiting::Observe(items, reply));
            }
        }
    }

    /// Tells the agent which answers nobody waits for any more. It ends their wait, not their work.
    fn cancel_what_nobody_waits_for(&mut self) {
        for (id, waiting) in &mut self.waiting {
            let nobody = match waiting {
                Waiting::Call(reply) if reply.is_closed() => Waiting::Nobody,
                Waiting::Observe(_, reply) if reply.is_closed() => Waiting::NobodyObserves,
                Waiting::Call(_) | Waiting::Observe(..) | Waiting::Nobody | Waiting::NobodyObserves => {
                    continue;
                }
            };
            *waiting = nobody;
            // It is a word and a number: there is nothing about it that could fail.
            notify(&mut self.outbox, CANCEL, &serde_json::json!({"id": id})).ok();
        }
    }

    fn request(&mut self, method: &str, params: &impl serde::Serialize, waiting: Waiting) {
        let id = self.next_id;
        self.next_id += 1;
        match request(&mut self.outbox, id, method, params) {
            Ok(()) => drop(self.waiting.insert(id, waiting)),
            Err(error) => waiting.finish(Err(error)),
        }
    }

    fn unobserve(&mut self, subscription: &str) {
        self.subscriptions.remove(subscription);
        self.request(Unobserve::NAME, &(subscription,), Waiting::Nobody);
    }

    /// Deals with every whole message that has come in.
    fn drain(&mut self) -> Result<(), ClientError> {
        // The lines are taken out for the loop: a message is borrowed from them while it is dealt with.
        let mut lines = std::mem::take(&mut self.lines);
        let outcome = loop {
            match lines.next() {
                Ok(Some(line)) => {
                    if let Err(error) = self.message(line) {
                        break Err(error);
                    }
                }
                Ok(None) => break Ok(()),
                Err(_) => break Err(ClientError::Malformed("a message over the limit".to_owned())),
            }
        };
        self.lines = lines;
        outcome
    }

    fn message(&mut self, line: &[u8]) -> Result<(), ClientError> {
        if line.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let message: Incoming<'_> = parse(line)?;
        if let Some(method) = &message.method {
            // What an agent of another day asks or tells besides is none of ours, whatever its id.
            if method == EVENT
                && let Some(params) = message.params
            {
                self.delivery(params);
            }
            return Ok(());
        }
        let Some(MessageNumber::Number(id)) = number(&message) else { return Ok(()) };
        let Some(waiting) = self.waiting.remove(&id) else { return Ok(()) };
        match outcome(&message) {
            Ok(result) => self.settle(waiting, result),
            Err(error) => waiting.finish(Err(error)),
        }
        Ok(())
    }

    fn settle(&mut self, waiting: Waiting, result: Box<RawValue>) {
        let (items, reply) = match waiting {
            Waiting::Observe(items, reply) => (items, reply),
            Waiting::NobodyObserves => {
                if let Ok(id) = serde_json::from_str::<String>(result.get()) {
                    self.unobserve(&id);
                }
                return;
            }
            waiting @ (Waiting::Call(_) | Waiting::Nobody) => return waiting.finish(Ok(result)),
        };
        match serde_json::from_str::<String>(result.get()) {
            Ok(id) => {
                self.subscriptions.insert(id.clone(), items);
                if reply.send(Ok(id.clone())).is_err() {
                    self.unobserve(&id);
                }
            }
            Err(error) => {
                let (method, message) = (Observe::NAME.to_owned(), error.to_string());
                drop(reply.send(Err(ClientError::UnexpectedResult { method, message })));
            }
        }
    }

    /// Hands an item to its subscriber. Deltas may be dropped; an event that does not fit ends the queue.
    fn delivery(&mut self, params: &RawValue) {
        let Ok(delivery) = serde_json::from_str::<Delivery<'_>>(params.get()) else { return };
        let Some(items) = self.subscriptions.get(delivery.subscription.as_ref()) else { return };
        let Some(item) = item(delivery.result.get()) else { return };
        let is_delta = matches!(item, Item::Delta(_));
        match items.try_send(item) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) if is_delta => {}
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => self.unobserve(&delivery.subscription),
        }
    }
}

impl Waiting {
    fn finish(self, outcome: Result<Box<RawValue>, ClientError>) {
        match (self, outcome) {
            (Self::Call(reply), outcome) => drop(reply.send(outcome)),
            (Self::Observe(_, reply), Err(error)) => drop(reply.send(Err(error))),
            (Self::Observe(..), Ok(_)) | (Self::Nobody | Self::NobodyObserves, _) => {}
        }
    }
}

/// Reads the answer to `initialize`; what the agent says before it is passed over.
async fn greet(stream: &mut UnixStream, lines: &mut Lines) -> Result<AgentHello, ClientError> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let outcome = loop {
        let next = lines.next().map_err(|_| ClientError::Malformed("a message over the limit".into()))?;
        if let Some(line) = next {
            let message = parse(line)?;
            if is_greeting(&message) {
                break outcome(&message);
            }
            continue;
        }
        match stream.read(&mut chunk).await {
            Ok(count) if count > 0 => lines.extend(&chunk[..count]),
            Ok(_) | Err(_) => return Err(ClientError::Disconnected),
        }
    };
    let result = match outcome {
        Err(ClientError::Rpc(error)) if error.is(ErrorKind::Draining) => {
            // It is leaving, and closes the connection when it has: the one that follows can be started then.
            while stream.read(&mut chunk).await.is_ok_and(|count| count > 0) {}
            return Err(ClientError::Disconnected);
        }
        outcome => outcome?,
    };
    let result: InitializeResult = serde_json::from_str(result.get()).map_err(|error| {
        ClientError::UnexpectedResult { method: "initialize".to_owned(), message: error.to_string() }
    })?;
    Ok(result.capabilities.experimental.agent)
}

/// Tells whether a message answers `initialize`: under its id, or under none because it could not be read.
fn is_greeting(message: &Incoming<'_>) -> bool {
    let is_ours = number(message) == Some(MessageNumber::Number(GREETING_ID));
    let is_refusal = message.error.is_some() && message.id.is_none_or(|id| id.get() == "null");
    message.method.is_none() && (is_ours || is_refusal)
}

fn number(message: &Incoming<'_>) -> Option<MessageNumber> {
    serde_json::from_str(message.id?.get()).ok()
}

fn parse(line: &[u8]) -> Result<Incoming<'_>, ClientError> {
    serde_json::from_slice(line).map_err(|error| ClientError::Malformed(error.to_string()))
}

fn outcome(message: &Incoming<'_>) -> Result<Box<RawValue>, ClientError> {
    match (&message.error, message.result) {
        (Some(error), _) => Err(ClientError::Rpc(error.clone())),
        (None, Some(result)) => Ok(result.to_owned()),
        (None, None) => {
            serde_json::value::to_raw_value(&()).map_err(|error| ClientError::Malformed(error.to_string()))
        }
    }
}

/// Reads what stands under `result`: a delta has no type.
fn item(text: &str) -> Option<Item> {
    if let Ok(event) = serde_json::from_str::<Envelope>(text) {
        return Some(if event.seq.is_some() { Item::Event(event) } else { Item::Local(event) });
    }
    serde_json::from_str::<Delta>(text).ok().map(Item::Delta)
}

fn request(
    outbox: &mut Vec<u8>,
    id: i64,
    method: &str,
    params: &impl serde::Serialize,
) -> Result<(), ClientError> {
    let id = MessageNumber::Number(id);
    write(outbox, method, &Request { jsonrpc: TwoPointZero, id: &id, method, params })
}

fn notify(outbox: &mut Vec<u8>, method: &str, params: &impl serde::Serialize) -> Result<(), ClientError> {
    write(outbox, method, &Notification { jsonrpc: TwoPointZero, method, params })
}

fn write(outbox: &mut Vec<u8>, method: &str, message: &impl serde::Serialize) -> Result<(), ClientError> {
    let length = outbox.len();
    serde_json::to_writer(&mut *outbox, message).map_err(|error| {
        outbox.truncate(length);
        ClientError::Unsendable { method: method.to_owned(), message: error.to_string() }
    })?;
    outbox.push(b'\n');
    Ok(())
}
