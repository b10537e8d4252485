//! HTTP over real TCP connections, with the small table of methods of the connection's tests. Not here: the gate (`gate`), which
//! is tested by itself and against a real daemon.
use std::sync::atomic::Ordering;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tenon_tests::web::{Site, masked};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::*;
use crate::base::clock::SharedClock;
use crate::base::task::{self, Task};
use crate::wire::admission::{CONNECTIONS_MAX, FRESH_MAX, Standing};
use crate::wire::connection::tests::{ManualClock, Shared, initialize, router};
use crate::wire::server::Server;

/// The limit of a message.
const MESSAGE_MAX: usize = 16 * 1024 * 1024;

/// A server that listens for HTTP.
struct Listening {
    site: Site,
    server: Server,
    world: Shared,
    clock: Arc<ManualClock>,
    task: Task<()>,
    _run: tempfile::TempDir,
}

impl Listening {
    async fn start() -> Self {
        let run = tempfile::tempdir().unwrap();
        let (world, clock) = (Shared::default(), Arc::<ManualClock>::default());
        let server = Server::new(router(&world), Arc::clone(&clock) as SharedClock);
        let options =
            HttpOptions { host: "127.0.0.1".to_owned(), port: 0, is_remote: false, origins: Vec::new() };
        let listener = Listener::bind(options, run.path()).await.unwrap();
        let token = fs::read_to_string(run.path().join(TOKEN)).unwrap();
        let site = Site { host: listener.address().to_string(), token };
        let listening = server.clone();
        let task = task::spawn(async move { listening.listen_http(listener).await });
        Self { site, server, world, clock, task, _run: run }
    }

    async fn dial(&self) -> TcpStream {
        TcpStream::connect(&self.site.host).await.unwrap()
    }

    /// Sends the head of a POST, and what is given of its body.
    async fn begin_post(&self, length: usize, body: &str) -> TcpStream {
        let mut stream = self.dial().await;
        let head =
            format!("POST / HTTP/1.1\r\n{}Content-Length: {length}\r\n\r\n{body}", self.site.headers());
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    /// Posts a body; returns the status and the answer.
    async fn post(&self, body: &str) -> (u16, Value) {
        answer(self.begin_post(body.len(), body).await).await
    }

    /// Returns a WebSocket whose client has said nothing yet.
    async fn upgraded(&self) -> TcpStream {
        let mut stream = self.dial().await;
        let request = format!("GET / HTTP/1.1\r\n{}{}\r\n", self.site.headers(), Site::upgrade());
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "));
        stream
    }

    async fn socket(&self) -> Client {
        let config = WebSocketConfig::default().max_frame_size(None).max_message_size(None);
        let stream = self.upgraded().await;
        Client(WebSocketStream::from_raw_socket(stream, Role::Client, Some(config)).await)
    }

    /// Returns a client that has introduced itself.
    async fn client(&self) -> Client {
        let mut client = self.socket().await;
        client.send(&initialize(&json!({"protocol": [1], "render": {}}))).await;
        assert_eq!(client.receive().await.unwrap()["id"], 0);
        client
    }
}

/// The client's side of a WebSocket.
struct Client(WebSocketStream<TcpStream>);

impl Client {
    async fn send(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Returns the next message; `None` at the end.
    async fn receive(&mut self) -> Option<Value> {
        match self.0.next().await {
            Some(Ok(Message::Text(text))) => Some(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => None,
            Some(other) => panic!("{other:?}"),
        }
    }

    async fn call(&mut self, id: u64, method: &str, params: &Value) -> Value {
        self.send(&request(id, method, params)).await;
        self.receive().await.expect("an answer")
    }
}

fn request(id: u64, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

fn code(message: &Value) -> i64 {
    message["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {message}"))
}

async fn answer(mut stream: TcpStream) -> (u16, Value) {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text}"));
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
}

/// Waits for the end of a stream nothing more comes from.
async fn ends(mut stream: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    // A peer that was cut off may leave a reset instead of an end.
    drop(stream.read_to_end(&mut rest).await);
    rest
}

/// Returns a request of exactly so many bytes, all but a few of them in a member nobody knows.
fn request_of(bytes: usize) -> String {
    let mut text = String::from(r#"{"jsonrpc":"2.0","id":1,"method":"echo","more":""#);
    text.push_str(&"x".repeat(bytes - text.len() - 2));
    text + "\"}"
}

#[tokio::test]
async fn a_handler_that_panics_fails_alone() {
    let listening = Listening::start().await;
    let mut client = listening.client().await;
    assert_eq!(code(&client.call(1, "boom", &json!({})).await), -32603);
    let (status, posted) = listening.post(&request(2, "boom", &json!({})).to_string()).await;
    assert_eq!((status, &posted["id"], code(&posted)), (200, &json!(2), -32603));
    assert!(!posted.to_string().contains("assert"), "{posted}");
    assert_eq!(client.call(3, "boom", &json!({"calm": 1})).await["result"], 1);
    let (_, posted) = listening.post(&request(4, "boom", &json!({"calm": 1})).to_string()).await;
    assert_eq!(posted["result"], 1);
}

#[tokio::test]
async fn dribbled_bytes_are_put_together() {
    let listening = Listening::start().await;
    let body = request(1, "echo", &json!({"a": "é"})).to_string();
    let head =
        format!("POST / HTTP/1.1\r\n{}Content-Length: {}\r\n\r\n", listening.site.headers(), body.len());
    let mut stream = listening.dial().await;
    for byte in format!("{head}{body}").as_bytes() {
        stream.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(answer(stream).await.1["result"], json!({"a": "é"}));

    let mut stream = listening.upgraded().await;
    let hello = initialize(&json!({"protocol": [1]})).to_string();
    let (first, rest) = body.as_bytes().split_at(body.find('é').unwrap() + 1);
    // The second message is cut within a character.
    let frames = [masked(1, true, hello.as_bytes()), masked(1, false, first), masked(0, true, rest)].concat();
    for byte in frames {
        stream.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut client = Client(WebSocketStream::from_raw_socket(stream, Role::Client, None).await);
    assert_eq!(client.receive().await.unwrap()["id"], 0);
    assert_eq!(client.receive().await.unwrap()["result"], json!({"a": "é"}));
}

#[tokio::test]
async fn a_message_of_sixteen_mebibytes_is_taken_and_no_larger_one() {
    let listening = Listening::start().await;
    let (fits, over) = (request_of(MESSAGE_MAX), request_of(MESSAGE_MAX + 1));
    assert_eq!(listening.post(&fits).await, (200, json!({"jsonrpc": "2.0", "id": 1, "result": {}})));
    let mut client = listening.client().await;
    client.0.send(Message::text(fits)).await.unwrap();
    assert_eq!(client.receive().await.unwrap()["result"], json!({}));
    // The agent may be gone before all of it is written.
    drop(client.0.send(Message::text(over)).await);
    let told = client.receive().await;
    assert!(told.is_none_or(|told| code(&told) == -32700));
    assert!(client.receive().await.is_none());
    let chunked =
        format!("POST / HTTP/1.1\r\n{}Transfer-Encoding: chunked\r\n\r\n", listening.site.headers());
    let mut stream = listening.dial().await;
    stream.write_all(chunked.as_bytes()).await.unwrap();
    let chunk = format!("{:x}\r\n{}", MESSAGE_MAX + 1, "x".repeat(MESSAGE_MAX + 1));
    stream.write_all(chunk.as_bytes()).await.unwrap();
    let (status, told) = answer(stream).await;
    assert_eq!((status, code(&told)), (413, -32700));
    // Whoever comes next is served as ever.
    assert_eq!(listening.client().await.call(9, "echo", &json!({})).await["id"], 9);
}

#[tokio::test]
async fn damaged_frames_are_told_and_close() {
    let listening = Listening::start().await;
    let hello = masked(1, true, initialize(&json!({"protocol": [1]})).to_string().as_bytes());
    let unmasked = vec![0x81, 2, b'{', b'}'];
    let reserved = vec![0xf1, 0x80, 0, 0, 0, 0];
    let headless = masked(0, true, b"{}");
    for damaged in [unmasked, reserved, headless, masked(1, true, b"{\"a\":\"\xff\"}")] {
        let mut stream = listening.upgraded().await;
        stream.write_all(&hello).await.unwrap();
        stream.write_all(&damaged).await.unwrap();
        let mut client = Client(WebSocketStream::from_raw_socket(stream, Role::Client, None).await);
        assert_eq!(client.receive().await.unwrap()["id"], 0);
        let told = client.receive().await.unwrap();
        assert_eq!((&told["id"], code(&told)), (&Value::Null, -32700), "{damaged:?}");
        assert!(client.receive().await.is_none());
    }
}

#[tokio::test]
async fn what_is_no_text_is_unreadable_and_three_in_a_row_close() {
    let listening = Listening::start().await;
    let mut client = listening.client().await;
    for message in [Message::binary("{}"), Message::text("{"), Message::binary("")] {
        client.0.send(message).await.unwrap();
        assert_eq!(code(&client.receive().await.unwrap()), -32700);
    }
    assert!(client.receive().await.is_none());
}

#[tokio::test]
async fn silence_is_ended_by_time() {
    let listening = Listening::start().await;
    let (mut half, silent) = (listening.dial().await, listening.dial().await);
    half.write_all(b"POST / HTTP/1.1\r\nHost: loc").await.unwrap();
    // Another one is served while they say nothing.
    let mut client = listening.client().await;
    let upgraded = listening.upgraded().await;
    let body = listening.begin_post(1_000, "{").await;
    let greeted = listening.post(&request(1, "echo", &json!({})).to_string()).await;
    assert_eq!(greeted.0, 200);
    listening.clock.pass(Duration::from_secs(10));
    assert!(ends(half).await.is_empty() && ends(silent).await.is_empty());
    // A goodbye, of a WebSocket that never said hello; none where the time was up before its upgrade was taken over.
    assert!(matches!(ends(upgraded).await.as_slice(), [] | [0x88, 0]));
    assert_eq!(client.call(2, "echo", &json!({})).await["id"], 2);
    listening.clock.pass(Duration::from_mins(1));
    let (status, told) = answer(body).await;
    assert_eq!((status, code(&told)), (408, -32700));
}

#[tokio::test]
async fn strangers_take_no_place_from_anybody() {
    let listening = Listening::start().await;
    let mut strangers = Vec::new();
    for _ in 0..STRANGERS_MAX {
        strangers.push(listening.dial().await);
    }
    assert!(ends(listening.dial().await).await.is_empty(), "one more is closed without a word");
    let places: Vec<Standing> = (0..FRESH_MAX).filter_map(|_| listening.server.admit_known()).collect();
    assert!(places.iter().all(|place| matches!(place, Standing::Served { .. })));
    drop((strangers, places));
    // A place comes back when its task has noticed; until then it is closed as above.
    loop {
        let mut stream = listening.dial().await;
        let asked = format!("GET /nowhere HTTP/1.1\r\n{}\r\n", listening.site.headers());
        drop(stream.write_all(asked.as_bytes()).await);
        if ends(stream).await.starts_with(b"HTTP/1.1 404 ") {
            break;
        }
    }
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let listening = Listening::start().await;
    let mut places = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        let mut place = listening.server.admit_known().unwrap();
        place.settle();
        places.push(place);
    }
    let echo = request(1, "echo", &json!({})).to_string();
    let (status, told) = listening.post(&echo).await;
    assert_eq!((status, &told["id"], code(&told)), (503, &json!(1), 1008));
    let mut client = listening.socket().await;
    assert_eq!(code(&client.call(1, "echo", &json!({})).await), 1008);
    assert!(client.receive().await.is_none());
    drop(places);
    assert_eq!(listening.post(&echo).await.0, 200);
}

#[tokio::test]
async fn whoever_reads_no_answers_is_not_read() {
    let listening = Listening::start().await;
    let mut stream = listening.upgraded().await;
    let hello = masked(1, true, initialize(&json!({"protocol": [1]})).to_string().as_bytes());
    stream.write_all(&hello).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let sending = task::spawn(async move {
        for id in 1..=400 {
            let large = request(id, "large", &json!({"bytes": 65_536})).to_string();
            writing.write_all(&masked(1, true, large.as_bytes())).await.unwrap();
        }
        writing
    });
    let mut other = listening.client().await;
    for id in 0..200 {
        assert_eq!(other.call(id, "echo", &json!({})).await["id"], id);
    }
    let began = listening.world.began.load(Ordering::SeqCst);
    // The outbox, the buffer of frames, and what the kernel holds.
    assert!(began < 300, "{began} requests were taken from a peer that reads nothing");
    let mut received = vec![0; 64 * 1024];
    while listening.world.began.load(Ordering::SeqCst) < 400 {
        assert!(reading.read(&mut received).await.unwrap() > 0);
    }
    drop(sending.await.unwrap());
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_wait() {
    let listening = Listening::start().await;
    let held = request(1, "hold", &json!({"number": 0})).to_string();
    let stream = listening.begin_post(held.len(), &held).await;
    while listening.world.began.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    drop(stream);
    listening.world.disconnected.notified().await;
    assert_eq!(listening.post(&request(2, "echo", &json!({})).to_string()).await.0, 200);
}

#[tokio::test]
async fn stopping_answers_what_was_asked_and_ends_the_rest() {
    let listening = Listening::start().await;
    let silent = listening.dial().await;
    let mut client = listening.client().await;
    let held = request(1, "hold", &json!({"number": 0})).to_string();
    let posted = listening.begin_post(held.len(), &held).await;
    while listening.world.began.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    listening.server.stop();
    assert!(ends(silent).await.is_empty());
    assert!(client.receive().await.is_none());
    listening.world.gate.add_permits(1);
    assert_eq!(answer(posted).await.1["result"], 0);
    listening.task.await.unwrap();
}
