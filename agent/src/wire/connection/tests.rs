//! The edge table over real sockets, with a small table of methods of its own.
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use bytes::BytesMut;
use serde_json::{Value, json};
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::handshake::{Can, Instance};
use tenon_protocol::methods::{Access, Method, Stability, Unobserve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, Semaphore};
use tokio_util::codec::Decoder as _;

use super::*;
use crate::base::clock::{Clock, Timestamp};
use crate::base::task::{self, Task};
use crate::handlers::Caller;
use crate::handlers::presence::Host;
use crate::handlers::subscription::{Delivery, Source, Subscription};
use crate::router::table::Table;
use crate::router::{Answer, Reply, Router};
use crate::wire::carrier::streams::Streams;
use crate::wire::codec::{Codec, Frame};

mod edges;
mod flow;
mod handshake;

/// A clock on which time passes when a test says so.
#[derive(Debug, Default)]
pub(in crate::wire) struct ManualClock {
    passed: Arc<Notify>,
    /// Every sleep that is over, by its length in seconds.
    over_s: Arc<AtomicU64>,
}

impl ManualClock {
    /// Ends all sleeps of at most this length, also those that begin later.
    pub(in crate::wire) fn pass(&self, duration: Duration) {
        self.over_s.store(duration.as_secs(), Ordering::SeqCst);
        self.passed.notify_waiters();
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let (passed, over_s) = (Arc::clone(&self.passed), Arc::clone(&self.over_s));
        Box::pin(async move {
            loop {
                let notified = passed.notified();
                if duration.as_secs() <= over_s.load(Ordering::SeqCst) {
                    return;
                }
                notified.await;
            }
        })
    }
}

/// What the handlers of the tests share.
#[derive(Debug)]
pub(in crate::wire) struct World {
    /// Held requests go on one by one.
    pub(in crate::wire) gate: Semaphore,
    /// Requests that began, in order of their beginning.
    pub(in crate::wire) began: AtomicUsize,
    /// Held requests that went on.
    went_on: AtomicUsize,
    /// Requests that began in another order than they were sent.
    disordered: AtomicUsize,
    connected: AtomicUsize,
    pub(in crate::wire) disconnected: Notify,
    /// The live tail of every subscription.
    tail: Semaphore,
    delivered: AtomicU64,
    subscription_dropped: AtomicBool,
}

impl Default for World {
    fn default() -> Self {
        Self {
            gate: Semaphore::new(0),
            began: AtomicUsize::new(0),
            went_on: AtomicUsize::new(0),
            disordered: AtomicUsize::new(0),
            connected: AtomicUsize::new(0),
            disconnected: Notify::new(),
            tail: Semaphore::new(0),
            delivered: AtomicU64::new(0),
            subscription_dropped: AtomicBool::new(false),
        }
    }
}

impl Host for World {
    fn hello(&self) -> (Instance, Can) {
        let instance = Instance {
            id: "i".to_owned(),
            version: "0.0.0".to_owned(),
            build: "test".to_owned(),
            pid: 1,
            started_at: Timestamp(0).to_rfc3339(),
            built_at: None,
        };
        (instance, Can::default())
    }

    fn connected(&self, _: &Caller) -> Result<(), RpcError> {
        self.connected.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn looks(&self, _: &Caller, _: tenon_protocol::context::ContextParams) {}

    fn disconnected(&self, _: u64) {
        self.disconnected.notify_one();
    }
}

/// Declares a method of the tests.
macro_rules! test_method {
    ($marker:ident $name:literal $params:ty => $result:ty, $access:ident) => {
        enum $marker {}
        impl Method for $marker {
            const NAME: &'static str = $name;
            const STABILITY: Stability = Stability::Experimental;
            const ACCESS: Access = Access::$access;
            const SUMMARY: &'static str = "A method of the tests.";
            const ERRORS: &'static [ErrorKind] = &[];
            type Params = $params;
            type Result = $result;
        }
    };
}

test_method!(Echo "echo" BTreeMap<String, Value> => BTreeMap<String, Value>, Look);
test_method!(Write "write" BTreeMap<String, Value> => u64, Act);
test_method!(Hold "hold" BTreeMap<String, usize> => usize, Look);
test_method!(Boom "boom" BTreeMap<String, Value> => u64, Look);
test_method!(Watch "watch" BTreeMap<String, usize> => String, Look);
test_method!(Large "large" BTreeMap<String, usize> => String, Look);

/// A log of numbered events, as many as the world's tail has.
struct Numbers {
    world: Arc<World>,
    bytes: usize,
    seq: u64,
}

impl Source for Numbers {
    async fn next(&mut self) -> Option<Delivery> {
        self.world.tail.acquire().await.ok()?.forget();
        self.seq += 1;
        self.world.delivered.fetch_add(1, Ordering::SeqCst);
        let json = format!(r#"{{"seq":{},"text":"{}"}}"#, self.seq, "x".repeat(self.bytes));
        let cursor = tenon_protocol::cursor::Cursor { epoch: 1, seq: self.seq };
        Some(Delivery { json: json.into(), cursor: Some(cursor) })
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        self.world.subscription_dropped.store(true, Ordering::SeqCst);
    }
}

pub(in crate::wire) type Shared = Arc<World>;

async fn hold(world: Shared, _: Arc<Caller>, params: BTreeMap<String, usize>) -> Result<usize, RpcError> {
    let number = params.get("number").copied().unwrap_or_default();
    if world.began.fetch_add(1, Ordering::SeqCst) != number {
        world.disordered.fetch_add(1, Ordering::SeqCst);
    }
    let permit = world.gate.acquire().await;
    permit.map_err(|error| RpcError::new(ErrorKind::Internal, error.to_string()))?.forget();
    world.went_on.fetch_add(1, Ordering::SeqCst);
    Ok(number)
}

async fn watch(world: Shared, _: Arc<Caller>, params: BTreeMap<String, usize>) -> Reply {
    let start = tenon_protocol::cursor::Cursor { epoch: 1, seq: 0 };
    let source = Numbers { world, bytes: params.get("bytes").copied().unwrap_or_default(), seq: 0 };
    Ok(Answer::Observing(Box::new(Subscription::new("s_1".to_owned(), start, source))))
}

pub(in crate::wire) fn router(world: &Shared) -> Arc<Router> {
    let table = Table::new(Arc::clone(world))
        .method::<Echo, _, _>(|_, _, params| async { Ok(params) })
        .and_then(|table| table.method::<Write, _, _>(|_, _, _| async { Ok(1) }))
        .and_then(|table| table.method::<Hold, _, _>(hold))
        .and_then(|table| {
            table.method::<Boom, _, _>(|_, _, params: BTreeMap<String, Value>| async move {
                tokio::task::yield_now().await;
                assert!(params.contains_key("calm"), "boom");
                Ok(1)
            })
        })
        .and_then(|table| table.connection_method::<Watch, _, _>(watch))
        .and_then(|table| {
            table.method::<Large, _, _>(|world: Shared, _, params: BTreeMap<String, usize>| async move {
                world.began.fetch_add(1, Ordering::SeqCst);
                Ok("x".repeat(params.get("bytes").copied().unwrap_or(0)))
            })
        })
        .and_then(|table| {
            table.connection_method::<Unobserve, _, _>(|_, _, (id,)| async { Ok(Answer::Unobserve(id)) })
        });
    Router::new(table.unwrap().finish(), Arc::clone(world) as Arc<dyn Host>)
}

/// What a client reads.
struct Inbox {
    read: OwnedReadHalf,
    buffer: BytesMut,
    codec: Codec,
    messages: VecDeque<Value>,
}

impl Inbox {
    /// Returns the next message; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(message) = self.messages.pop_front() {
                return Some(message);
            }
            // A peer that was cut off may leave a reset instead of an end.
            if self.read.read_buf(&mut self.buffer).await.unwrap_or(0) == 0 {
                return None;
            }
            while let Some(frame) = self.codec.decode(&mut self.buffer).unwrap() {
                let Frame::Body(body) = frame else { panic!("too large an answer") };
                self.messages.push_back(serde_json::from_slice(&body).unwrap());
            }
        }
    }
}

/// A client of a connection: writes bytes, reads messages. Dropping it unread fails nothing; `done` does.
struct Client {
    inbox: Inbox,
    write: OwnedWriteHalf,
    task: Task<End>,
    world: Shared,
    clock: Arc<ManualClock>,
    stop: CancellationToken,
}

impl Client {
    fn connect() -> Self {
        Self::connect_as(Standing::parent())
    }

    fn connect_as(standing: Standing) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (world, clock, stop) =
            (Shared::default(), Arc::<ManualClock>::default(), CancellationToken::new());
        let setup = Setup {
            peer: router(&world).peer(),
            standing,
            clock: Arc::clone(&clock) as SharedClock,
            stop: stop.clone(),
        };
        let (reader, writer) = theirs.into_split();
        let task = task::spawn(serve(Streams::new(reader, writer), setup));
        let (read, write) = ours.into_split();
        let inbox = Inbox { read, buffer: BytesMut::new(), codec: Codec::new(), messages: VecDeque::new() };
        Self { inbox, write, task, world, clock, stop }
    }

    /// Connects in the framing of lines and introduces itself.
    async fn ready() -> Self {
        Self::introduced(&json!({"protocol": [1], "render": {}})).await
    }

    async fn introduced(hello: &Value) -> Self {
        let mut client = Self::connect();
        client.send(&initialize(hello)).await;
        assert_eq!(client.receive().await["id"], 0);
        client
    }

    async fn send(&mut self, message: &Value) {
        self.send_text(&format!("{message}\n")).await;
    }

    async fn send_text(&mut self, text: &str) {
        self.write.write_all(text.as_bytes()).await.unwrap();
    }

    /// Sends a request; the answer comes when it comes.
    async fn request(&mut self, id: u64, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
    }

    /// Sends a request and returns the next message.
    async fn call(&mut self, id: u64, method: &str, params: Value) -> Value {
        self.request(id, method, params).await;
        self.receive().await
    }

    async fn receive(&mut self) -> Value {
        self.inbox.next().await.expect("the connection ended instead of answering")
    }

    /// Checks that nothing more comes, and returns how the connection ended.
    async fn done(mut self) -> End {
        assert_eq!(self.inbox.next().await, None);
        self.task.await.unwrap()
    }
}

pub(in crate::wire) fn initialize(hello: &Value) -> Value {
    let params = json!({"processId": null, "capabilities": {"experimental": {"agent": hello}}});
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
}

fn with_headers(message: &Value) -> String {
    let body = message.to_string();
    format!("Content-Length: {}\r\n\r\n{body}", body.len())
}

fn code(message: &Value) -> i64 {
    message["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {message}"))
}
