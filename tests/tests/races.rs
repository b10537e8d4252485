//! Races of clients, many times over against one daemon: two answers to one request, two sessions and a person at one file, a steer against the end of its turn, a
//! prompt against the unloading of its session. Not here: what each of them does alone (the scenarios).
mod answers;
mod files;
mod questions;
mod steers;
mod unloading;

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
pub(crate) async fn controller(home: &Home, id: &str) -> Client {
    controller_with(home, id, BTreeMap::new()).await
}

/// Connects a controller that brings these variables.
async fn controller_with(home: &Home, id: &str, environment: BTreeMap<String, String>) -> Client {
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
    Client::connect(endpoint, ClientOptions { hello, environment, waiting: None }).await.unwrap()
}

pub(crate) async fn open(client: &Client, home: &Home) -> SessionId {
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

/// Numbers that are the same in every run (splitmix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
