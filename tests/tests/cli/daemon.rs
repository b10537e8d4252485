//! How a daemon leaves: when it is told to, when nobody needs it, with its connection.
use std::io::Write as _;
use std::process::Stdio;

use serde_json::json;
use tenon_tests::home::Home;
use tenon_tests::model_server::{Gate, ModelServer, Reply, Script};
use tenon_tests::running::{PATIENCE, Running};
use tenon_tests::surroundings::slow_tests;
use tenon_tests::waiting;

const WIRE: &str = "openai-chat";

#[test]
fn stop_without_a_daemon_starts_none() {
    let home = Home::new().unwrap();
    for arguments in [&["stop"][..], &["stop", "--now"]] {
        home.tenon(arguments).unwrap().expect(0).unwrap();
        assert!(home.daemon().unwrap().is_none());
    }
    assert!(!home.state_dir().join("journal.db").exists());
}

#[test]
fn stop_waits_for_the_turn_and_for_the_lock() {
    let gate = Gate::new();
    let server = ModelServer::start(Script::new([Reply::text("finished").gate(&gate)])).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    let run = home.start(&["run", "--model", "fake/x", "go"]).unwrap();
    server.block_for_requests(1).unwrap();
    let mut all = home.start(&["observe", "--json", "--session", "all", "--after", "start"]).unwrap();
    let stop = home.start(&["stop"]).unwrap();
    all.event_of("agent.draining").unwrap();
    assert!(home.daemon().unwrap().is_some(), "the turn still runs");
    let refused = home.tenon(&["run", "--model", "fake/x", "more"]).unwrap().expect(1).unwrap();
    assert!(refused.stderr.contains("leav") || refused.stderr.contains("drain"), "{refused:#?}");
    gate.open();
    assert_eq!(run.finish().unwrap().expect(0).unwrap().stdout, "finished\n");
    stop.finish().unwrap().expect(0).unwrap();
    assert!(home.daemon().unwrap().is_none(), "the lock is free when it returns");
}

#[test]
fn stop_now_interrupts_the_turn() {
    let gate = Gate::new();
    let server = ModelServer::start(Script::new([Reply::text("never").gate(&gate)])).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    let run = home.start(&["run", "--model", "fake/x", "go"]).unwrap();
    server.block_for_requests(1).unwrap();
    home.tenon(&["stop", "--now"]).unwrap().expect(0).unwrap();
    assert!(home.daemon().unwrap().is_none());
    assert_ne!(run.finish().unwrap().code, Some(0));
    let log = home.tenon(&["log", "--json"]).unwrap().expect(0).unwrap().json_lines().unwrap();
    let ended = log.iter().find(|event| event["type"] == "turn.ended").expect("the turn is settled");
    assert_eq!(ended["data"]["stop"], "interrupted");
}

#[test]
fn a_turn_that_waits_for_a_person_does_not_hold_it() {
    let write = Reply::call("write", &json!({"path": "new.txt", "content": "new"}));
    let server = ModelServer::start(Script::new([write, Reply::text("Done.")])).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    let session = waiting::session(&home).unwrap();
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    assert!(home.daemon().unwrap().is_none());
    let request = waiting::approval(&home).unwrap();
    assert_eq!(request["session"], session);
    let mut observed = home.start(&["observe", "--json", "--after", "start", "--session", &session]).unwrap();
    let id = request["requestId"].as_str().unwrap();
    home.tenon(&["requests", "answer", id, "allow"]).unwrap().expect(0).unwrap();
    assert_eq!(observed.event_of("turn.ended").unwrap()["data"]["stop"], "done");
    assert_eq!(home.read("new.txt"), "new");
}

#[test]
fn it_leaves_by_itself_when_nobody_is_there() {
    let lingers = if slow_tests() { &["0", "1"][..] } else { &["0"] };
    for linger in lingers {
        let home = Home::new().unwrap();
        home.configure(&format!("[daemon]\nlinger_s = {linger}\n")).unwrap();
        let mut attached = attach(&home);
        let greeted = attached.event().unwrap().expect("an answer");
        assert!(greeted["result"].is_object(), "{greeted}");
        let daemon = home.daemon().unwrap().expect("it was started");
        attached.finish().unwrap().expect(0).unwrap();
        assert!(daemon.ends_within(PATIENCE).unwrap());
        assert!(home.daemon().unwrap().is_none());
        home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    }
}

#[test]
fn commands_meet_a_daemon_that_is_always_about_to_leave() {
    let home = Home::new().unwrap();
    home.configure("[daemon]\nlinger_s = 0\n").unwrap();
    for _ in 0..if slow_tests() { 20 } else { 2 } {
        let pair = [home.start(&["sessions"]).unwrap(), home.start(&["sessions"]).unwrap()];
        for command in pair {
            command.finish().unwrap().expect(0).unwrap();
        }
    }
}

fn initialize() -> serde_json::Value {
    let params = json!({"capabilities": {"experimental": {"agent": {"protocol": [1]}}}});
    json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
}

/// Starts a connection that has said hello, and waits for nothing.
fn attach(home: &Home) -> Running {
    let mut command = home.command(&["attach"]);
    command.stdin(Stdio::piped());
    let mut attached = Running::start(command).unwrap();
    let hello = initialize();
    writeln!(attached.stdin.as_mut().unwrap(), "{hello}").unwrap();
    attached
}

#[test]
fn serving_a_pipe_ends_with_it() {
    let home = Home::new().unwrap();
    let mut command = home.command(&["serve", "--stdio"]);
    command.stdin(Stdio::piped());
    let mut serving = Running::start(command).unwrap();
    let hello = initialize();
    writeln!(serving.stdin.as_mut().unwrap(), "{hello}").unwrap();
    let line = serving.event().unwrap().unwrap();
    assert_eq!(line["result"]["capabilities"]["experimental"]["agent"]["protocol"], 1, "{line}");
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    assert_eq!(
        home.daemon().unwrap().unwrap().pid,
        serving.process().unwrap().pid,
        "it serves the socket too"
    );
    serving.finish().unwrap().expect(0).unwrap();
    assert!(home.daemon().unwrap().is_none());
}
