//! A key never reaches the state directory: not from a variable, the configuration or an address, not from a provider's error,
//! and not from a file or a command that holds it.
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{ModelServer, Reply, Script};

/// What must not be found; no real key looks like it.
const KEY: &str = "test-key-that-nobody-may-keep";

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.symlink_metadata().unwrap() {
            metadata if metadata.is_dir() => found.extend(files(&path)),
            metadata if metadata.is_file() => found.push(path),
            _ => {}
        }
    }
    found
}

/// Returns the files that hold the key.
fn found(directory: &Path) -> Vec<PathBuf> {
    let holds =
        |path: &PathBuf| fs::read(path).unwrap().windows(KEY.len()).any(|window| window == KEY.as_bytes());
    files(directory).into_iter().filter(holds).collect()
}

fn never_kept(wire: &str, key: &str, header: &str) {
    let script = Script::function(|number, request| match number {
        // A provider that shows the key it was sent.
        0 => Reply::status(503, &format!("cannot take {KEY} now")),
        1 => Reply::call(
            "shell",
            &json!({"command": "env; cat planted.env; head -c 30 planted.env; tail -c +31 planted.env"}),
        ),
        2 => Reply::call("read", &json!({"path": "planted.env"})),
        3 => Reply::call("grep", &json!({"pattern": "API_KEY"})),
        4 => Reply::text(format!("The headers were {}.", request.headers.len())),
        _ => Reply::status(401, &format!("the key {KEY} is not valid")),
    });
    let server = ModelServer::start(script).unwrap();
    let home = Home::new().unwrap().with("MY_KEY", KEY).with("TENON_LOG", "trace");
    let provider = provider(wire, &server).replace("http://", &format!("http://me:{KEY}@"));
    home.configure(&format!("{provider}{key}")).unwrap();
    fs::write(home.workspace().join("planted.env"), format!("THE_LONG_NAME_OF_AN_API_KEY={KEY}\n")).unwrap();
    let arguments = ["run", "--json", "--profile", "full", "--model", "fake/x", "go"];
    let run = home.tenon(&arguments).unwrap().expect(0).unwrap();
    assert!(!run.stdout.contains(KEY) && !run.stderr.contains(KEY), "{run:#?}");
    let bodies: Vec<String> = server.requests().iter().map(|request| request.body.to_string()).collect();
    assert!(bodies.iter().all(|body| !body.contains(KEY)), "no model sees it");
    // Printed twice by the command, once by each tool.
    assert_eq!(bodies[4].matches("THE_LONG_NAME_OF_AN_API_KEY=[redacted]").count(), 4, "{}", bodies[4]);
    let failed = home.tenon(&arguments).unwrap().expect(1).unwrap();
    assert!(!failed.stdout.contains(KEY) && !failed.stderr.contains(KEY), "{failed:#?}");
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.header(header).is_some_and(|value| value.contains(KEY)))
    );
    let log = fs::read_to_string(home.state_dir().join("log/agent.log")).unwrap();
    assert!(log.contains("TRACE"), "the log is as loud as it gets");
    for command in [
        &["doctor"][..],
        &["config", "explain", "model"],
        &["models"],
        &["auth"],
        &["config", "get"],
        &["rpc", "agent/list", "{\"kind\": \"provider\"}"],
        &["log", "--json"],
    ] {
        let shown = home.tenon(command).unwrap();
        assert!(!shown.stdout.contains(KEY) && !shown.stderr.contains(KEY), "{command:?}: {shown:#?}");
    }
    // What is still on its way to the disk is there when the daemon has left.
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    assert_eq!(found(&home.state_dir()), Vec::<PathBuf>::new());
    fs::write(home.state_dir().join("control"), KEY).unwrap();
    assert_eq!(found(&home.state_dir()).len(), 1, "the search finds what is there");
}

#[test]
fn a_key_in_a_variable_is_never_kept() {
    never_kept("openai-chat", "api_key = { env = \"MY_KEY\" }\n", "authorization");
}

#[test]
fn a_key_in_a_header_is_never_kept() {
    let header = format!("headers = {{ \"x-api-key\" = \"{KEY}\" }}\n");
    never_kept("anthropic-messages", &header, "x-api-key");
}
