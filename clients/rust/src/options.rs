//! Who connects, and what it brings. Not here: where to (`endpoint`).
use std::collections::BTreeMap;

use tenon_protocol::handshake::{ClientHello, ClientInfo, DeltaWish, EventWishes, Role};
use tenon_protocol::version::PROTOCOL;

use crate::client::unique;
use crate::handover::Waiting;

/// Who connects, and what it brings.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// The client's half of the handshake.
    pub hello: ClientHello,
    /// Variables of the caller for its sessions' commands and providers, sent before anything else; empty sends nothing.
    pub environment: BTreeMap<String, String>,
    /// Is called, on the client's task, when something makes it wait: to show it to a person.
    pub waiting: Option<fn(&Waiting)>,
}

impl ClientOptions {
    /// A controller of this kind, such as `my-tool`, that gets whole events, no deltas, and is nobody who can answer.
    pub fn new(kind: &str) -> Self {
        let id = format!("{kind}-{}", unique());
        let hello = ClientHello {
            protocol: vec![PROTOCOL],
            client: Some(ClientInfo { id, kind: kind.to_owned(), version: None }),
            role: None,
            render: Some(serde_json::Map::new()),
            events: None,
            experimental: None,
        };
        Self { hello, environment: BTreeMap::new(), waiting: None }
    }

    /// It can show a person a request and bring the answer: while it observes a session, the session has somebody to ask.
    #[must_use]
    pub fn answering(mut self) -> Self {
        let render = self.hello.render.get_or_insert_default();
        render.insert("approval".to_owned(), serde_json::json!({}));
        self
    }

    /// It looks and never acts; the agent refuses everything else with 1403.
    #[must_use]
    pub fn observing(mut self) -> Self {
        self.hello.role = Some(Role::Observer);
        self
    }

    /// It wants text while it grows, at most so many times a second.
    #[must_use]
    pub fn deltas(mut self, per_second: u32) -> Self {
        let delta = Some(DeltaWish { max_per_second: Some(per_second) });
        self.hello.events = Some(EventWishes { delta });
        self
    }

    /// It brings these variables: what the commands of its sessions get, and the keys of the providers among them.
    #[must_use]
    pub fn environment(mut self, variables: BTreeMap<String, String>) -> Self {
        self.environment = variables;
        self
    }
}
