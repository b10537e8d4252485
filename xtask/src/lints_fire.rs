//! Proves that every lint the project relies on fires, and says why.
//!
//! Not here: rules of our own (`tidy`).
//! A crate is made in a temporary directory with the project's `clippy.toml` and lint table and one snippet for each
//! thing that is forbidden; what clippy then says is compared with the reasons in `clippy.toml`.
//! Stand-ins named like the foreign crates hold just the items that are forbidden, so nothing is downloaded or built.

use crate::{root, shell};
use std::fs;
use std::path::Path;
use toml::{Table, Value};

/// This is a table: for each entry of `clippy.toml` code that uses it.
const DISALLOWED: &[(&str, &str)] = &[
    ("std::process::Command::new", "let _command = std::process::Command::new(\"x\");"),
    ("tokio::process::Command::new", "let _command = tokio::process::Command::new(\"x\");"),
    ("std::env::var", "let _value = std::env::var(\"X\");"),
    ("std::env::var_os", "let _value = std::env::var_os(\"X\");"),
    ("std::env::vars", "let _values = std::env::vars();"),
    ("std::env::current_dir", "let _path = std::env::current_dir();"),
    ("std::time::SystemTime::now", "let _now = std::time::SystemTime::now();"),
    ("tokio::spawn", "tokio::spawn(std::future::ready(()));"),
    ("tokio::task::spawn", "tokio::task::spawn(std::future::ready(()));"),
    ("tokio::sync::mpsc::unbounded_channel", "tokio::sync::mpsc::unbounded_channel();"),
    ("rustix::process::getsid", "rustix::process::getsid(());"),
    ("rusqlite::Connection::open", "rusqlite::Connection::open(\"x\");"),
    ("std::sync::Mutex", "let _lock: Option<std::sync::Mutex<u8>> = None;"),
    ("std::sync::RwLock", "let _lock: Option<std::sync::RwLock<u8>> = None;"),
    ("tokio::sync::Mutex", "let _lock: Option<tokio::sync::Mutex> = None;"),
];

/// This is a table: lints of the workspace that are denied, each with code that breaks it.
const DENIED: &[(&str, &str)] = &[
    ("clippy::unwrap_used", "let _byte = Some(1).unwrap();"),
    ("clippy::expect_used", "let _byte = Some(1).expect(\"one\");"),
    ("clippy::panic", "panic!(\"now\");"),
    ("clippy::todo", "todo!();"),
    ("clippy::print_stdout", "println!(\"x\");"),
    ("clippy::print_stderr", "eprintln!(\"x\");"),
    ("clippy::dbg_macro", "dbg!(1);"),
    ("clippy::exit", "std::process::exit(1);"),
    ("unsafe_code", "unsafe { std::hint::unreachable_unchecked() }"),
];

/// A guard that is held across an await.
const HELD: &str = "pub async fn held(lock: &std::sync::Mutex<u8>) {\n\
    let Ok(_guard) = lock.lock() else { return };\n    std::future::ready(()).await;\n}\n";

const TOKIO: &str = "pub fn spawn<F>(_: F) {}\n\
    pub mod task { pub fn spawn<F>(_: F) {} }\n\
    pub mod sync { pub struct Mutex; pub mod mpsc { pub fn unbounded_channel() {} } }\n\
    pub mod process { pub struct Command; impl Command { pub fn new(_: &str) -> Self { Self } } }\n";
const RUSTIX: &str = "pub mod process { pub fn getsid(_: ()) {} }\n";
const RUSQLITE: &str = "pub struct Connection; impl Connection { pub fn open(_: &str) {} }\n";

/// Returns path and reason of every entry of `clippy.toml`.
fn entries() -> Vec<(String, String)> {
    let text = fs::read_to_string(root::root().join("clippy.toml")).unwrap();
    let table: Table = text.parse().unwrap();
    let lists = ["disallowed-methods", "disallowed-types"].map(|key| table[key].as_array().unwrap().clone());
    let string = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    lists.iter().flatten().map(|entry| (string(entry, "path"), string(entry, "reason"))).collect()
}

fn write(directory: &Path, path: &str, text: &str) {
    let path = directory.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Makes the crate and returns what clippy says about it: pairs of lint and the message with its notes.
fn clippy(clippy_toml: &str, lints: &Table, code: &str) -> Vec<(String, String)> {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    for (name, code) in [("tokio", TOKIO), ("rustix", RUSTIX), ("rusqlite", RUSQLITE)] {
        let manifest = format!("[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n");
        write(at, &format!("{name}/Cargo.toml"), &manifest);
        write(at, &format!("{name}/src/lib.rs"), code);
    }
    let manifest = "[package]\nname = \"snippets\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n\
        [dependencies]\ntokio = { path = \"tokio\" }\n\
        rustix = { path = \"rustix\" }\nrusqlite = { path = \"rusqlite\" }\n";
    let lints =
        toml::to_string(&Table::from_iter([("lints".to_owned(), Value::Table(lints.clone()))])).unwrap();
    write(at, "Cargo.toml", &format!("{manifest}{lints}"));
    write(at, "clippy.toml", clippy_toml);
    write(at, "src/lib.rs", code);
    let mut cargo = shell::cargo();
    cargo.current_dir(at).env_remove("CLIPPY_CONF_DIR").env("CARGO_TARGET_DIR", at.join("target"));
    let output = cargo.args(["clippy", "--offline", "--message-format", "json"]).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter_map(|line| diagnostic(&serde_json::from_str(line).unwrap())).collect()
}

fn diagnostic(line: &serde_json::Value) -> Option<(String, String)> {
    let message = line.get("message")?;
    let lint = message["code"]["code"].as_str()?.to_owned();
    let notes = message["children"].as_array()?.iter().filter_map(|child| child["message"].as_str());
    let text = message["message"].as_str().into_iter().chain(notes);
    Some((lint, text.collect::<Vec<_>>().join("\n")))
}

fn functions(table: &[(&str, &str)]) -> String {
    let body = |(index, (_, code)): (usize, &(&str, &str))| format!("pub fn f{index}() {{ {code} }}\n");
    table.iter().enumerate().map(body).collect()
}

fn workspace_lints() -> Table {
    let text = fs::read_to_string(root::root().join("Cargo.toml")).unwrap();
    let manifest: Table = text.parse().unwrap();
    manifest["workspace"]["lints"].as_table().unwrap().clone()
}

/// Tests that call cargo take seconds.
fn is_slow_allowed() -> bool {
    let allowed = shell::environment("RUN_SLOW_TESTS").is_some();
    if !allowed {
        shell::say("skipped: RUN_SLOW_TESTS is not set");
    }
    allowed
}

#[test]
fn every_entry_has_a_snippet() {
    let mut listed: Vec<_> = entries().into_iter().map(|(path, _)| path).collect();
    let mut tried: Vec<_> = DISALLOWED.iter().map(|(path, _)| (*path).to_owned()).collect();
    listed.sort();
    tried.sort();
    assert_eq!(listed, tried);
}

#[test]
fn every_disallowed_thing_fires_with_its_reason() {
    if !is_slow_allowed() {
        return;
    }
    let clippy_toml = fs::read_to_string(root::root().join("clippy.toml")).unwrap();
    let said = clippy(&clippy_toml, &workspace_lints(), &functions(DISALLOWED));
    for (path, reason) in entries() {
        let fired =
            said.iter().any(|(_, text)| text.contains(&format!("`{path}`")) && text.contains(&reason));
        assert!(fired, "{path} did not fire with its reason; clippy said {said:#?}");
    }
    // The negative control: without the entries nothing of the kind is said.
    let silent = clippy("", &workspace_lints(), &functions(DISALLOWED));
    assert!(!silent.iter().any(|(lint, _)| lint.starts_with("clippy::disallowed_")), "{silent:#?}");
}

#[test]
fn every_denied_lint_fires() {
    if !is_slow_allowed() {
        return;
    }
    let code = functions(DENIED) + HELD;
    let said = clippy("", &workspace_lints(), &code);
    for lint in DENIED.iter().map(|(lint, _)| *lint).chain(["clippy::await_holding_lock"]) {
        assert!(said.iter().any(|(name, _)| name == lint), "{lint} did not fire; clippy said {said:#?}");
    }
    let silent = clippy("", &Table::new(), &code);
    assert!(!silent.iter().any(|(name, _)| name == "clippy::unwrap_used"), "{silent:#?}");
}
