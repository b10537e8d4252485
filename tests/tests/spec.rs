//! What `spec/` shows is true: the examples are what the types say, and a client written from the page alone works.
//! Not here: whether generated files are up to date (`cargo xtask codegen --check`).
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tenon_protocol::context::ContextParams;
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::event::observe::{ObserveClosed, ObserveCursor, ObserveLive, ObserveOpened};
use tenon_protocol::event::{Envelope, EventBody};
use tenon_protocol::handshake::{AgentHello, ClientHello};
use tenon_protocol::methods::{EVENT, EnvironmentParams, METHODS, Method, Visitor, visit};
use tenon_protocol::signal::Delta;
use tenon_tests::conversation;
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::running::Running;

/// The exit code with which the shell says that there is no python3.
const NO_PYTHON: i32 = 77;

fn examples(directory: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../spec/examples").join(directory)
}

/// Returns the messages of an example file.
fn messages(directory: &str, name: &str) -> Result<Vec<Value>, String> {
    let path = examples(directory).join(format!("{name}.json"));
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let messages: Vec<Value> = serde_json::from_str(&text).map_err(|error| format!("{name}: {error}"))?;
    if messages.is_empty() { Err(format!("{name} shows nothing")) } else { Ok(messages) }
}

/// Reads a value as `T` and writes it again: members that `T` does not know would be lost.
fn round_trip<T: Serialize + DeserializeOwned>(what: &str, value: &Value) -> Result<(), String> {
    let read: T = serde_json::from_value(value.clone()).map_err(|error| format!("{what}: {error}"))?;
    nothing_lost(what, &read, value)
}

/// Writes what was read of a value.
fn nothing_lost<T: Serialize>(what: &str, read: &T, value: &Value) -> Result<(), String> {
    let written = serde_json::to_value(read).map_err(|error| format!("{what}: {error}"))?;
    if written == *value { Ok(()) } else { Err(format!("{what}:\n{value:#}\nbecomes\n{written:#}")) }
}

fn exchange<P: Serialize + DeserializeOwned, R: Serialize + DeserializeOwned>(
    name: &str,
    message: &Value,
) -> Result<(), String> {
    let (request, response) = (&message["request"], &message["response"]);
    if request["method"] != name || request["id"] != response["id"] || request["jsonrpc"] != "2.0" {
        return Err(format!("{name}: {message:#}"));
    }
    round_trip::<P>(&format!("{name} params"), &request["params"])?;
    if let Some(error) = response.get("error") {
        return round_trip::<RpcError>(&format!("{name} error"), error);
    }
    round_trip::<R>(&format!("{name} result"), &response["result"])
}

fn event(kind: &str, message: &Value) -> Result<(), String> {
    let result = &message["params"]["result"];
    if message["method"] != EVENT || !message["params"]["subscription"].is_string() {
        return Err(format!("{kind}: {message:#}"));
    }
    if kind == "delta" {
        return round_trip::<Delta>(kind, result);
    }
    round_trip::<Envelope>(kind, result)?;
    if result["type"] != kind {
        return Err(format!("{kind} is of type {}", result["type"]));
    }
    match kind {
        "observe.opened" => round_trip::<ObserveOpened>(kind, &result["data"]),
        "observe.live" => round_trip::<ObserveLive>(kind, &result["data"]),
        "observe.cursor" => round_trip::<ObserveCursor>(kind, &result["data"]),
        "observe.closed" => round_trip::<ObserveClosed>(kind, &result["data"]),
        _ => {
            let data = &result["data"];
            let read =
                EventBody::read(kind, &data.to_string()).map_err(|error| format!("{kind}: {error}"))?;
            nothing_lost(kind, &read, &json!({"type": kind, "data": data}))
        }
    }
}

#[derive(Default)]
struct Checked {
    failures: Vec<String>,
}

impl Visitor for Checked {
    fn method<M: Method>(&mut self) {
        let outcome = messages("methods", &M::NAME.replace('/', ".")).and_then(|messages| {
            messages.iter().try_for_each(|message| exchange::<M::Params, M::Result>(M::NAME, message))
        });
        self.failures.extend(outcome.err());
    }
}

fn names(directory: &str) -> anyhow::Result<BTreeSet<String>> {
    let name = |entry: std::io::Result<fs::DirEntry>| {
        let name = entry?.file_name().to_string_lossy().into_owned();
        Ok(name.strip_suffix(".json").map_or_else(|| name.clone(), str::to_owned))
    };
    fs::read_dir(examples(directory))?.map(name).collect()
}

#[test]
fn every_method_has_examples_that_are_what_its_types_say() {
    let mut checked = Checked::default();
    visit(&mut checked);
    assert!(checked.failures.is_empty(), "{}", checked.failures.join("\n"));
    let mut expected: BTreeSet<_> = METHODS.iter().map(|method| method.name.replace('/', ".")).collect();
    expected.extend(["initialize", "environment", "agent.context"].map(str::to_owned));
    assert_eq!(names("methods").unwrap(), expected);
}

#[test]
fn the_handshake_is_what_its_types_say() {
    for message in messages("methods", "initialize").unwrap() {
        let agent = |value: &Value| value["capabilities"]["experimental"]["agent"].clone();
        round_trip::<ClientHello>("client", &agent(&message["request"]["params"])).unwrap();
        round_trip::<AgentHello>("agent", &agent(&message["response"]["result"])).unwrap();
    }
    for message in messages("methods", "environment").unwrap() {
        assert_eq!(message["method"], "$/environment");
        round_trip::<EnvironmentParams>("environment", &message["params"]).unwrap();
    }
    for message in messages("methods", "agent.context").unwrap() {
        assert_eq!(message["method"], "agent/context");
        round_trip::<ContextParams>("context", &message["params"]).unwrap();
    }
}

#[test]
fn every_event_has_examples_that_are_what_its_types_say() {
    let own = ["observe.opened", "observe.live", "observe.cursor", "observe.closed", "delta"];
    let expected: BTreeSet<&str> = EventBody::TYPES.iter().copied().chain(own).collect();
    for kind in &expected {
        for message in messages("events", kind).unwrap() {
            event(kind, &message).unwrap();
        }
    }
    assert_eq!(names("events").unwrap(), expected.into_iter().map(str::to_owned).collect());
}

#[test]
fn every_kind_of_error_has_an_example() {
    let found: BTreeSet<String> = messages("", "errors")
        .unwrap()
        .iter()
        .map(|error| {
            round_trip::<RpcError>("error", error).unwrap();
            format!("{} {}", error["code"], error["data"]["kind"])
        })
        .collect();
    let kinds = ErrorKind::ALL.iter().map(|kind| format!("{} \"{}\"", kind.code(), kind.name()));
    assert_eq!(found, kinds.collect());
}

#[test]
fn an_example_that_is_not_what_the_types_say_is_found() {
    let mut message = messages("events", "turn.ended").unwrap().remove(0);
    message["params"]["result"]["data"]["surplus"] = json!(1);
    assert!(event("turn.ended", &message).unwrap_err().contains("surplus"));
    message["params"]["result"]["data"] = json!({"stop": "exploded", "usage": {}});
    assert!(event("turn.ended", &message).is_err());
    assert!(messages("events", "no.such").is_err());
}

fn play(decisions: &str, workspace_after: &str, expected: &str) -> anyhow::Result<()> {
    let answers = |done: &[conversation::Exchange]| match done.len() {
        0 => Reply::text("I write it.").and_call("write", &json!({"path": "a.txt", "content": "two\n"})),
        _ => Reply::text("That is all."),
    };
    let server = ModelServer::start(conversation::by_exchanges(answers))?;
    let home = Home::with_model("openai-chat", &server)?;
    let own = fs::read_to_string(home.config_file())?;
    home.configure(&format!("model = \"fake/x\"\n{decisions}\n{own}"))?;
    let client = examples("clients").join("minimal.py");
    let script = format!(
        "command -v python3 >&2 || exit {NO_PYTHON}; TENON=\"$0\" exec python3 '{}' . 'make it two'",
        client.display()
    );
    let finished = Running::start(home.shell(&script))?.finish()?;
    if finished.code == Some(NO_PYTHON) {
        #[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
        {
            eprintln!("skipped: python3 not found");
        }
        return Ok(());
    }
    let finished = finished.expect(0)?;
    assert_eq!(finished.stdout, "I write it.\nThat is all.\n", "{finished:#?}");
    assert!(finished.stderr.contains(expected), "{finished:#?}");
    assert_eq!(home.read("a.txt"), workspace_after);
    Ok(())
}

#[test]
fn a_client_written_from_the_page_alone_runs_a_turn_with_an_approval() {
    play("", "two\n", "? ").unwrap();
}

#[test]
fn it_prints_all_of_an_answer_that_is_too_large_for_a_message() {
    let saga = "a line of the saga\n".repeat(80_000);
    let server = ModelServer::start(Script::new([Reply::text(&saga).deltas(20)])).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let own = fs::read_to_string(home.config_file()).unwrap();
    home.configure(&format!("model = \"fake/x\"\n{own}")).unwrap();
    let client = examples("clients").join("minimal.py");
    let script = format!(
        "command -v python3 >&2 || exit {NO_PYTHON}; TENON=\"$0\" python3 '{}' . 'tell it' >said",
        client.display()
    );
    let finished = Running::start(home.shell(&script)).unwrap().finish().unwrap();
    if finished.code != Some(NO_PYTHON) {
        finished.expect(0).unwrap();
        assert!(home.read("said") == format!("{saga}\n"), "{} bytes", home.read("said").len());
    }
}

#[test]
fn without_the_approval_nothing_is_written() {
    play("rules.deny = [\"write:**\"]", "", "denied").unwrap();
}
