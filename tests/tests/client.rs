//! The Rust client against the real agent, whose daemon dies, hands over or is stopped under it. Not here: the client's own
//! tests against an agent that is played.
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tenon_client::protocol::content::Content;
use tenon_client::protocol::event::{Envelope, EventBody};
use tenon_client::protocol::list::ListParams;
use tenon_client::protocol::log::After;
use tenon_client::protocol::methods::{List, Open};
use tenon_client::protocol::open::{OpenParams, OpenResult};
use tenon_client::protocol::prompt::PromptParams;
use tenon_client::protocol::session::Settings;
use tenon_client::{Client, ClientError, ClientOptions, Endpoint, Item, ObserveOptions, Start, Subscription};
use tenon_tests::builds;
use tenon_tests::home::Home;
use tenon_tests::model_server::{Gate, ModelServer, Reply, Script};
use tenon_tests::process::Process;
use tenon_tests::running::PATIENCE;
use tenon_tests::surroundings::binary;

/// The endpoint of a home, which starts this program.
fn endpoint(home: &Home, program: &Path) -> Endpoint {
    let root = home.root().join("home").display().to_string();
    let variables =
        BTreeMap::from([("HOME".to_owned(), root), ("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    let start = Start::new(program.to_owned(), &variables, &home.state_dir());
    Endpoint { state_dir: home.state_dir(), start: Some(start) }
}

async fn connect(home: &Home) -> Client {
    Client::connect(endpoint(home, &binary().unwrap()), ClientOptions::new("test").deltas(30)).await.unwrap()
}

async fn open(client: &Client, home: &Home) -> (OpenResult, Subscription) {
    let settings = Settings { model: Some("fake/x".to_owned()), ..Settings::default() };
    let workspace = Some(home.workspace().display().to_string());
    let params = OpenParams { workspace, settings: Some(settings), ..OpenParams::default() };
    let opened = client.call::<Open>(&params).await.unwrap();
    let events = client.observe(opened.session.id.as_str(), After::Start, ObserveOptions::default()).await;
    (opened, events.unwrap())
}

/// Reads events up to one that `is_last`, and checks that none is missing or double.
async fn follow(events: &mut Subscription, from: u64, is_last: impl Fn(&Envelope) -> bool) -> Vec<Envelope> {
    let mut seen = Vec::new();
    loop {
        let item = tokio::time::timeout(PATIENCE, events.next()).await.expect("it comes in time").unwrap();
        let Item::Event(event) = item else { continue };
        let place = from + u64::try_from(seen.len()).unwrap();
        assert_eq!(event.seq, Some(place), "{event:?}");
        let last = is_last(&event);
        seen.push(event);
        if last {
            return seen;
        }
    }
}

fn is(kind: &'static str) -> impl Fn(&Envelope) -> bool {
    move |event| event.kind == kind
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_in_mid_stream_costs_no_event_and_doubles_none() {
    let gate = Gate::new();
    let first = Reply::text("one two three four").deltas(4).gate_after(2, &gate);
    let server = ModelServer::start(Script::new([first, Reply::text("one two three four")])).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let client = connect(&home).await;
    let before = client.agent().await.unwrap().instance;
    let (opened, mut events) = open(&client, &home).await;
    client.prompt(PromptParams::new(opened.session.id, vec![Content::text("go")])).await.unwrap();
    let seen = follow(&mut events, 1, is("message.started")).await;
    home.kill_daemon().unwrap();
    let next = u64::try_from(seen.len()).unwrap() + 1;
    let rest = follow(&mut events, next, is("turn.ended")).await;
    gate.open();
    let ended = rest.last().and_then(Envelope::body);
    assert!(matches!(ended, Some(EventBody::TurnEnded(ended)) if ended.stop.as_str() == "done"));
    assert_ne!(client.agent().await.unwrap().instance.id, before.id, "it is another daemon");
    home.tenon(&["log", "--verify"]).unwrap().expect(0).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_subscriptions_survive_a_newer_daemon() {
    let gate = Gate::new();
    let list = Reply::call("list", &json!({})).gate(&gate);
    let server = ModelServer::start(Script::new([list, Reply::text("finished")])).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let build = builds::newer(&home, 1).unwrap();
    let client = connect(&home).await;
    let (opened, mut events) = open(&client, &home).await;
    let session = opened.session.id;
    client.prompt(PromptParams::new(session.clone(), vec![Content::text("go")])).await.unwrap();
    server.wait_for_requests(1).await.unwrap();
    let mut all = client.observe("all", After::Now, ObserveOptions::default()).await.unwrap();
    let newer = tenon_tests::running::Running::start(home.command_of(&build, &["sessions"])).unwrap();
    while !matches!(all.next().await.unwrap(), Item::Event(event) if event.kind == "agent.draining") {}
    // Refused by the one that leaves, taken by the one that comes.
    let queued = client.prompt(PromptParams::new(session, vec![Content::text("and then?")]));
    let opened = async {
        tokio::task::yield_now().await;
        gate.open();
    };
    let (queued, ()) = tokio::join!(queued, opened);
    assert!(queued.is_ok(), "{queued:?}");
    newer.finish().unwrap().expect(0).unwrap();
    let seen = follow(&mut events, 1, is("turn.ended")).await;
    assert_eq!(seen.iter().filter(|event| event.kind == "attempt.started").count(), 2);
    client.call::<List>(&ListParams::of("session")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_a_person_stopped_is_not_started_again_behind_their_back() {
    let home = Home::new().unwrap();
    let client = connect(&home).await;
    let mut all = client.observe("all", After::Now, ObserveOptions::default()).await.unwrap();
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    let left = loop {
        match all.next().await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(left, ClientError::Left), "{left:?}");
    assert!(home.daemon().unwrap().is_none());
    // A new client is another matter.
    connect(&home).await.call::<List>(&ListParams::of("session")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_place_brings_the_picture_of_now() {
    let home = Home::new().unwrap();
    let client = connect(&home).await;
    let params =
        OpenParams { workspace: Some(home.workspace().display().to_string()), ..OpenParams::default() };
    let opened = client.call::<Open>(&params).await.unwrap();
    let stale = After::Cursor("3.1000".parse().unwrap());
    let session = opened.session.id;
    let mut events = client.observe(session.as_str(), stale, ObserveOptions::default()).await.unwrap();
    let Item::Reset(reset) = events.next().await.unwrap() else { panic!("no reset") };
    assert_eq!(reset.cursor, opened.cursor);
    assert_eq!(reset.opened.unwrap().session.id, session);
    assert!(matches!(events.next().await.unwrap(), Item::Local(event) if event.kind == "observe.opened"));
}

/// Tells whether every thread of a process is stopped.
fn stands_still(process: &Process) -> bool {
    let threads = std::fs::read_dir(process.proc("task")).unwrap();
    let mut states = threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("stat")));
    states
        .all(|stat| stat.is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_an_answer_in_time_is_told_and_the_connection_goes_on() {
    let home = Home::new().unwrap();
    let client = connect(&home).await;
    let params = ListParams::of("session");
    let daemon = home.daemon().unwrap().unwrap();
    daemon.signal(Signal::STOP);
    // It answers until the last of its threads stands still.
    while !stands_still(&daemon) {
        tokio::task::yield_now().await;
    }
    let late = client.call_within::<List>(&params, Duration::from_millis(50)).await;
    daemon.signal(Signal::CONT);
    assert!(matches!(late, Err(ClientError::TimedOut { .. })), "{late:?}");
    client.call_within::<List>(&params, PATIENCE).await.unwrap();
}
