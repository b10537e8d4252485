//! Recording the transcript and the journal of the present version. Not here: playing them.
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use tenon_tests::golden::Words;
use tenon_tests::home::Home;
use tenon_tests::model_server::{Gate, ModelServer};
use tenon_tests::raw::{Raw, Way, hello};
use tenon_tests::surroundings::golden_version;
use tenon_tests::web::Site;

use crate::golden::{directory, furnish, model};

/// Where releases are recorded: the journal names its workspace, and must not name anybody's.
pub(crate) const PLACE: &str = "/tmp/tenon-golden";

/// What a client does. `until` waits for an event of that type with such data, `left` connects anew.
fn script() -> Vec<Value> {
    let text = |text: &str| json!([{"type": "text", "text": text}]);
    let prompt = |words: &str, key: &str| json!({"sessionId": "s#1", "input": text(words), "key": key});
    let sent = |method: &str, params: Value| json!({"sent": {"method": method, "params": params}});
    let until = |kind: &str, data: Value| json!({"until": {"type": kind, "data": data}});
    let answered = || json!({"answered": true});
    let settings = json!({"profile": "review", "trust": "session"});
    vec![
        sent("initialize", hello()),
        answered(),
        sent("agent/list", json!({"kind": "session"})),
        sent("agent/open", json!({"workspace": "WORKSPACE", "title": "é and 漢", "settings": settings})),
        answered(),
        sent("agent/observe", json!({"sessionId": "s#1", "after": "start"})),
        until("observe.live", json!({})),
        sent("agent/prompt", prompt("write it", "one")),
        until("request.opened", json!({"kind": "approval"})),
        sent("agent/list", json!({"kind": "request"})),
        answered(),
        sent("agent/answer", json!({"requestId": "r#2", "decision": "allow"})),
        until("session.state", json!({"state": "idle"})),
        sent("agent/answer", json!({"requestId": "r#2", "decision": "deny"})),
        sent("agent/diff", json!({"sessionId": "s#1", "form": "patch"})),
        sent("agent/diff", json!({"sessionId": "s#1", "form": "stat"})),
        answered(),
        sent("agent/prompt", prompt("count", "two")),
        until("message.started", json!({})),
        sent("agent/interrupt", json!({"sessionId": "s#1"})),
        until("session.state", json!({"state": "idle"})),
        json!({"left": true}),
        sent("initialize", hello()),
        answered(),
        sent("agent/observe", json!({"sessionId": "s#1", "after": "CURSOR#9"})),
        until("observe.live", json!({})),
        sent("agent/prompt", prompt("count", "two")),
        sent("agent/log", json!({"sessionId": "s#1", "after": "CURSOR#3", "limit": 4})),
        sent("agent/observe", json!({"sessionId": "s#1", "after": "7.1"})),
        sent("agent/pending", json!({"sessionId": "s#1", "messageId": "m#1", "op": "withdraw"})),
        sent("agent/open", json!({"sessionId": "s#1"})),
        sent("agent/nothing", json!({})),
        sent("agent/prompt", json!({"sessionId": "s_none", "input": text("x")})),
        answered(),
        sent("agent/prompt", prompt("write more", "three")),
        until("request.opened", json!({"kind": "approval"})),
    ]
}

/// A client that writes down what it does.
struct Recorder<'a> {
    home: &'a Home,
    raw: Raw,
    words: Words,
    lines: Vec<Value>,
    next_id: u64,
    unanswered: u64,
}

impl Recorder<'_> {
    fn step(&mut self, step: &Value) -> Result<()> {
        if let Some(sent) = step.get("sent") {
            self.next_id += 1;
            self.unanswered += 1;
            let message = json!({
                "jsonrpc": "2.0", "id": self.next_id, "method": sent["method"], "params": sent["params"],
            });
            self.raw.body(self.words.said(&message)?.to_string())?;
            self.lines.push(json!({"sent": message}));
        } else if step.get("left").is_some() {
            self.raw = Raw::dial(self.home, Way::Lines)?;
            self.lines.push(step.clone());
        } else if step.get("answered").is_some() {
            while self.unanswered > 0 {
                self.receive()?;
            }
        } else {
            let wanted = &step["until"];
            loop {
                let event = self.receive()?;
                let has = |(name, value): (&String, &Value)| event["data"][name] == *value;
                if event["type"] == wanted["type"]
                    && wanted["data"].as_object().is_some_and(|data| data.iter().all(has))
                {
                    break;
                }
            }
            while self.unanswered > 0 {
                self.receive()?;
            }
        }
        Ok(())
    }

    /// Takes a message down; returns its event, if it is one.
    fn receive(&mut self) -> Result<Value> {
        let mut message = self.raw.message()?.context("the connection ended")?;
        if message.get("id").is_some() {
            self.unanswered -= 1;
            let told = self.words.written(&message);
            self.lines.push(json!({"told": told}));
            return Ok(Value::Null);
        }
        let mut event = message["params"]["result"].take();
        if event.get("d").is_none() {
            let Some(members) = event.as_object_mut() else { bail!("no event: {event}") };
            members.remove("text");
            message["params"]["result"] = json!(members);
            let told = self.words.written(&message);
            self.lines.push(json!({"told": told}));
        }
        Ok(event)
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if path.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

fn record(version: &str) -> Result<()> {
    let release = directory().join(version);
    fs::create_dir_all(directory())?;
    fs::create_dir(&release).with_context(|| format!("{version} was recorded: a promise is not changed"))?;
    fs::create_dir_all(PLACE)?;
    let gate = Gate::new();
    let server = ModelServer::start(model(&gate))?;
    let home = Home::at(&Path::new(PLACE).join("home"))?;
    furnish(&home, &server)?;
    let (_serving, _) = Site::serve(&home, &[])?;
    let words = Words::new(&home.workspace().display().to_string());
    let raw = Raw::dial(&home, Way::Lines)?;
    let mut recorder = Recorder { home: &home, raw, words, lines: Vec::new(), next_id: 0, unanswered: 0 };
    for step in script() {
        let told = recorder.step(&step);
        told.with_context(|| {
            format!("{step}, after {:#?}", recorder.lines.iter().rev().take(3).collect::<Vec<_>>())
        })?;
    }
    let mut file = fs::File::create(release.join("transcript.jsonl"))?;
    for line in &recorder.lines {
        writeln!(file, "{line}")?;
    }
    let log = home.tenon(&["log", "--json"])?.expect(0)?;
    fs::write(release.join("log.jsonl"), log.stdout)?;
    home.tenon(&["stop"])?.expect(0)?;
    let state = release.join("state");
    fs::create_dir(&state)?;
    fs::copy(home.state_dir().join("journal.db"), state.join("journal.db"))?;
    if home.state_dir().join("blobs").is_dir() {
        copy(&home.state_dir().join("blobs"), &state.join("blobs"))?;
    }
    fs::remove_dir_all(PLACE)?;
    Ok(())
}

/// Records when `cargo xtask golden` says so.
#[test]
fn the_present_version_is_recorded_on_demand() {
    if let Some(version) = golden_version() {
        record(&version).unwrap();
    }
}
