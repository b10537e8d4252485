//! Races of clients, many times over against one daemon: two answers to one request, a steer against the end of its turn. Not
//! here: what each of them does alone (the scenarios).
mod answers;
mod steers;

use std::collections::BTreeMap;

use tenon_client::{Client, ClientOptions, Endpoint};
use tenon_protocol::event::Envelope;
use tenon_protocol::handshake::{ClientHello, ClientInfo, Role};
use tenon_protocol::ids::SessionId;
use tenon_protocol::log::LogParams;
use tenon_protocol::methods::{Log, Open};
use tenon_protocol::open::OpenParams;
use tenon_protocol::session::{Settings, TrustSetting};
use tenon_protocol::version::PROTOCOL;
use tenon_tests::home::Home;
use tenon_tests::surroundings::slow_tests;

/// Returns `full` where slow tests are wanted, else a small part of it.
fn rounds(full: usize) -> usize {
    if slow_tests() { full } else { full / 10 }
}

/// Connects a controller by that name to the daemon, which runs.
async fn controller(home: &Home, id: &str) -> Client {
    let client = ClientInfo { id: id.to_owned(), kind: "race".to_owned(), version: None };
    let mut render = serde_json::Map::new();
    render.insert("approval".to_owned(), serde_json::json!({}));
    let hello = ClientHello {
        protocol: vec![PROTOCOL],
        client: Some(client),
        role: Some(Role::Controller),
        render: Some(render),
        events: None,
        experimental: None,
    };
    let endpoint = Endpoint { state_dir: home.state_dir(), start: None };
    Client::connect(endpoint, ClientOptions { hello, environment: BTreeMap::new(), waiting: None })
        .await
        .unwrap()
}

async fn open(client: &Client, home: &Home) -> SessionId {
    let settings = Settings {
        model: Some("fake/x".to_owned()),
        profile: Some("review".to_owned()),
        trust: Some(TrustSetting::Session),
        limits: None,
    };
    let workspace = Some(home.workspace().display().to_string());
    let params = OpenParams { workspace, settings: Some(settings), ..OpenParams::default() };
    client.call::<Open>(&params).await.unwrap().session.id
}

/// Reads a log whole.
async fn log(client: &Client, session: &SessionId) -> Vec<Envelope> {
    let mut events = Vec::new();
    let mut after = None;
    loop {
        let params =
            LogParams { session_id: session.to_string(), after, before: None, limit: None, types: None };
        let page = client.call::<Log>(&params).await.unwrap();
        events.extend(page.events.iter().map(|event| event.parse::<Envelope>().unwrap()));
        match page.next {
            Some(next) => after = Some(next),
            None => return events,
        }
    }
}
