//! Strange requests against a real daemon: whatever is asked, in whatever order, each request gets one answer that its
//! method may give, and the daemon is as well afterwards as before. Not here: damaged bytes (the codec's own target).
//!
//! Requests are the examples of the spec and what the schema says of methods, changed by a seeded generator that puts in ids
//! the daemon has told. A short form runs with every test; `cargo xtask fuzz` makes it run longer.
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value, json};
use tenon_protocol::error::ErrorKind;
use tenon_protocol::methods::{METHODS, Method, Visitor, visit};
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::surroundings::fuzz_seconds;

/// Requests of the short form.
const CASES: u64 = 400;

/// How long an answer may take; only a finding takes this long.
const PATIENCE: Duration = Duration::from_mins(1);

/// Kinds of failure that every request may end with.
const GENERAL: [ErrorKind; 7] = [
    ErrorKind::InvalidParams,
    ErrorKind::InvalidRequest,
    ErrorKind::MethodNotFound,
    ErrorKind::Cancelled,
    ErrorKind::Failed,
    ErrorKind::Forbidden,
    ErrorKind::ContentModified,
];

/// Operations that would end the daemon; that is no finding.
const LETHAL: [&str; 2] = ["drain", "stop"];

/// What a method may say.
#[derive(Clone, Copy)]
struct Says {
    fits: fn(&Value) -> bool,
    errors: &'static [ErrorKind],
}

#[derive(Default)]
struct Methods(BTreeMap<&'static str, Says>);

impl Visitor for Methods {
    fn method<M: Method>(&mut self) {
        let fits = |result: &Value| serde_json::from_value::<M::Result>(result.clone()).is_ok();
        self.0.insert(M::NAME, Says { fits, errors: M::ERRORS });
    }
}

/// A generator of numbers that is the same everywhere (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}

/// A daemon on its standard streams.
struct Daemon {
    child: Child,
    stdin: ChildStdin,
    messages: Receiver<Value>,
    next: u64,
    home: Home,
    _model: ModelServer,
}

impl Daemon {
    fn start() -> Result<Self> {
        let model = ModelServer::start(Script::always(Reply::text("Yes.")))?;
        let home = Home::with_model("openai-chat", &model)?;
        home.configure(&format!("model = \"fake/x\"\n{}", fs::read_to_string(home.config_file())?))?;
        home.write("a.txt", "one\n")?;
        let mut command = home.command(&["serve", "--stdio"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let stdin = child.stdin.take().context("no stdin")?;
        let stdout = BufReader::new(child.stdout.take().context("no stdout")?);
        // Larger than what a daemon sends while one request is looked at.
        let (sender, messages) = sync_channel(100_000);
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let message = serde_json::from_str(&line).unwrap_or_else(|_| json!({"broken": line}));
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut daemon = Self { child, stdin, messages, next: 0, home, _model: model };
        let hello = json!({"protocol": [1], "render": {"approval": {}}, "events": {"delta": {}}});
        let params = json!({"capabilities": {"experimental": {"agent": hello}}});
        ensure!(daemon.call("initialize", &params)?.get("result").is_some(), "no handshake");
        Ok(daemon)
    }

    /// Sends a request and returns its answer.
    fn call(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.next += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params});
        self.stdin.write_all(format!("{request}\n").as_bytes()).context("the daemon reads no more")?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.messages.recv_timeout(left).context("no answer")?;
            if message["method"] == "agent/event" {
                continue;
            }
            ensure!(message["id"] == self.next, "an answer to nothing: {message}");
            ensure!(message.get("result").is_some() != message.get("error").is_some(), "{message}");
            return Ok(message);
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn examples() -> Result<Vec<(String, Value)>> {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec/examples/methods");
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let messages: Vec<Value> = serde_json::from_str(&fs::read_to_string(entry?.path())?)?;
        let requests = messages.iter().map(|message| &message["request"]);
        found.extend(requests.filter_map(|request| {
            let method = request["method"].as_str().filter(|method| method.starts_with("agent/"))?;
            Some((method.to_owned(), request["params"].clone()))
        }));
    }
    found.sort_by_key(|(method, params)| format!("{method} {params}"));
    Ok(found)
}

/// What the fuzzer puts into requests: what it was told, and what nobody means.
struct Words {
    /// Ids and cursors of answers, by their first letter.
    told: Vec<String>,
    odd: Vec<Value>,
    workspace: String,
}

impl Words {
    fn new(workspace: String) -> Self {
        let odd = json!([
            null, true, -1, 0, 1, 1.5, 18_446_744_073_709_551_615_u64, "", "x", "all", "start", "now", "1.0",
            "1.99999999999", "0.0", "-1.-1", "auto", "steer", "queue", "start", "session", "job", "\u{0}",
            "\u{202e}\u{1b}[2J", "../../etc", "s_00000000000000000000000000", [], {}, [[]], [""], {"": {}},
            [{"type": "text", "text": ""}], [{"type": "file", "path": "a.txt"}], [{"type": "ref"}],
        ]);
        let odd = odd.as_array().cloned().unwrap_or_default();
        Self { told: Vec::new(), odd, workspace }
    }

    /// Remembers what looks like an id or a cursor.
    fn learn(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                let is_id = text.len() == 28 && text.as_bytes()[1] == b'_';
                let is_cursor = text.len() < 8 && text.starts_with("1.");
                // The newest are the ones that something is still known of.
                if (is_id || is_cursor) && !self.told.contains(text) {
                    self.told.push(text.clone());
                    if self.told.len() > 200 {
                        self.told.remove(0);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Object(members) => members.values().for_each(|member| self.learn(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Puts what is known in place of the ids and places of an example.
    fn fill(&self, value: &mut Value, numbers: &mut Numbers) {
        match value {
            Value::String(text) if text.get(1..2) == Some("_") => {
                let same = self.told.iter().filter(|told| told.get(..2) == text.get(..2)).collect::<Vec<_>>();
                if !same.is_empty() {
                    text.clone_from(same[numbers.below(same.len())]);
                }
            }
            Value::String(text) if text.starts_with('/') || text.starts_with("file://") => {
                text.clone_from(&self.workspace);
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.fill(item, numbers)),
            Value::Object(members) => members.values_mut().for_each(|member| self.fill(member, numbers)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// Changes one place. What would run as a command stays as it is.
    fn change(&self, value: &mut Value, numbers: &mut Numbers) {
        if let Value::Object(members) = value {
            let names: Vec<String> = members
                .keys()
                .filter(|name| !["command", "data", "path"].contains(&name.as_str()))
                .cloned()
                .collect();
            match numbers.below(6) {
                0 => drop(members.insert(format!("later{}", numbers.below(9)), self.odd_one(numbers))),
                1 if !names.is_empty() => drop(members.remove(&names[numbers.below(names.len())])),
                2 if !names.is_empty() => {
                    let name = names[numbers.below(names.len())].clone();
                    drop(members.insert(name, self.odd_one(numbers)));
                }
                _ if !names.is_empty() => {
                    let name = &names[numbers.below(names.len())];
                    if let Some(member) = members.get_mut(name) {
                        self.change(member, numbers);
                    }
                }
                _ => {}
            }
        } else if let Value::Array(items) = value
            && !items.is_empty()
            && numbers.below(3) > 0
        {
            let at = numbers.below(items.len());
            self.change(&mut items[at], numbers);
        } else {
            *value = self.odd_one(numbers);
        }
    }

    fn odd_one(&self, numbers: &mut Numbers) -> Value {
        if !self.told.is_empty() && numbers.below(2) == 0 {
            return json!(self.told[numbers.below(self.told.len())]);
        }
        self.odd[numbers.below(self.odd.len())].clone()
    }
}

fn is_lethal(method: &str, params: &Value) -> bool {
    method == "agent/admin" && params["op"].as_str().is_some_and(|op| LETHAL.contains(&op))
}

/// Checks that the answer is one that the method may give.
fn check(method: &str, says: Option<&Says>, answer: &Value) -> Result<()> {
    if let Some(result) = answer.get("result") {
        let says = says.context("a method that does not exist was answered")?;
        ensure!((says.fits)(result), "the result does not fit {method}");
        return Ok(());
    }
    let kind = &answer["error"]["data"]["kind"];
    let known =
        ErrorKind::ALL.iter().find(|known| json!(known.name()) == *kind).context("an unknown kind")?;
    ensure!(answer["error"]["code"] == known.code(), "the code does not fit the kind");
    let own = says.map_or(&[][..], |says| says.errors);
    if !own.contains(known) && !GENERAL.contains(known) {
        bail!("{method} may not end with {}", known.name());
    }
    Ok(())
}

/// What was asked, and how it ended.
#[derive(Debug, Default)]
struct Outcomes {
    methods: BTreeSet<String>,
    kinds: BTreeMap<String, u64>,
}

fn run(cases: Option<u64>, seconds: Option<u64>) -> Result<Outcomes> {
    let mut methods = Methods::default();
    visit(&mut methods);
    let (examples, mut daemon) = (examples()?, Daemon::start()?);
    let mut words = Words::new(daemon.home.workspace().display().to_string());
    let deadline = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut outcomes = Outcomes::default();
    let mut case = 0;
    while cases.is_none_or(|cases| case < cases) && deadline.is_none_or(|deadline| Instant::now() < deadline)
    {
        let mut numbers = Numbers(case);
        let (mut method, mut params) = examples[numbers.below(examples.len())].clone();
        words.fill(&mut params, &mut numbers);
        for _ in 0..numbers.below(3) {
            words.change(&mut params, &mut numbers);
        }
        if numbers.below(40) == 0 {
            method.push('x');
        }
        if !params.is_object() && !params.is_array() {
            params = Value::Object(Map::new());
        }
        if !is_lethal(&method, &params) {
            let told = || format!("case {case}: {method} {params}");
            let answer = daemon.call(&method, &params).with_context(told)?;
            check(&method, methods.0.get(method.as_str()), &answer)
                .with_context(|| format!("{}\n{answer}", told()))?;
            words.learn(&answer);
            let kind = answer["error"]["data"]["kind"].as_str().unwrap_or("result").to_owned();
            *outcomes.kinds.entry(kind).or_default() += 1;
            outcomes.methods.insert(method);
        }
        case += 1;
    }
    let verified = daemon.call("agent/admin", &json!({"op": "verify"}))?;
    ensure!(verified.get("result").is_some(), "the log is damaged: {verified}");
    Ok(outcomes)
}

#[test]
fn strange_requests_break_nothing() {
    let seconds = fuzz_seconds();
    let outcomes = run(seconds.is_none().then_some(CASES), seconds).unwrap();
    println!("{outcomes:?}");
    let missing: Vec<_> = METHODS.iter().filter(|method| !outcomes.methods.contains(method.name)).collect();
    assert!(missing.is_empty(), "never asked: {missing:?}");
    // The generator reaches behind the parameters.
    for kind in ["result", "invalidParams", "methodNotFound", "sessionNotFound"] {
        assert!(outcomes.kinds.contains_key(kind), "{kind} was never the outcome: {outcomes:?}");
    }
}

#[test]
fn an_answer_that_the_method_may_not_give_is_a_finding() {
    let mut methods = Methods::default();
    visit(&mut methods);
    let says = methods.0.get("agent/prompt");
    let error = |kind: ErrorKind| json!({"error": {"code": kind.code(), "data": {"kind": kind.name()}}});
    assert!(check("agent/prompt", says, &error(ErrorKind::SessionBusy)).is_ok());
    assert!(check("agent/prompt", says, &error(ErrorKind::InvalidParams)).is_ok());
    assert!(check("agent/prompt", says, &error(ErrorKind::Internal)).is_err());
    assert!(check("agent/prompt", says, &error(ErrorKind::JobNotFound)).is_err());
    assert!(check("agent/prompt", says, &json!({"result": {"outcome": "started"}})).is_err());
    assert!(check("agent/none", None, &json!({"result": {}})).is_err());
    assert!(
        check("agent/none", None, &json!({"error": {"code": 1, "data": {"kind": "methodNotFound"}}}))
            .is_err()
    );
}
