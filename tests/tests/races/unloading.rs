//! Prompts that arrive while their session is about to leave memory, or has left it: none is lost, none comes twice, and
//! nobody notices. Not here: how much memory that saves (the benchmarks).
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tenon_client::{Client, Item, ObserveOptions};
use tenon_protocol::content::Content;
use tenon_protocol::event::{Envelope, EventBody};
use tenon_protocol::ids::{MessageId, SessionId};
use tenon_protocol::log::After;
use tenon_protocol::methods::Prompt;
use tenon_protocol::prompt::{Admission, PromptParams, PromptResult};
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{ModelServer, Reply, Script};

use crate::races::{Numbers, controller, controller_with, log, open, rounds};

/// Sessions that race beside each other.
const SESSIONS: usize = 10;

/// Pauses between prompts, in milliseconds: a few times what the daemon waits between two looks.
const PAUSE_MS_MAX: u64 = 40;

/// How long a session may take to leave memory.
const PATIENCE: Duration = Duration::from_mins(1);

fn home(server: &ModelServer) -> Home {
    let home = Home::new().unwrap();
    home.configure(&format!("[daemon]\nunload_s = 0\n{}", provider("openai-chat", server))).unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    home
}

async fn send(client: &Client, session: &SessionId, text: String, key: Option<String>) -> PromptResult {
    let params = PromptParams {
        session_id: session.clone(),
        input: vec![Content::text(text)],
        delivery: None,
        key,
        expect_turn: None,
        strict: None,
    };
    client.call::<Prompt>(&params).await.unwrap()
}

/// Returns how many sessions are in memory: each holds the directory of its workspace open.
fn in_memory(home: &Home) -> usize {
    let daemon = home.daemon().unwrap().unwrap();
    let open = std::fs::read_dir(daemon.proc("fd")).unwrap();
    let links = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    links.filter(|link| *link == home.workspace()).count()
}

async fn all_left(home: &Home) {
    let deadline = Instant::now() + PATIENCE;
    while in_memory(home) > 0 {
        assert!(Instant::now() < deadline, "{} sessions stay in memory", in_memory(home));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Reads a session's log until so many turns have ended.
async fn whole(client: &Client, session: &SessionId, turns: usize) -> Vec<Envelope> {
    let types = vec!["turn.ended".to_owned()];
    let options = ObserveOptions { types, ..ObserveOptions::default() };
    let mut events = client.observe(session.as_str(), After::Start, options).await.unwrap();
    let mut ended = 0;
    while ended < turns {
        if let Item::Event(_) = events.next().await.unwrap() {
            ended += 1;
        }
    }
    log(client, session).await
}

async fn race(home: &Home, number: usize, rounds: usize) {
    let client = controller(home, &format!("racer-{number}")).await;
    let session = open(&client, home).await;
    let mut numbers = Numbers(number as u64);
    let mut sent: BTreeMap<MessageId, PromptResult> = BTreeMap::new();
    for round in 0..rounds {
        tokio::time::sleep(Duration::from_millis(numbers.next() % PAUSE_MS_MAX)).await;
        let key = format!("key {round}");
        let told = send(&client, &session, format!("message {round}"), Some(key.clone())).await;
        let again = send(&client, &session, format!("message {round}"), Some(key)).await;
        assert_eq!((again.outcome, again.seq), (Admission::Duplicate, told.seq));
        sent.insert(told.message_id.clone(), told);
    }
    let mut seen: BTreeMap<MessageId, [usize; 2]> = BTreeMap::new();
    for event in whole(&client, &session, rounds).await {
        match event.body() {
            Some(EventBody::PromptAdmitted(prompt)) => {
                assert_eq!(event.seq, Some(sent[&prompt.message_id].seq));
                seen.entry(prompt.message_id).or_default()[0] += 1;
            }
            Some(EventBody::PromptDelivered(prompt)) => seen.entry(prompt.message_id).or_default()[1] += 1,
            _ => {}
        }
    }
    assert_eq!(seen.len(), rounds);
    assert!(seen.values().all(|times| *times == [1, 1]), "{seen:?}");
}

#[test]
fn no_prompt_is_lost_to_a_session_that_leaves_memory() {
    let server = ModelServer::start(Script::always(Reply::text("ok"))).unwrap();
    let home = home(&server);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rounds = rounds(1_000) / SESSIONS;
    runtime.block_on(async {
        let races = (0..SESSIONS).map(|number| race(&home, number, rounds));
        futures_util::future::join_all(races).await;
        all_left(&home).await;
    });
}

#[test]
fn a_session_comes_back_as_it_was_and_one_that_is_observed_stays() {
    let server = ModelServer::start(Script::always(Reply::text("ok"))).unwrap();
    let home = home(&server);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = controller(&home, "one").await;
        let session = open(&client, &home).await;
        send(&client, &session, "first".to_owned(), None).await;
        whole(&client, &session, 1).await;
        all_left(&home).await;
        let told = send(&client, &session, "second".to_owned(), None).await;
        assert_eq!(told.outcome, Admission::Started);
        whole(&client, &session, 2).await;
        let last = server.requests().pop().unwrap().body.to_string();
        assert!(last.contains("first") && last.contains("second"), "{last}");
        all_left(&home).await;
        let options = ObserveOptions::default();
        let observed = client.observe(session.as_str(), After::Now, options).await.unwrap();
        send(&client, &session, "third".to_owned(), None).await;
        // Every session that nobody looks at is gone by the time another one has come and gone.
        open(&client, &home).await;
        let deadline = Instant::now() + PATIENCE;
        while in_memory(&home) > 1 {
            assert!(Instant::now() < deadline);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(in_memory(&home), 1);
        drop(observed);
        all_left(&home).await;
    });
}

#[test]
fn a_key_that_was_brought_outlives_the_unloading() {
    let server = ModelServer::start(Script::always(Reply::text("ok"))).unwrap();
    let home = Home::new().unwrap();
    let provider = format!("{}api_key = {{ env = \"FAKE_KEY\" }}\n", provider("openai-chat", &server));
    home.configure(&format!("[daemon]\nunload_s = 0\n{provider}")).unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let environment = BTreeMap::from([("FAKE_KEY".to_owned(), "test-key".to_owned())]);
        let with_key = controller_with(&home, "with", environment).await;
        let session = open(&with_key, &home).await;
        all_left(&home).await;
        let without = controller(&home, "without").await;
        for turn in 1..=2 {
            let told = send(&without, &session, format!("turn {turn}"), None).await;
            assert_eq!(told.outcome, Admission::Started);
            whole(&without, &session, turn).await;
            all_left(&home).await;
        }
    });
}
