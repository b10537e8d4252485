//! A newer build takes over from an older daemon: in the middle of turns, of commands and of questions, once however many try,
//! and not at all when it is killed meanwhile. Not here: which of two builds is newer (the client's own tests).
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tenon_tests::builds;
use tenon_tests::home::Home;
use tenon_tests::model_server::{Gate, ModelServer, Reply, Script};
use tenon_tests::running::Running;
use tenon_tests::waiting;

const WIRE: &str = "openai-chat";

fn start(home: &Home, build: &Path, arguments: &[&str]) -> Running {
    Running::start(home.command_of(build, arguments)).unwrap()
}

/// Returns the program of the daemon.
fn program(home: &Home) -> PathBuf {
    let daemon = home.daemon().unwrap().expect("a daemon runs");
    fs::read_link(daemon.proc("exe")).unwrap()
}

/// Starts a command of a newer build and returns it once the daemon makes way.
fn take_over(home: &Home, build: &Path) -> Running {
    let mut all = home.start(&["observe", "--json", "--session", "all", "--after", "start"]).unwrap();
    let newer = start(home, build, &["sessions"]);
    let draining = all.event_of("agent.draining").unwrap();
    assert_eq!(draining["data"]["handOver"], true, "{draining}");
    newer
}

/// Reads a session's events to the end of its turn and checks that none is missing or double.
fn follow(mut observed: Running) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let event = observed.event().unwrap().expect("the turn ends");
        assert_eq!(event["seq"], json!(events.len() + 1), "{event}");
        let is_end = event["type"] == "turn.ended";
        events.push(event);
        if is_end {
            return events;
        }
    }
}

fn observe(home: &Home) -> Running {
    home.start(&["observe", "--json", "--after", "start"]).unwrap()
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["type"] == kind).collect()
}

#[test]
fn a_turn_goes_on_at_its_safe_point_and_nobody_has_to_do_anything() {
    let gate = Gate::new();
    let list = Reply::call("list", &json!({})).gate(&gate);
    let server = ModelServer::start(Script::new([list, Reply::text("finished")])).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    let build = builds::newer(&home, 1).unwrap();
    let run = home.start(&["run", "--model", "fake/x", "go"]).unwrap();
    server.block_for_requests(1).unwrap();
    let observed = observe(&home);
    let newer = take_over(&home, &build);
    gate.open();
    newer.finish().unwrap().expect(0).unwrap();
    assert_eq!(run.finish().unwrap().expect(0).unwrap().stdout, "finished\n");
    assert_eq!(program(&home), build);
    let events = follow(observed);
    assert_eq!(of(&events, "attempt.started").len(), 2, "no request was sent twice");
    assert_eq!(server.requests().len(), 2);
    home.tenon(&["log", "--verify"]).unwrap().expect(0).unwrap();
}

#[test]
fn a_command_that_runs_is_not_cut() {
    let script = "while [ ! -e ~/go ]; do sleep 0.02; done; echo ran >> ran.txt";
    let call = Reply::call("shell", &json!({"command": script}));
    let server = ModelServer::start(Script::new([call, Reply::text("finished")])).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    let build = builds::newer(&home, 1).unwrap();
    let run = home.start(&["run", "--model", "fake/x", "--profile", "full", "go"]).unwrap();
    server.block_for_requests(1).unwrap();
    let mut started = observe(&home);
    started.event_of("tool.started").unwrap();
    let newer = take_over(&home, &build);
    // Not in the workspace: what changes there while a command runs need not be seen by it.
    std::fs::write(home.root().join("home/go"), "").unwrap();
    newer.finish().unwrap().expect(0).unwrap();
    assert_eq!(run.finish().unwrap().expect(0).unwrap().stdout, "finished\n");
    assert_eq!(home.read("ran.txt"), "ran\n", "it ran once, and to its end");
    assert_eq!(of(&follow(observe(&home)), "tool.ended")[0]["data"]["status"], "ok");
    assert_eq!(program(&home), build);
}

#[test]
fn a_question_stays_open() {
    let write = Reply::call("write", &json!({"path": "new.txt", "content": "new"}));
    let server = ModelServer::start(Script::new([write, Reply::text("Done.")])).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    let build = builds::newer(&home, 1).unwrap();
    let session = waiting::session(&home).unwrap();
    let observed = home.start(&["observe", "--json", "--after", "start", "--session", &session]).unwrap();
    start(&home, &build, &["sessions"]).finish().unwrap().expect(0).unwrap();
    assert_eq!(program(&home), build);
    let request = waiting::approval(&home).unwrap();
    let id = request["requestId"].as_str().unwrap();
    home.tenon(&["requests", "answer", id, "allow"]).unwrap().expect(0).unwrap();
    let events = follow(observed);
    assert_eq!(of(&events, "tool.started").len(), 1);
    assert_eq!(home.read("new.txt"), "new");
}

#[test]
fn of_many_that_take_over_at_once_the_newest_stays() {
    let home = Home::new().unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    let builds: Vec<PathBuf> = (1..=2).map(|generation| builds::newer(&home, generation).unwrap()).collect();
    let commands: Vec<Running> =
        builds.iter().chain(&builds).map(|build| start(&home, build, &["sessions"])).collect();
    for command in commands {
        command.finish().unwrap().expect(0).unwrap();
    }
    assert_eq!(program(&home), builds[1]);
    // An older one works with it, and leaves it where it is.
    let owner = home.daemon().unwrap().unwrap().pid;
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    start(&home, &builds[0], &["sessions"]).finish().unwrap().expect(0).unwrap();
    assert_eq!(home.daemon().unwrap().unwrap().pid, owner);
}

#[test]
fn when_who_took_over_is_killed_the_older_one_goes_on() {
    let (first, second) = (Gate::new(), Gate::new());
    let gates = (first.clone(), second.clone());
    let script = Script::function(move |_, request| {
        let is_first = request.last_text().contains("first");
        match (request.messages().iter().any(|message| message["role"] == "tool"), is_first) {
            (true, _) => Reply::text("finished"),
            (false, true) => Reply::call("list", &json!({})).gate(&gates.0),
            (false, false) => Reply::call("list", &json!({})).gate(&gates.1),
        }
    });
    let server = ModelServer::start(script).unwrap();
    let home = Home::with_model(WIRE, &server).unwrap();
    let build = builds::newer(&home, 1).unwrap();
    let runs = ["first", "second"].map(|prompt| home.start(&["run", "--model", "fake/x", prompt]).unwrap());
    server.block_for_requests(2).unwrap();
    let owner = home.daemon().unwrap().unwrap().pid;
    let mut all = home.start(&["observe", "--json", "--session", "all", "--after", "start"]).unwrap();
    let newer = start(&home, &build, &["sessions"]);
    let told = all.event_of("agent.draining").unwrap();
    assert_eq!(told["data"]["running"], 2, "{told}");
    first.open();
    // One stands at its safe point now, the other still runs.
    let told = all.event_of("agent.draining").unwrap();
    assert_eq!(told["data"]["running"], 1, "{told}");
    newer.kill().unwrap();
    let notice = all.event_of("notice").unwrap();
    assert_eq!(notice["data"]["kind"], "handOver", "{notice}");
    second.open();
    for run in runs {
        assert_eq!(run.finish().unwrap().expect(0).unwrap().stdout, "finished\n");
    }
    assert_eq!(home.daemon().unwrap().unwrap().pid, owner);
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_state_directory_of_a_newer_version_is_left_alone() {
    let home = Home::new().unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    home.tenon(&["stop"]).unwrap().expect(0).unwrap();
    let journal = home.state_dir().join("journal.db");
    let mut bytes = fs::read(&journal).unwrap();
    // `user_version` of the database's header (SQLite's file format, 1.3): four bytes from 60, big-endian.
    bytes[60..64].copy_from_slice(&99_u32.to_be_bytes());
    fs::write(&journal, &bytes).unwrap();
    let refused = home.tenon(&["sessions"]).unwrap().expect(1).unwrap();
    assert!(refused.stderr.contains("was written by a newer tenon"), "{refused:#?}");
    assert!(refused.stderr.contains("nothing was changed"), "{refused:#?}");
    assert_eq!(fs::read(&journal).unwrap(), bytes);
    assert!(home.daemon().unwrap().is_none());
}
