//! The client against a small agent of the test's own, over real sockets. Not here: the real agent.
use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};
use tenon_protocol::error::ErrorKind;
use tenon_protocol::handshake::ClientHello;
use tenon_protocol::list::ListParams;
use tenon_protocol::log::After;
use tenon_protocol::methods::{Interrupt, List};
use tenon_protocol::prompt::{InterruptParams, PromptParams};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinHandle;

use crate::connection::ITEMS_MAX;
use crate::{Client, ClientError, ClientOptions, Connector, Entrance, Item, ObserveOptions};

/// Hands out the connections it was given, then says that the agent has left.
struct Streams(VecDeque<UnixStream>);

impl Connector for Streams {
    async fn connect(&mut self, _: Entrance) -> Result<UnixStream, ClientError> {
        self.0.pop_front().ok_or(ClientError::Left)
    }
}

/// The agent's end of one connection.
struct Agent {
    lines: tokio::io::Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl Agent {
    async fn receive(&mut self) -> Value {
        let line = self.lines.next_line().await.unwrap().expect("the client is there");
        serde_json::from_str(&line).unwrap()
    }

    /// Receives a message and asserts its method.
    async fn expect(&mut self, method: &str) -> Value {
        let message = self.receive().await;
        assert_eq!(message["method"], method, "{message}");
        message
    }

    async fn send(&mut self, message: Value) {
        // The client may be gone already: then nobody wants it.
        drop(self.writer.write_all(format!("{message}\n").as_bytes()).await);
    }

    async fn answer(&mut self, request: &Value, result: Value) {
        self.send(json!({"jsonrpc": "2.0", "id": request["id"], "result": result})).await;
    }

    /// Waits for a subscription, names it, and returns what was asked for.
    async fn subscribe(&mut self, id: &str) -> Value {
        let request = self.expect("agent/observe").await;
        self.answer(&request, json!(id)).await;
        request["params"].clone()
    }

    async fn greet(&mut self) {
        let request = self.expect("initialize").await;
        assert_eq!(request["params"]["capabilities"]["experimental"]["agent"]["protocol"], json!([1]));
        let hello = json!({
            "protocol": 1,
            "instance": {"id": "i", "version": "0.1.0", "build": "b", "pid": 1, "startedAt": "2026-01-02T03:04:05.678Z"},
            "can": {}, "limits": {"message": 1, "page": 1, "inline": 1}, "schema": "b3:0", "experimental": [],
        });
        let result = json!({"capabilities": {"experimental": {"agent": hello}}});
        self.answer(&request, result).await;
        self.expect("initialized").await;
    }

    async fn event(&mut self, subscription: &str, seq: u64) {
        let event =
            json!({"seq": seq, "epoch": 1, "session": "s_1", "type": "notice", "data": {}, "text": "n"});
        self.deliver(subscription, event).await;
    }

    async fn deliver(&mut self, subscription: &str, result: Value) {
        let params = json!({"subscription": subscription, "result": result});
        self.send(json!({"jsonrpc": "2.0", "method": "agent/event", "params": params})).await;
    }
}

/// Makes `count` connections, and a client whose first one they are.
fn connections(count: usize) -> (Streams, VecDeque<Agent>) {
    let (mut ours, mut theirs) = (VecDeque::new(), VecDeque::new());
    for _ in 0..count {
        let (a, b) = UnixStream::pair().unwrap();
        ours.push_back(a);
        let (reader, writer) = b.into_split();
        theirs.push_back(Agent { lines: BufReader::new(reader).lines(), writer });
    }
    (Streams(ours), theirs)
}

fn options(environment: &[(&str, &str)]) -> ClientOptions {
    let hello = ClientHello {
        protocol: vec![1],
        client: None,
        role: None,
        render: None,
        events: None,
        experimental: None,
    };
    let pairs = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    ClientOptions { hello, environment: pairs.collect::<BTreeMap<_, _>>(), waiting: None }
}

#[expect(clippy::disallowed_methods, reason = "the fake agent of a test; it ends with its sockets")]
fn play<T: Send + 'static>(agent: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(agent)
}

async fn connect(streams: Streams) -> Client {
    Client::connect(streams, options(&[])).await.unwrap()
}

fn seq(item: Result<Item, ClientError>) -> u64 {
    match item.unwrap() {
        Item::Event(event) => event.seq.unwrap(),
        other @ (Item::Delta(_) | Item::Local(_) | Item::Reset(_)) => {
            panic!("an event was expected: {other:?}")
        }
    }
}

#[tokio::test]
async fn the_environment_comes_before_the_handshake_and_nothing_when_there_is_none() {
    let (streams, mut agents) = connections(1);
    let mut agent = agents.remove(0).unwrap();
    let played = play(async move {
        let environment = agent.expect("$/environment").await;
        assert_eq!(environment["params"]["variables"], json!({"LANG": "C"}));
        assert!(environment.get("id").is_none());
        agent.greet().await;
    });
    let client = Client::connect(streams, options(&[("LANG", "C")])).await.unwrap();
    assert_eq!(client.agent().await.unwrap().instance.pid, 1);
    played.await.unwrap();
}

#[tokio::test]
async fn answers_find_their_calls_in_any_order_and_errors_pass_through() {
    let (streams, mut agents) = connections(1);
    let mut agent = agents.remove(0).unwrap();
    let played = play(async move {
        agent.greet().await;
        let first = agent.expect("agent/interrupt").await;
        let second = agent.expect("agent/list").await;
        let error = json!({"code": 1002, "message": "no such kind", "data": {"kind": "unknownKind"}});
        agent.send(json!({"jsonrpc": "2.0", "id": second["id"], "error": error})).await;
        agent.answer(&first, json!({"seq": 7})).await;
    });
    let client = connect(streams).await;
    let params = InterruptParams { session_id: "s_1".into(), turn_id: None, jobs: None, drop: None };
    let moon = json!({"kind": "moon"});
    let (interrupted, listed) =
        tokio::join!(client.call::<Interrupt>(&params), client.call_raw("agent/list", &moon),);
    assert_eq!(interrupted.unwrap().seq, 7);
    match listed {
        Err(ClientError::Rpc(error)) => assert!(error.is(ErrorKind::UnknownKind)),
        other => panic!("an error was expected: {other:?}"),
    }
    played.await.unwrap();
}

#[tokio::test]
async fn words_of_a_later_agent_are_kept() {
    let (streams, mut agents) = connections(1);
    let agent = play(async move {
        let mut agent = agents.pop_front().unwrap();
        agent.greet().await;
        let request = agent.expect("agent/prompt").await;
        agent.answer(&request, json!({"outcome": "postponed", "messageId": "m_1", "seq": 3})).await;
        let request = agent.expect("agent/list").await;
        let data = json!({"kind": "asleep", "retry": "tomorrow"});
        let error = json!({"code": 1999, "message": "it sleeps", "data": data});
        agent.send(json!({"jsonrpc": "2.0", "id": request["id"], "error": error})).await;
        agent
    });
    let client = connect(streams).await;
    let params = PromptParams::new("s_1".into(), Vec::new());
    let told = client.prompt(params).await.unwrap();
    assert_eq!((told.outcome.as_str(), told.seq), ("postponed", 3));
    let refused = client.call::<List>(&ListParams::of("session")).await.unwrap_err();
    assert!(matches!(&refused, ClientError::Rpc(error) if error.kind() == Some("asleep")), "{refused:?}");
    drop(agent.await.unwrap());
}

#[tokio::test]
async fn a_lost_connection_ends_every_waiting_call_and_the_next_call_makes_a_new_one() {
    let (streams, mut agents) = connections(2);
    let (mut first, mut second) = (agents.remove(0).unwrap(), agents.remove(0).unwrap());
    let played = play(async move {
        first.greet().await;
        first.expect("agent/list").await;
        first.expect("agent/list").await;
        drop(first);
        second.greet().await;
        let request = second.expect("agent/list").await;
        second.answer(&request, json!({"items": [], "rev": 3})).await;
        second
    });
    let client = connect(streams).await;
    let list = || client.call_raw("agent/list", &Value::Null);
    let (a, b) = tokio::join!(list(), list());
    assert!(matches!(a, Err(ClientError::Disconnected)) && matches!(b, Err(ClientError::Disconnected)));
    let params = serde_json::from_value(json!({"kind": "session"})).unwrap();
    assert_eq!(client.call::<List>(&params).await.unwrap().rev, 3);
    drop(played.await.unwrap());
    assert!(matches!(list().await, Err(ClientError::Left | ClientError::Disconnected)));
    assert!(matches!(list().await, Err(ClientError::Left)));
}

#[tokio::test]
async fn a_subscription_goes_on_behind_its_last_event_and_yields_none_twice() {
    let (streams, mut agents) = connections(2);
    let (mut first, mut second) = (agents.remove(0).unwrap(), agents.remove(0).unwrap());
    let played = play(async move {
        first.greet().await;
        let request = first.expect("agent/observe").await;
        assert_eq!(request["params"], json!({"sessionId": "s_1", "after": "start"}));
        first.answer(&request, json!("sub-1")).await;
        first.event("sub-1", 1).await;
        first.deliver("sub-1", json!({"d": "m_1", "from": 0, "t": "hi"})).await;
        first.event("sub-1", 2).await;
        drop(first);
        second.greet().await;
        let request = second.expect("agent/open").await;
        assert_eq!(request["params"], json!({"sessionId": "s_1"}));
        let refused = json!({"code": 1801, "message": "the disk is full", "data": {"kind": "storageFull"}});
        second.send(json!({"jsonrpc": "2.0", "id": request["id"], "error": refused})).await;
        let request = second.expect("agent/open").await;
        second.answer(&request, open_result()).await;
        let request = second.expect("agent/observe").await;
        assert_eq!(request["params"]["after"], "1.2");
        second.answer(&request, json!("sub-2")).await;
        second.event("sub-2", 2).await;
        second.event("sub-2", 3).await;
        second.deliver("sub-2", closed("deleted")).await;
        second
    });
    let client = connect(streams).await;
    let options = ObserveOptions { attach: true, ..ObserveOptions::default() };
    let mut events = client.observe("s_1", After::Start, options).await.unwrap();
    assert_eq!(seq(events.next().await), 1);
    assert!(matches!(events.next().await, Ok(Item::Delta(delta)) if delta.t == "hi"));
    assert_eq!(seq(events.next().await), 2);
    assert!(matches!(events.next().await, Err(ClientError::Rpc(_))), "a refusal is reported");
    assert_eq!(seq(events.next().await), 3, "and the subscriber may try again");
    assert!(matches!(events.next().await, Ok(Item::Local(event)) if event.kind == "observe.closed"));
    assert!(matches!(events.next().await, Err(ClientError::Ended)));
    played.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_breaks_while_it_subscribes_costs_nothing() {
    let (streams, mut agents) = connections(2);
    let (mut first, mut second) = (agents.remove(0).unwrap(), agents.remove(0).unwrap());
    let played = play(async move {
        first.greet().await;
        first.expect("agent/observe").await;
        drop(first);
        second.greet().await;
        let request = second.expect("agent/observe").await;
        second.answer(&request, json!("sub-1")).await;
        second.event("sub-1", 1).await;
        second
    });
    let client = connect(streams).await;
    let mut events = client.observe("s_1", After::Start, ObserveOptions::default()).await.unwrap();
    assert_eq!(seq(events.next().await), 1);
    played.await.unwrap();
}

#[tokio::test]
async fn an_agent_that_leaves_during_the_handshake_is_replaced_by_the_next() {
    let (streams, mut agents) = connections(2);
    let (leaving, mut next) = (agents.remove(0).unwrap(), agents.remove(0).unwrap());
    drop(leaving);
    let played = play(async move {
        next.greet().await;
        next
    });
    drop(connect(streams).await);
    played.await.unwrap();
}

fn closed(reason: &str) -> Value {
    json!({"type": "observe.closed", "data": {"reason": reason, "cursor": "1.3"}, "text": "closed"})
}

fn open_result() -> Value {
    json!({
        "session": {
            "id": "s_1", "workspace": "file:///w", "title": "", "state": "idle", "model": "p/m", "profile": "read",
            "createdAt": "", "updatedAt": "", "head": "1.2", "changedFiles": 0, "cost": 0.0, "unanswered": 0,
        },
        "snapshot": {
            "state": "idle", "settings": {}, "trust": "trusted", "items": [], "requests": [], "queue": [],
            "tests": [], "plans": [], "jobs": [], "usage": {"inputTokens": 0, "outputTokens": 0},
        },
        "cursor": "1.2",
    })
}

#[tokio::test]
async fn a_slow_subscriber_loses_no_event_and_may_call_while_it_is_behind() {
    let (streams, mut agents) = connections(1);
    let mut agent = agents.remove(0).unwrap();
    let total = 3 * u64::try_from(ITEMS_MAX).unwrap();
    let played = play(async move {
        agent.greet().await;
        let mut opened = 0;
        // Serves until the client goes: every subscription gets the rest of the log, as the agent does it.
        while let Ok(Some(line)) = agent.lines.next_line().await {
            let request: Value = serde_json::from_str(&line).unwrap();
            match request["method"].as_str().unwrap() {
                "agent/observe" => {
                    opened += 1;
                    let id = format!("sub-{opened}");
                    agent.answer(&request, json!(id)).await;
                    let after = request["params"]["after"].as_str().unwrap();
                    let after = after.strip_prefix("1.").map_or(0, |seq| seq.parse().unwrap());
                    for seq in after + 1..=total {
                        agent.event(&id, seq).await;
                    }
                }
                "agent/unobserve" => agent.answer(&request, json!(true)).await,
                _ => agent.answer(&request, json!({"items": [], "rev": 1})).await,
            }
        }
        opened
    });
    let client = connect(streams).await;
    let mut events = client.observe("s_1", After::Start, ObserveOptions::default()).await.unwrap();
    client.call_raw("agent/list", &Value::Null).await.unwrap();
    for expected in 1..=total {
        assert_eq!(seq(events.next().await), expected);
    }
    drop((events, client));
    assert!(played.await.unwrap() > 1, "the queue was never full, so nothing was tested");
}

#[tokio::test]
async fn a_dropped_subscription_is_given_up_at_the_agent() {
    let (streams, mut agents) = connections(1);
    let mut agent = agents.remove(0).unwrap();
    let played = play(async move {
        agent.greet().await;
        agent.subscribe("sub-1").await;
        assert_eq!(agent.expect("agent/unobserve").await["params"], json!(["sub-1"]));
    });
    let client = connect(streams).await;
    drop(client.observe("all", After::Now, ObserveOptions::default()).await.unwrap());
    played.await.unwrap();
}

#[tokio::test]
async fn what_is_no_message_ends_the_connection() {
    let (streams, mut agents) = connections(1);
    let mut agent = agents.remove(0).unwrap();
    let played = play(async move {
        agent.greet().await;
        agent.expect("agent/list").await;
        agent.writer.write_all(b"{\"broken\n").await.unwrap();
        agent
    });
    let client = connect(streams).await;
    let outcome = client.call_raw("agent/list", &Value::Null).await;
    assert!(matches!(outcome, Err(ClientError::Disconnected)));
    drop(played.await.unwrap());
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_at_the_agent() {
    let (streams, mut agents) = connections(1);
    let mut agent = agents.remove(0).unwrap();
    let (arrived, mut arrivals) = tokio::sync::mpsc::channel(1);
    let played = play(async move {
        agent.greet().await;
        let request = agent.expect("agent/list").await;
        arrived.send(()).await.unwrap();
        let cancelled = agent.expect("$/cancelRequest").await;
        assert_eq!(cancelled["params"], json!({"id": request["id"]}));
        assert!(cancelled.get("id").is_none());
        // A late answer, whatever it is, is nobody's.
        agent.answer(&request, json!({"items": [], "rev": 1})).await;
        let request = agent.expect("agent/observe").await;
        arrived.send(()).await.unwrap();
        assert_eq!(agent.expect("$/cancelRequest").await["params"], json!({"id": request["id"]}));
        agent.answer(&request, json!("sub-1")).await;
        assert_eq!(agent.expect("agent/unobserve").await["params"], json!(["sub-1"]));
        arrived.send(()).await.unwrap();
        let request = agent.expect("agent/list").await;
        agent.answer(&request, json!({"items": [], "rev": 2})).await;
    });
    let client = connect(streams).await;
    let list = ListParams::of("session");
    tokio::select! {
        outcome = client.call::<List>(&list) => panic!("{outcome:?}"),
        arrival = arrivals.recv() => arrival.unwrap(),
    }
    tokio::select! {
        outcome = client.observe("s_1", After::Start, ObserveOptions::default()) => panic!("{outcome:?}"),
        arrival = arrivals.recv() => arrival.unwrap(),
    }
    arrivals.recv().await.unwrap();
    assert_eq!(client.call::<List>(&list).await.unwrap().rev, 2);
    played.await.unwrap();
}

#[tokio::test]
async fn what_only_looks_and_what_has_a_key_is_sent_again() {
    let (streams, mut agents) = connections(3);
    let mut next = || agents.pop_front().unwrap();
    let (mut first, mut second, mut third) = (next(), next(), next());
    let played = play(async move {
        first.greet().await;
        first.expect("agent/list").await;
        drop(first);
        second.greet().await;
        let request = second.expect("agent/list").await;
        second.answer(&request, json!({"items": [], "rev": 3})).await;
        let sent = second.expect("agent/prompt").await;
        drop(second);
        third.greet().await;
        let again = third.expect("agent/prompt").await;
        assert!(sent["params"]["key"].is_string(), "{sent}");
        assert_eq!(sent["params"], again["params"]);
        third.answer(&again, json!({"outcome": "duplicate", "messageId": "m_1", "seq": 4})).await;
        third.expect("agent/interrupt").await;
    });
    let client = connect(streams).await;
    assert_eq!(client.call::<List>(&ListParams::of("session")).await.unwrap().rev, 3);
    let prompt = PromptParams::new("s_1".into(), Vec::new());
    assert_eq!(client.prompt(prompt).await.unwrap().seq, 4);
    let params = InterruptParams { session_id: "s_1".into(), turn_id: None, jobs: None, drop: None };
    let outcome = client.call::<Interrupt>(&params).await;
    assert!(matches!(outcome, Err(ClientError::Disconnected)), "what acts is sent once: {outcome:?}");
    played.await.unwrap();
}

#[tokio::test]
async fn a_place_that_is_gone_is_answered_with_a_fresh_picture() {
    let (streams, mut agents) = connections(1);
    let mut agent = agents.remove(0).unwrap();
    let gone = json!({"code": 1301, "message": "gone", "data": {"kind": "cursorExpired", "head": "2.9"}});
    let played = play(async move {
        agent.greet().await;
        for (open_answer, cursor) in [(open_result(), "1.2"), (Value::Null, "2.9")] {
            let request = agent.expect("agent/observe").await;
            assert_eq!(request["params"]["after"], "7.7");
            agent.send(json!({"jsonrpc": "2.0", "id": request["id"], "error": gone})).await;
            let request = agent.expect("agent/open").await;
            if open_answer.is_null() {
                let forbidden = json!({"code": 1403, "message": "no", "data": {"kind": "forbidden"}});
                agent.send(json!({"jsonrpc": "2.0", "id": request["id"], "error": forbidden})).await;
            } else {
                agent.answer(&request, open_answer).await;
            }
            assert_eq!(agent.subscribe("sub").await["after"], cursor);
            agent.event("sub", 10).await;
            assert_eq!(agent.expect("agent/unobserve").await["params"], json!(["sub"]));
        }
        let request = agent.expect("agent/observe").await;
        agent.send(json!({"jsonrpc": "2.0", "id": request["id"], "error": gone})).await;
        let request = agent.expect("agent/observe").await;
        assert_eq!(request["params"], json!({"sessionId": "all", "after": "2.9"}));
        agent.answer(&request, json!("sub")).await;
    });
    let client = connect(streams).await;
    let stale = After::Cursor("7.7".parse().unwrap());
    for has_picture in [true, false] {
        let mut events = client.observe("s_1", stale, ObserveOptions::default()).await.unwrap();
        let Item::Reset(reset) = events.next().await.unwrap() else { panic!("no reset") };
        assert_eq!(reset.opened.is_some(), has_picture);
        assert_eq!(seq(events.next().await), 10);
    }
    let mut events = client.observe("all", stale, ObserveOptions::default()).await.unwrap();
    assert!(matches!(events.next().await, Ok(Item::Reset(reset)) if reset.opened.is_none()));
    played.await.unwrap();
}

#[tokio::test]
async fn a_subscription_that_the_agent_ended_is_opened_again_unless_its_log_is_gone() {
    let (streams, mut agents) = connections(1);
    let mut agent = agents.remove(0).unwrap();
    let played = play(async move {
        agent.greet().await;
        agent.subscribe("sub-1").await;
        agent.event("sub-1", 3).await;
        agent.deliver("sub-1", closed("the client took nothing for ten minutes")).await;
        assert_eq!(agent.subscribe("sub-2").await["after"], "1.3");
        agent.event("sub-2", 4).await;
        agent.deliver("sub-2", closed("deleted")).await;
    });
    let client = connect(streams).await;
    let mut events = client.observe("s_1", After::Start, ObserveOptions::default()).await.unwrap();
    assert_eq!(seq(events.next().await), 3);
    assert_eq!(seq(events.next().await), 4);
    assert!(matches!(events.next().await, Ok(Item::Local(event)) if event.kind == "observe.closed"));
    assert!(matches!(events.next().await, Err(ClientError::Ended)));
    played.await.unwrap();
}

#[tokio::test]
async fn the_last_handle_that_is_dropped_ends_the_connection() {
    let (streams, mut agents) = connections(1);
    let mut agent = agents.remove(0).unwrap();
    let (told, dropped) = tokio::sync::oneshot::channel();
    let played = play(async move {
        agent.greet().await;
        agent.subscribe("sub-1").await;
        assert!(dropped.await.is_ok(), "the subscription alone holds it");
        agent.event("sub-1", 1).await;
        agent.lines.next_line().await.unwrap()
    });
    let client = connect(streams).await;
    let mut events = client.observe("s_1", After::Start, ObserveOptions::default()).await.unwrap();
    drop(client);
    told.send(()).unwrap();
    assert_eq!(seq(events.next().await), 1);
    drop(events);
    let rest = played.await.unwrap();
    assert!(rest.is_none_or(|line| line.contains("agent/unobserve")), "nothing else is sent");
}
