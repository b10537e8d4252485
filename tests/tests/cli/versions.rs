//! Programs and agents that have no language in common: every command says so in one sentence, and none hangs. Not here: the
//! agent's own detection of dialects over its carriers (scenarios).
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::process::Stdio;

use serde_json::{Value, json};
use tenon_tests::home::Home;
use tenon_tests::running::{Finished, Running};

/// Commands that talk to the agent.
const COMMANDS: &[&[&str]] = &[
    &["run", "--model", "fake/x", "go"],
    &["sessions"],
    &["log", "--session", "s_1"],
    &["diff", "--session", "s_1"],
    &["observe", "--session", "all"],
    &["requests"],
    &["pending", "--session", "s_1"],
    &["models"],
    &["tools"],
    &["rpc", "agent/list"],
    &["stop"],
    &["trust"],
    &["trust", "--list"],
];

/// Plays an agent that speaks these versions and no other, for as long as the test runs.
fn agent(home: &Home, supported: &'static [u64]) {
    std::fs::create_dir_all(home.state_dir().join("run")).unwrap();
    let listener = UnixListener::bind(home.state_dir().join("run/agent.sock")).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let mut requests = lines.map_while(Result::ok).filter(|line| line.contains("\"initialize\""));
            let Some(request) = requests.next() else { continue };
            let request: Value = serde_json::from_str(&request).unwrap();
            let data = json!({"kind": "unsupportedProtocol", "supported": supported});
            let error = json!({"code": 1005, "message": "no", "data": data});
            // A command that has gone needs no answer.
            writeln!(stream, "{}", json!({"jsonrpc": "2.0", "id": request["id"], "error": error})).ok();
        }
    });
}

fn check(supported: &'static [u64], sentence: &str, advice: &str) {
    let home = Home::new().unwrap();
    agent(&home, supported);
    for command in COMMANDS {
        let told = home.tenon(command).unwrap().expect(1).unwrap().stderr;
        assert!(
            told.starts_with(&format!("error: the agent that runs is {sentence}")),
            "{command:?}: {told}"
        );
        assert!(told.contains(advice) && told.lines().count() == 2, "{command:?}: {told}");
    }
    let told = home.tenon(&["doctor"]).unwrap().stdout;
    assert!(told.contains(sentence), "{told}");
}

#[test]
fn every_command_says_that_the_agent_is_newer() {
    check(&[2, 3], "newer than this program: it speaks version 3", "hint: update this program");
}

#[test]
fn every_command_says_that_the_agent_is_older() {
    check(&[0], "older than this program: it speaks version 0", "hint: `tenon doctor` names its process");
}

fn fed(home: &Home, arguments: &[&str], input: &str) -> Finished {
    let mut command = home.command(arguments);
    command.stdin(Stdio::piped());
    let mut running = Running::start(command).unwrap();
    running.stdin.as_mut().unwrap().write_all(input.as_bytes()).unwrap();
    running.finish_with_open_stdin().unwrap()
}

#[test]
fn dialects_that_are_missing_are_refused_by_name() {
    let home = Home::new().unwrap();
    let acp = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": 1}});
    let done = fed(&home, &["acp"], &format!("{acp}\n")).expect(1).unwrap();
    let answer: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(0), &json!(1005)));
    assert!(done.stderr.starts_with("error: this build of tenon does not speak the Agent Client Protocol\n"));
    let lsp = json!({"jsonrpc": "2.0", "id": "a", "method": "initialize", "params": {"capabilities": {}}});
    let framed = format!("Content-Length: {}\r\n\r\n{lsp}", lsp.to_string().len());
    let done = fed(&home, &["lsp", "--stdio"], &framed).expect(1).unwrap();
    let (head, body) = done.stdout.split_once("\r\n\r\n").unwrap();
    assert_eq!(head, format!("Content-Length: {}", body.len()));
    assert_eq!(serde_json::from_str::<Value>(body).unwrap()["error"]["data"]["kind"], "unsupportedProtocol");
    // Nothing was said: nothing is answered, and it ends all the same.
    assert_eq!(home.tenon(&["acp"]).unwrap().expect(1).unwrap().stdout, "");
    assert!(home.daemon().unwrap().is_none(), "nothing was started");
}

#[test]
fn other_dialects_are_refused_over_standard_streams() {
    let home = Home::new().unwrap();
    for params in [
        json!({"protocolVersion": 1, "clientCapabilities": {}}),
        json!({"protocolVersion": "2025-11-25", "capabilities": {}}),
        json!({"processId": null, "capabilities": {}}),
        json!({"capabilities": {"experimental": {"agent": {"protocol": [2]}}}}),
    ] {
        for command in [&["attach"][..], &["serve", "--stdio"]] {
            let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
            let mut child = home.command(command);
            child.stdin(Stdio::piped());
            let mut running = Running::start(child).unwrap();
            writeln!(running.stdin.as_mut().unwrap(), "{hello}").unwrap();
            let answer = running.event().unwrap().expect("an answer");
            assert_eq!(answer["error"]["code"], 1005, "{command:?} {params}: {answer}");
            assert!(!answer["error"]["message"].as_str().unwrap().is_empty());
            running.finish().unwrap().expect(0).unwrap();
            if command[0] == "attach" {
                home.tenon(&["stop"]).unwrap().expect(0).unwrap();
            }
        }
    }
}
