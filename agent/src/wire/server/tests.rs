//! Connections over a real socket and over pipes. Not here: the rules of one connection (`connection::tests`).
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::unix::pipe;

use super::*;
use crate::wire::admission::FRESH_MAX;
use crate::wire::connection::tests::{ManualClock, Shared, initialize, router};

fn server() -> Server {
    Server::new(router(&Shared::default()), Arc::<ManualClock>::default() as SharedClock)
}

/// A server that listens in a directory of its own.
struct Listening {
    state: tempfile::TempDir,
    server: Server,
    task: Task<()>,
}

impl Listening {
    fn start() -> Self {
        let (state, server) = (tempfile::tempdir().unwrap(), server());
        let socket = Socket::bind(state.path(), false).unwrap();
        let listening = server.clone();
        let task = task::spawn(async move { listening.listen(socket).await });
        Self { state, server, task }
    }

    async fn connect(&self) -> UnixStream {
        UnixStream::connect(self.state.path().join("run/agent.sock")).await.unwrap()
    }
}

/// Sends the same transcript over any carrier and returns what came back.
async fn transcript(read: impl AsyncRead + Unpin, mut write: impl AsyncWrite + Unpin) -> Vec<Value> {
    let mut sent = format!("{}\n", initialize(&json!({"protocol": [1]})));
    sent.push_str("{\"id\":1,\"method\":\"echo\",\"params\":{\"a\":1}}\nnonsense\n");
    sent.push_str("{\"id\":2,\"method\":\"nothing\"}\n");
    write.write_all(sent.as_bytes()).await.unwrap();
    write.flush().await.unwrap();
    let (mut lines, mut received) = (BufReader::new(read).lines(), Vec::new());
    while received.len() < 4 {
        received.push(serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap());
    }
    drop(write);
    received
}

#[tokio::test]
async fn the_same_transcript_gives_the_same_answers_on_the_socket_and_on_pipes() {
    let listening = Listening::start();
    let mut stream = listening.connect().await;
    let (read, write) = stream.split();
    let over_socket = transcript(read, write).await;

    let (input, to) = rustix::pipe::pipe().unwrap();
    let (from, output) = rustix::pipe::pipe().unwrap();
    let server = server();
    let serving = task::spawn(async move { server.serve_stdio(Stdio { input, output }).await.unwrap() });
    let to = pipe::Sender::from_owned_fd(to).unwrap();
    let over_pipes = transcript(pipe::Receiver::from_owned_fd(from).unwrap(), to).await;

    assert_eq!(over_socket, over_pipes);
    assert_eq!(over_socket[1], json!({"jsonrpc": "2.0", "id": 1, "result": {"a": 1}}));
    assert_eq!(serving.await.unwrap(), End::Closed);
}

#[tokio::test]
async fn stopping_ends_every_connection_and_removes_the_socket() {
    let Listening { state, server, task } = Listening::start();
    let path = state.path().join("run/agent.sock");
    let stream = UnixStream::connect(&path).await.unwrap();
    let (read, mut write) = stream.into_split();
    write.write_all(format!("{}\n", initialize(&json!({"protocol": [1]}))).as_bytes()).await.unwrap();
    let mut lines = BufReader::new(read).lines();
    assert!(lines.next_line().await.unwrap().is_some());
    server.stop();
    assert_eq!(lines.next_line().await.unwrap(), None);
    assert!(UnixStream::connect(&path).await.is_err(), "whoever is told of the end finds nobody listening");
    task.await.unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let listening = Listening::start();
    let mut silent = Vec::new();
    for _ in 0..FRESH_MAX {
        silent.push(listening.connect().await);
    }
    let (read, mut write) = listening.connect().await.into_split();
    write.write_all(format!("{}\n", initialize(&json!({"protocol": [1]}))).as_bytes()).await.unwrap();
    let mut lines = BufReader::new(read).lines();
    let answer: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(0), &json!(1008)));
    assert_eq!(lines.next_line().await.unwrap(), None);
}
