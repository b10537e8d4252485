//! Snapshots of sessions with far more in them than fits: at most 1 MiB, the newest things first, nothing lost that is not in
//! the log. Not here: pictures that fit, which every scenario compares.
use std::collections::BTreeMap;

use tenon_client::{Client, ClientOptions, Endpoint, Item, ObserveOptions};
use tenon_protocol::content::{Content, plain_text};
use tenon_protocol::handshake::ClientHello;
use tenon_protocol::log::{After, LogParams};
use tenon_protocol::methods::{Log, Open, Prompt};
use tenon_protocol::open::{OpenParams, OpenResult};
use tenon_protocol::prompt::PromptParams;
use tenon_protocol::version::{PROTOCOL, SNAPSHOT_BYTES_MAX};
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};

/// Messages that are said, and messages that wait. Most are as large as an item may be, every fourth is larger.
const SAID: usize = 20;
const WAITING: usize = 40;
const FITS: usize = 62 << 10;
const LARGE: usize = 100 << 10;

async fn connect(home: &Home) -> Client {
    let hello = ClientHello {
        protocol: vec![PROTOCOL],
        client: None,
        role: None,
        render: Some(serde_json::Map::new()),
        events: None,
        experimental: None,
    };
    let endpoint = Endpoint { state_dir: home.state_dir(), start: None };
    let options = ClientOptions { hello, environment: BTreeMap::new(), waiting: None };
    Client::connect(endpoint, options).await.unwrap()
}

async fn say(client: &Client, opened: &OpenResult, text: String) {
    let params = PromptParams {
        session_id: opened.session.id.clone(),
        input: vec![Content::text(text)],
        delivery: None,
        key: None,
        expect_turn: None,
        strict: None,
    };
    client.call::<Prompt>(&params).await.unwrap();
}

async fn wait_for(client: &Client, opened: &OpenResult, kind: &str, count: usize) {
    let options = ObserveOptions { types: vec![kind.to_owned()], ..ObserveOptions::default() };
    let mut events = client.observe(opened.session.id.as_str(), After::Start, options).await.unwrap();
    let mut seen = 0;
    while seen < count {
        if let Item::Event(_) = events.next().await.unwrap() {
            seen += 1;
        }
    }
}

fn large(number: usize) -> String {
    let bytes = if number.is_multiple_of(4) { LARGE } else { FITS };
    format!("message {number} {}", "é".repeat(bytes / 2))
}

async fn open(client: &Client, home: &Home, opened: Option<&OpenResult>) -> OpenResult {
    let params = if let Some(opened) = opened {
        OpenParams { session_id: Some(opened.session.id.clone()), ..OpenParams::default() }
    } else {
        let settings = serde_json::from_value(
            serde_json::json!({"model": "fake/x", "profile": "review", "trust": "session"}),
        );
        let workspace = Some(home.workspace().display().to_string());
        OpenParams { workspace, settings: Some(settings.unwrap()), ..OpenParams::default() }
    };
    client.call::<Open>(&params).await.unwrap()
}

#[test]
fn a_picture_of_much_is_small_and_says_where_the_rest_is() {
    let wants = Reply::call("shell", &serde_json::json!({"command": format!("echo {}", "x".repeat(LARGE))}));
    let replies = (0..SAID).map(|_| Reply::text("ok")).chain([wants]);
    let server = ModelServer::start(Script::new(replies)).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = connect(&home).await;
        let opened = open(&client, &home, None).await;
        for number in 0..SAID {
            say(&client, &opened, large(number)).await;
            wait_for(&client, &opened, "turn.ended", number + 1).await;
        }
        say(&client, &opened, "wait".to_owned()).await;
        wait_for(&client, &opened, "request.opened", 1).await;
        for number in 0..WAITING {
            say(&client, &opened, large(number)).await;
        }
        check(&client, &open(&client, &home, Some(&opened)).await).await;
    });
}

async fn check(client: &Client, opened: &OpenResult) {
    let snapshot = &opened.snapshot;
    let bytes = serde_json::to_vec(snapshot).unwrap().len();
    assert!((SNAPSHOT_BYTES_MAX / 2..=SNAPSHOT_BYTES_MAX).contains(&bytes), "{bytes} bytes");
    assert_eq!((snapshot.queue.len(), snapshot.requests.len()), (WAITING, 1));
    assert!(snapshot.queue.iter().zip(0..).all(|(waiting, number)| {
        plain_text(&waiting.input).starts_with(&format!("message {number} é"))
    }));
    let cut = snapshot.items.iter().filter(|item| item.cut == Some(true));
    assert!(cut.count() > 2, "no item was large");
    assert!(snapshot.items.is_sorted_by_key(|item| item.seq));
    // What the picture leaves out is in the log, whole.
    let before = snapshot.before.unwrap();
    assert_eq!(before.seq, snapshot.items[0].seq);
    let types = Some(vec!["message.ended".to_owned()]);
    let params = LogParams {
        session_id: opened.session.id.to_string(),
        after: None,
        before: Some(before),
        limit: Some(2),
        types,
    };
    let page = client.call::<Log>(&params).await.unwrap();
    let texts: Vec<String> =
        page.events.iter().map(|event| event.0["data"]["content"][0]["text"].to_string()).collect();
    assert!(texts.iter().any(|text| text.len() > FITS), "{} texts", texts.len());
}
