//! Lists and the machine's log: pages of any size give the whole list, and what the log tells, put over a list, is the list
//! as it is later, whatever happened in between. Not here: single lists (the scenarios).
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tenon_client::Client;
use tenon_protocol::answer::AnswerParams;
use tenon_protocol::cursor::Cursor;
use tenon_protocol::event::{Envelope, EventBody};
use tenon_protocol::ids::{RequestId, SessionId};
use tenon_protocol::json::Json;
use tenon_protocol::list::{ListFilter, ListParams, ListResult};
use tenon_protocol::log::LogParams;
use tenon_protocol::methods::{Answer, Close, List, Log, Open, Pending, Prompt};
use tenon_protocol::open::{CloseHow, CloseParams, ForkFrom, OpenParams};
use tenon_protocol::prompt::{PendingChange, PendingParams, PromptParams};
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::surroundings::slow_tests;

use crate::races::{Numbers, controller, open};

/// Lists that no session has of its own.
const KINDS: [&str; 12] = [
    "session",
    "model",
    "provider",
    "profile",
    "command",
    "tool",
    "skill",
    "mcp",
    "job",
    "request",
    "grant",
    "workspace",
];

type Items = BTreeMap<String, Value>;

async fn page(client: &Client, kind: &str, after: Option<String>, limit: u64) -> ListResult {
    let filter = Some(ListFilter { archived: Some(true), ..ListFilter::default() });
    let params = ListParams { kind: kind.to_owned(), session_id: None, filter, after, limit: Some(limit) };
    client.call::<List>(&params).await.unwrap()
}

fn id(item: &Json) -> String {
    let id = item.0.get("id").or_else(|| item.0.get("requestId"));
    id.and_then(Value::as_str).unwrap().to_owned()
}

/// Reads a list in pages of sizes that `size` gives.
async fn paged(client: &Client, kind: &str, mut size: impl FnMut() -> u64) -> (Vec<Json>, u64) {
    let (mut items, mut rev, mut after) = (Vec::new(), None, None);
    loop {
        let limit = size();
        let page = page(client, kind, after, limit).await;
        assert!(page.items.len() as u64 <= limit, "{kind}: a page of {} for {limit}", page.items.len());
        rev.get_or_insert(page.rev);
        items.extend(page.items);
        after = page.next;
        if after.is_none() {
            return (items, rev.unwrap());
        }
    }
}

fn daemon() -> (ModelServer, Home) {
    let script = Script::function(|_, request| {
        if request.last_text().contains("ask") {
            Reply::call("write", &json!({"path": "new.txt", "content": "new"}))
        } else {
            Reply::text("Yes.")
        }
    });
    let server = ModelServer::start(script).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    (server, home)
}

#[tokio::test]
async fn pages_of_any_size_give_every_list_once() {
    let (_server, home) = daemon();
    let client = controller(&home, "pages").await;
    for _ in 0..7 {
        open(&client, &home).await;
    }
    let mut numbers = Numbers(7);
    for kind in KINDS {
        let (whole, _) = paged(&client, kind, || 1_000).await;
        let names: BTreeSet<String> = whole.iter().map(id).collect();
        assert_eq!(names.len(), whole.len(), "{kind} lists something twice");
        for most in 1..5 {
            let (pages, _) = paged(&client, kind, || numbers.next() % most + 1).await;
            assert_eq!(pages, whole, "{kind} in pages of at most {most}");
        }
    }
    let unknown =
        ListParams { kind: "thing".to_owned(), session_id: None, filter: None, after: None, limit: None };
    let error = client.call::<List>(&unknown).await.unwrap_err().to_string();
    assert!(error.contains("thing"), "{error}");
    let foreign = ListParams { kind: "tool".to_owned(), after: Some("no tool".to_owned()), ..unknown };
    assert!(client.call::<List>(&foreign).await.is_err());
}

/// Puts an event of the machine's log over the lists.
fn fold(sessions: &mut Items, requests: &mut Items, event: &Envelope) {
    let own = |item: &Value| item["id"].as_str().unwrap().to_owned();
    match event.body() {
        Some(EventBody::SessionAdded(_) | EventBody::SessionChanged(_)) => {
            let item = event.data.0["item"].clone();
            sessions.insert(own(&item), item);
        }
        Some(EventBody::SessionRemoved(removed)) => drop(sessions.remove(removed.session_id.as_str())),
        Some(EventBody::RequestAdded(added)) => {
            let item = event.data.0["item"].clone();
            requests.insert(added.item.request_id.to_string(), item);
        }
        Some(EventBody::RequestRemoved(removed)) => drop(requests.remove(removed.request_id.as_str())),
        _ => {}
    }
}

/// Reads the machine's log behind a place.
async fn news(client: &Client, mut after: Cursor) -> Vec<Envelope> {
    let mut events = Vec::new();
    loop {
        let params = LogParams {
            session_id: "all".to_owned(),
            after: Some(after),
            before: None,
            limit: None,
            types: None,
        };
        let page = client.call::<Log>(&params).await.unwrap();
        events.extend(page.events.iter().map(|event| event.parse::<Envelope>().unwrap()));
        match page.next {
            Some(next) => after = next,
            None => return events,
        }
    }
}

/// The lists at a place.
struct Picture {
    rev: u64,
    sessions: Items,
    requests: Items,
}

async fn picture(client: &Client) -> Picture {
    // Small pages, which the world changes under.
    let (sessions, rev) = paged(client, "session", || 3).await;
    let (requests, later) = paged(client, "request", || 1).await;
    let named = |items: Vec<Json>| items.into_iter().map(|item| (id(&item), item.0)).collect();
    Picture { rev: rev.min(later), sessions: named(sessions), requests: named(requests) }
}

/// Leaves out what is told along with other news only, while a session works.
fn comparable(items: &Items) -> Items {
    let mut items = items.clone();
    for item in items.values_mut().filter(|item| item["state"] == "running" || item["state"] == "waiting") {
        for name in ["head", "updatedAt", "cost"] {
            item.as_object_mut().unwrap().remove(name);
        }
    }
    items
}

/// Does something to the sessions. What is refused, because a session is gone or busy, is a part of the history too.
async fn step(client: &Client, home: &Home, numbers: &mut Numbers, known: &mut Vec<SessionId>) {
    let any = usize::try_from(numbers.next() >> 32).unwrap_or(0);
    let Some(session) = known.get(any % known.len().max(1)).cloned() else {
        known.push(open(client, home).await);
        return;
    };
    match numbers.next() % 12 {
        0 | 1 => known.push(open(client, home).await),
        choice @ 2..=5 => {
            let text = if choice % 2 == 0 { "ask a person" } else { "hello" };
            let params = PromptParams {
                session_id: session,
                input: vec![tenon_protocol::content::Content::text(text)],
                delivery: None,
                key: None,
                expect_turn: None,
                strict: None,
            };
            client.call::<Prompt>(&params).await.ok();
        }
        6 | 7 => {
            let open = page(client, "request", None, 1).await;
            if let Some(request) = open.items.first().map(id) {
                let params = AnswerParams {
                    request_id: RequestId::from(request.as_str()),
                    decision: "deny".to_owned(),
                    scope: None,
                    pattern: None,
                    form: None,
                    note: None,
                    select: None,
                };
                client.call::<Answer>(&params).await.ok();
            }
        }
        8 => {
            let title = Some(format!("title {any}"));
            let params = OpenParams { session_id: Some(session), title, ..OpenParams::default() };
            client.call::<Open>(&params).await.ok();
        }
        9 => {
            let params = OpenParams {
                from: Some(ForkFrom { session_id: session, at: None }),
                ..OpenParams::default()
            };
            if let Ok(opened) = client.call::<Open>(&params).await {
                known.push(opened.session.id);
            }
        }
        10 => {
            let how = if any.is_multiple_of(2) { CloseHow::Archive } else { CloseHow::Delete };
            client.call::<Close>(&CloseParams { session_id: session, how }).await.ok();
        }
        _ => {
            let params = OpenParams { session_id: Some(session.clone()), ..OpenParams::default() };
            let opened = client.call::<Open>(&params).await;
            let waiting = opened.ok().and_then(|opened| opened.snapshot.queue.into_iter().next());
            if let Some(message) = waiting {
                let params = PendingParams {
                    session_id: session,
                    message_id: message.message_id,
                    op: PendingChange::Withdraw,
                    input: None,
                    delivery: None,
                };
                client.call::<Pending>(&params).await.ok();
            }
        }
    }
}

/// Folds what the log tells behind a picture until it is the lists as they are now; what is held back comes within seconds.
async fn catches_up(client: &Client, early: &Picture) {
    let deadline = std::time::Instant::now() + tenon_tests::running::PATIENCE;
    loop {
        let now = picture(client).await;
        let events = news(client, Cursor { epoch: 1, seq: early.rev }).await;
        let (mut sessions, mut requests) = (early.sessions.clone(), early.requests.clone());
        for event in &events {
            fold(&mut sessions, &mut requests, event);
        }
        // Asked for in between, so that the lists are of one moment.
        let quiet = picture(client).await;
        let is_same = now.sessions == quiet.sessions && now.requests == quiet.requests;
        let told = (comparable(&sessions), &requests);
        let listed = (comparable(&quiet.sessions), &quiet.requests);
        if is_same && told == listed {
            return;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "from {} on:\n{}\ninstead of\n{}",
            early.rev,
            json!([told.0, told.1]),
            json!([listed.0, listed.1])
        );
        tokio::task::yield_now().await;
    }
}

/// Random histories, with daemons that are killed in the middle of them: whoever has the lists of any moment and reads on has
/// the lists of now.
#[tokio::test]
async fn the_log_put_over_any_earlier_list_is_the_list_of_now() {
    let (histories, steps) = if slow_tests() { (12, 120) } else { (2, 40) };
    for history in 0..histories {
        let (_server, home) = daemon();
        let mut numbers = Numbers(100 + history);
        let mut client = controller(&home, "history").await;
        let (mut known, mut pictures) = (Vec::new(), vec![picture(&client).await]);
        for _ in 0..steps {
            step(&client, &home, &mut numbers, &mut known).await;
            if numbers.next().is_multiple_of(6) {
                pictures.push(picture(&client).await);
            }
            if numbers.next().is_multiple_of(15) {
                drop(client);
                home.kill_daemon().unwrap();
                home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
                client = controller(&home, "history").await;
            }
        }
        for early in &pictures {
            catches_up(&client, early).await;
        }
    }
}

/// A change that was held back because another one had been told just before is told by the next daemon.
#[tokio::test]
async fn what_was_held_back_when_the_daemon_died_is_told_by_the_next() {
    let (_server, home) = daemon();
    let client = controller(&home, "titles").await;
    let session = open(&client, &home).await;
    let early = picture(&client).await;
    for title in ["first", "second"] {
        let params = OpenParams {
            session_id: Some(session.clone()),
            title: Some(title.to_owned()),
            ..OpenParams::default()
        };
        client.call::<Open>(&params).await.unwrap();
    }
    drop(client);
    home.kill_daemon().unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    let client = controller(&home, "after").await;
    // At once: a new daemon has told it before anybody can ask.
    let (mut sessions, mut requests) = (early.sessions.clone(), early.requests.clone());
    for event in news(&client, Cursor { epoch: 1, seq: early.rev }).await {
        fold(&mut sessions, &mut requests, &event);
    }
    assert_eq!(sessions[session.as_str()]["title"], "second");
}
