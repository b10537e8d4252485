//! Our own client against an agent that is later than it: every answer and every event of the specification's examples, with
//! members, types, values and messages between them that nobody has heard of. Not here: oddities of clients (`golden`).
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tenon_client::{Client, ClientOptions, Endpoint, Item, ObserveOptions};
use tenon_protocol::event::Envelope;
use tenon_protocol::handshake::ClientHello;
use tenon_protocol::log::After;
use tenon_protocol::methods::{Method, Visitor, visit};
use tenon_protocol::version::PROTOCOL;
use tenon_tests::surroundings::slow_tests;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::golden::noise::Noise;

/// What an odd event says.
const ODD: &str = "nobody knows this";

fn examples(directory: &str) -> BTreeMap<String, Vec<Value>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec/examples").join(directory);
    fs::read_dir(path)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect()
}

/// Returns the durable events of the examples, numbered as one log.
fn events() -> Vec<Value> {
    let all = examples("events").into_values().flatten().map(|message| message["params"]["result"].clone());
    let mut events: Vec<Value> = all.filter(|event| event.get("seq").is_some()).collect();
    for (at, event) in events.iter_mut().enumerate() {
        (event["seq"], event["epoch"], event["session"]) = (json!(at + 1), json!(1), json!("s_1"));
    }
    events
}

/// An agent that answers with the examples.
struct Later {
    noise: Noise,
    methods: BTreeMap<String, Vec<Value>>,
}

impl Later {
    async fn serve(mut self, stream: UnixStream) {
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let message: Value = serde_json::from_str(&line).unwrap();
            let (Some(method), Some(id)) = (message["method"].as_str(), message.get("id")) else { continue };
            let mut out = self.noise.before();
            if self.noise.seed().is_some() {
                // A question of the agent's own, which happens to have the id that the client waits for.
                out.push(json!({"jsonrpc": "2.0", "id": id, "method": "later/ask"}));
            }
            out.push(self.answer(method, id));
            if method == "agent/observe" {
                out.extend(self.events());
            }
            for message in out {
                if writer.write_all(format!("{message}\n").as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    }

    fn answer(&mut self, method: &str, id: &Value) -> Value {
        let name = method.replace('/', ".");
        let mut response = self.methods[&name].iter().map(|example| &example["response"]);
        let mut result = response.find_map(|response| response.get("result")).cloned().unwrap_or_default();
        self.noise.adorn(&mut result);
        json!({"jsonrpc": "2.0", "id": id, "result": result})
    }

    /// Returns what the subscription brings: the events, and others between them.
    fn events(&mut self) -> Vec<Value> {
        let subscription = self.methods["agent.observe"][0]["response"]["result"].clone();
        let deliver = |event: &Value| json!({"jsonrpc": "2.0", "method": "agent/event", "params": {"subscription": subscription, "result": event}});
        let (mut out, mut seq) = (Vec::new(), 0);
        for mut event in events() {
            out.extend(self.noise.before());
            if self.noise.seed().is_some() {
                let odd = match self.noise.below(4) {
                    0 => json!({"type": "observe.later", "data": {}, "text": ODD}),
                    1 => json!({"d": "m_later", "from": 0, "t": ODD}),
                    2 => {
                        seq += 1;
                        json!({"seq": seq, "epoch": 1, "session": "s_1", "type": "later.ended", "data": 7, "text": ODD})
                    }
                    _ => {
                        seq += 1;
                        json!({"seq": seq, "epoch": 1, "session": "s_1", "type": "session.state", "data": {"state": "dreaming"}, "text": ODD})
                    }
                };
                out.push(deliver(&odd));
            }
            seq += 1;
            event["seq"] = json!(seq);
            self.noise.adorn(&mut event);
            out.push(deliver(&event));
        }
        let end = json!({"type": "observe.closed", "data": {"reason": "deleted", "cursor": format!("1.{seq}")}, "text": "the end"});
        out.push(deliver(&end));
        out
    }
}

/// Removes what the noise has added.
fn plain(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Object(members) => {
            members.retain(|name, _| !name.starts_with("_later"));
            members.values_mut().for_each(plain);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Calls every method with the parameters of its example, and keeps what it was told.
struct Caller {
    runtime: tokio::runtime::Runtime,
    client: Client,
    methods: BTreeMap<String, Vec<Value>>,
    told: BTreeMap<&'static str, Value>,
}

impl Visitor for Caller {
    fn method<M: Method>(&mut self) {
        let example = &self.methods[&M::NAME.replace('/', ".")];
        let answered = example.iter().find(|example| example["response"].get("result").is_some());
        let Some(example) = answered else { return };
        let params: M::Params = serde_json::from_value(example["request"]["params"].clone()).unwrap();
        let result = self.runtime.block_on(self.client.call::<M>(&params));
        let mut result =
            serde_json::to_value(result.unwrap_or_else(|error| panic!("{}: {error}", M::NAME))).unwrap();
        plain(&mut result);
        self.told.insert(M::NAME, result);
    }
}

/// Returns what the client makes of everything such an agent says: results by method, events with what their types say.
fn heard(seed: Option<u64>) -> (BTreeMap<&'static str, Value>, Vec<Value>) {
    let state = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let client = runtime.block_on(connect(state.path(), seed));
    let mut caller = Caller { runtime, client, methods: examples("methods"), told: BTreeMap::new() };
    visit(&mut caller);
    let Caller { runtime, client, told, .. } = caller;
    let events = runtime.block_on(observed(&client));
    (told, events)
}

async fn connect(state: &Path, seed: Option<u64>) -> Client {
    fs::create_dir(state.join("run")).unwrap();
    let listener = UnixListener::bind(state.join("run/agent.sock")).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the fake agent of a test; it ends with its runtime")]
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let noise = seed.map_or_else(Noise::none, Noise::of);
            Later { noise, methods: examples("methods") }.serve(stream).await;
        }
    });
    let hello = ClientHello {
        protocol: vec![PROTOCOL],
        client: None,
        role: None,
        render: None,
        events: None,
        experimental: None,
    };
    let endpoint = Endpoint { state_dir: state.to_owned(), start: None };
    let options = ClientOptions { hello, environment: BTreeMap::new(), waiting: None };
    Client::connect(endpoint, options).await.unwrap()
}

async fn observed(client: &Client) -> Vec<Value> {
    let mut subscription = client.observe("s_1", After::Start, ObserveOptions::default()).await.unwrap();
    let mut events = Vec::new();
    loop {
        match subscription.next().await.unwrap() {
            Item::Event(event) if event.text == ODD => {
                // A later word in an event that is known is kept; nothing else of what is odd is understood.
                let state =
                    event.body().map(|body| serde_json::to_value(body).unwrap()["data"]["state"].clone());
                assert!(state.is_none_or(|state| state == "dreaming"), "{event:?} is known");
            }
            Item::Event(event) => events.push(known(&event)),
            Item::Local(event) if event.kind == "observe.closed" => return events,
            Item::Local(event) => assert_eq!(event.text, ODD),
            Item::Delta(delta) => assert_eq!(delta.t, ODD),
            Item::Reset(reset) => panic!("nothing was lost: {reset:?}"),
        }
    }
}

/// Returns what a reader of this build knows of an event.
fn known(event: &Envelope) -> Value {
    let mut body =
        serde_json::to_value(event.body().unwrap_or_else(|| panic!("not understood: {event:?}"))).unwrap();
    plain(&mut body);
    json!({"body": body, "text": event.text, "turn": event.turn})
}

#[test]
fn odd_members_events_and_messages_of_an_agent_change_nothing() {
    let (results, events) = heard(None);
    assert!(results.len() > 10 && events.len() > 30, "{} results, {} events", results.len(), events.len());
    for seed in 0..if slow_tests() { 200 } else { 20 } {
        let (odd_results, odd_events) = heard(Some(seed));
        for (method, result) in &results {
            assert_eq!(odd_results.get(method), Some(result), "seed {seed}: {method}");
        }
        assert_eq!(odd_events, events, "seed {seed}");
    }
}
