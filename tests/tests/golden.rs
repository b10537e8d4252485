//! The golden transcript and journal of every release, against this build: a client of that release is told what it was told
//! then, and what it left behind is read. Not here: the wording of transcripts (`tenon_tests::golden`).
//!
//! `cargo xtask golden` records those of the present version into `tests/golden/VERSION`, from `SCRIPT`; nothing there is
//! ever changed afterwards.
mod client;
mod journal;
mod noise;
mod record;

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tenon_tests::golden::Words;
use tenon_tests::home::Home;
use tenon_tests::model_server::{Gate, ModelServer, Reply, Script};
use tenon_tests::raw::{Raw, Way};
use tenon_tests::web::Site;

use noise::Noise;

/// Where the releases lie.
pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// Returns the directories of the releases, oldest first by name.
pub(crate) fn releases() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no release was recorded");
    found
}

/// The model of every transcript: it reads, writes with an approval, is interrupted, and wants to write once more.
pub(crate) fn model(gate: &Gate) -> Script {
    let read = Reply::text("Looking.").and_call("read", &json!({"path": "a.txt"}));
    let write = |path: &str| Reply::call("write", &json!({"path": path, "content": "two\n"}));
    let cut = Reply::text("one two three").deltas(3).gate_after(1, gate);
    let rest = (0..20).map(|_| Reply::text("That is all."));
    Script::new(
        [read, write("b.txt"), Reply::text("It is written."), cut, write("c.txt")].into_iter().chain(rest),
    )
}

/// Prepares a home for a transcript.
pub(crate) fn furnish(home: &Home, server: &ModelServer) -> Result<()> {
    home.configure(&format!("model = \"fake/x\"\n{}", tenon_tests::home::provider("openai-chat", server)))?;
    home.write("a.txt", "one\n")
}

/// A client that plays transcripts.
pub(crate) struct Player<'a> {
    home: &'a Home,
    way: Way,
    raw: Raw,
    pub(crate) words: Words,
    answers: BTreeMap<String, Value>,
    events: BTreeMap<String, VecDeque<Value>>,
    /// Ids of subscriptions: the transcript's, and this run's.
    subscriptions: BTreeMap<String, String>,
    /// Types of events of the release.
    types: Vec<String>,
    noise: Noise,
}

impl<'a> Player<'a> {
    fn new(home: &'a Home, way: Way, noise: Noise) -> Result<Self> {
        Ok(Self {
            home,
            way,
            raw: Raw::dial(home, way)?,
            words: Words::new(&home.workspace().display().to_string()),
            answers: BTreeMap::new(),
            events: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            types: Vec::new(),
            noise,
        })
    }

    fn play(&mut self, transcript: &[Value]) -> Result<()> {
        let of_event = |line: &Value| line["told"]["params"]["result"]["type"].as_str().map(str::to_owned);
        self.types = transcript.iter().filter_map(of_event).collect();
        for (number, line) in transcript.iter().enumerate() {
            self.line(line).with_context(|| format!("line {}: {line}", number + 1))?;
        }
        Ok(())
    }

    fn line(&mut self, line: &Value) -> Result<()> {
        if line.get("left").is_some() {
            self.raw = Raw::dial(self.home, self.way)?;
            self.subscriptions.clear();
            self.events.clear();
            return Ok(());
        }
        if let Some(sent) = line.get("sent") {
            let mut message = self.words.said(sent)?;
            for odd in self.noise.before() {
                self.raw.body(odd.to_string())?;
            }
            self.noise.adorn(&mut message);
            return self.raw.body(message.to_string());
        }
        let golden = &line["told"];
        if golden.get("id").is_some() {
            let told = self.answer(&golden["id"].to_string())?;
            if let Some((own, given)) = golden["result"].as_str().zip(told["result"].as_str()) {
                self.subscriptions.insert(own.to_owned(), given.to_owned());
                return Ok(());
            }
            return self.words.check(golden, &told);
        }
        let params = &golden["params"];
        let told = self.event(params["subscription"].as_str().context("no subscription")?)?;
        ensure!(
            told["text"].as_str().is_some_and(|text| !text.is_empty()),
            "an event without a text: {told}"
        );
        self.words.check(&params["result"], &told).with_context(|| told.to_string())
    }

    fn answer(&mut self, id: &str) -> Result<Value> {
        loop {
            if let Some(answer) = self.answers.remove(id) {
                return Ok(answer);
            }
            self.receive()?;
        }
    }

    /// Returns the next event of a type that the release had.
    fn event(&mut self, subscription: &str) -> Result<Value> {
        let own = self.subscriptions.get(subscription).context("an event before its subscription")?.clone();
        loop {
            while let Some(event) = self.events.get_mut(&own).and_then(VecDeque::pop_front) {
                if self.types.iter().any(|known| event["type"] == **known) {
                    return Ok(event);
                }
            }
            self.receive()?;
        }
    }

    fn receive(&mut self) -> Result<()> {
        let mut message = self.raw.message()?.context("the connection ended")?;
        if let Some(id) = message.get("id").map(Value::to_string) {
            if Noise::is_own(&id) {
                let code = message["error"]["code"].as_i64();
                ensure!(matches!(code, Some(-32601 | -32002)), "an odd request was answered: {message}");
                return Ok(());
            }
            ensure!(self.answers.insert(id, message).is_none(), "answered twice");
            return Ok(());
        }
        let Some(subscription) = message["params"]["subscription"].as_str().map(str::to_owned) else {
            bail!("no event: {message}");
        };
        let event = message["params"]["result"].take();
        // Deltas may be merged and left out.
        if event.get("d").is_none() {
            self.events.entry(subscription).or_default().push_back(event);
        }
        Ok(())
    }
}

pub(crate) fn transcript(release: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(release.join("transcript.jsonl"))?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// Plays the transcript of a release over one way.
fn replay(release: &Path, way: Way, noise: Noise) -> Result<()> {
    let gate = Gate::new();
    let server = ModelServer::start(model(&gate))?;
    let home = Home::new()?;
    furnish(&home, &server)?;
    let (_serving, _) = Site::serve(&home, &[])?;
    let seed = noise.seed();
    Player::new(&home, way, noise)?
        .play(&transcript(release)?)
        .with_context(|| format!("{}, {way:?}, seed {seed:?}", release.display()))
}

#[test]
fn clients_of_every_release_are_told_what_they_were_told_then() {
    for release in releases() {
        for way in Way::ALL {
            replay(&release, way, Noise::none()).unwrap();
        }
    }
}

#[test]
fn odd_members_methods_and_notifications_of_a_client_change_nothing() {
    let rounds = if tenon_tests::surroundings::slow_tests() { 40 } else { 4 };
    for release in releases() {
        for seed in 0..rounds {
            replay(&release, Way::ALL[usize::try_from(seed % 3).unwrap()], Noise::of(seed)).unwrap();
        }
    }
}

/// The control: a transcript that says something else does not fit.
#[test]
fn a_promise_that_is_not_kept_is_found() {
    let release = releases().pop().unwrap();
    let mut lines = transcript(&release).unwrap();
    let ended =
        lines.iter().position(|line| line["told"]["params"]["result"]["type"] == "turn.ended").unwrap();
    lines[ended]["told"]["params"]["result"]["data"]["stop"] = json!("exploded");
    let gate = Gate::new();
    let server = ModelServer::start(model(&gate)).unwrap();
    let home = Home::new().unwrap();
    furnish(&home, &server).unwrap();
    let (_serving, _) = Site::serve(&home, &[]).unwrap();
    let wrong = Player::new(&home, Way::Lines, Noise::none()).unwrap().play(&lines).unwrap_err();
    assert!(format!("{wrong:#}").contains("exploded"), "{wrong:#}");
}
