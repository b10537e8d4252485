//! `kill -9` of the daemon while a command runs: nothing of it survives, its outcome is unknown, and it is not run again. What it
//! wrote is brought in, unless a person dropped it.
use std::fs::File;
use std::io::Read as _;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use serde_json::json;
use tenon_tests::conversation::{self, Exchange};
use tenon_tests::home::{Home, provider};
use tenon_tests::layers;
use tenon_tests::model_server::{ModelServer, Reply};
use tenon_tests::process::Process;
use tenon_tests::running::PATIENCE;
use tenon_tests::waiting::rpc;

/// Returns an argument that no other process has: a number that `sleep` takes.
fn marker() -> String {
    // Of one length, so that none is the beginning of another.
    format!("98765.{:08}{:03}", std::process::id(), std::thread::current().name().unwrap_or_default().len())
}

/// Waits until a command writes to the pipe `up` of the workspace.
fn wait_for_up(home: &Home) {
    let path = home.workspace().join("up");
    let (sender, receiver) = sync_channel(1);
    std::thread::spawn(move || {
        let mut text = String::new();
        File::open(path).unwrap().read_to_string(&mut text).unwrap();
        sender.send(text).ok();
    });
    assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), "up\n");
}

/// Returns the processes of the command once there are that many: while one becomes another program it has no arguments.
fn tree(processes: usize) -> Vec<Process> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let tree = Process::with_argument(&marker()).unwrap();
        if tree.len() >= processes {
            return tree;
        }
        assert!(Instant::now() < deadline, "only {} processes", tree.len());
        std::thread::yield_now();
    }
}

fn dies_with_the_daemon(wire: &str, level: u8, command: &str, processes: usize) {
    let command = format!("echo ran >> ran.txt; {command}");
    let script = conversation::by_exchanges(move |done: &[Exchange]| match done.last() {
        None => Reply::call("shell", &json!({"command": command})),
        Some(_) => Reply::text("I see."),
    });
    let server = ModelServer::start(script).unwrap();
    let home = Home::with_model(wire, &server).unwrap();
    home.configure(&format!("{}\n[sandbox]\nlevel = {level}\n", provider(wire, &server))).unwrap();
    if level > 1 && !layers::has_level(&home, level).unwrap() {
        return;
    }
    mknodat(CWD, home.workspace().join("up"), FileType::Fifo, Mode::RWXU, 0).unwrap();
    let mut run = home.start(&["run", "--json", "--profile", "full", "--model", "fake/x", "go"]).unwrap();
    let opened = run.event_of("run.opened").unwrap();
    let session = opened["data"]["sessionId"].as_str().unwrap().to_owned();
    run.event_of("tool.started").unwrap();
    wait_for_up(&home);
    // Without a client nothing starts the daemon again.
    run.kill().unwrap();
    let tree = tree(processes);
    home.kill_daemon().unwrap();
    for process in &tree {
        assert!(process.ends_within(PATIENCE).unwrap(), "{} survived", process.command_line());
    }
    // One that was just becoming another program was not seen above.
    for process in Process::with_argument(&marker()).unwrap() {
        assert!(process.ends_within(PATIENCE).unwrap(), "{} survived", process.command_line());
    }
    assert!(home.daemon().unwrap().is_none(), "all of it without a restart");

    let mut observed = home.start(&["observe", "--json", "--after", "start", "--session", &session]).unwrap();
    let ended = observed.event_of("tool.ended").unwrap();
    assert_eq!(ended["data"]["status"], "unknown", "{ended}");
    assert_eq!(observed.event_of("turn.ended").unwrap()["data"]["stop"], "done");
    assert_eq!(home.read("ran.txt"), "ran\n", "it is not run again");
    let arguments = ["run", "--session", &session, "--profile", "full", "--model", "fake/x", "and?"];
    assert_eq!(home.tenon(&arguments).unwrap().expect(0).unwrap().stdout, "I see.\n");
    let requests = server.requests();
    conversation::check(requests.iter().map(AsRef::as_ref)).unwrap();
    let told = conversation::exchanges(requests.last().unwrap()).unwrap();
    assert!(told[0].result.as_ref().unwrap().contains("unknown"), "{told:?}");
    assert_eq!(home.read("ran.txt"), "ran\n");
    home.tenon(&["log", "--verify"]).unwrap().expect(0).unwrap();
}

#[test]
fn a_command_dies_with_the_daemon() {
    let marker = marker();
    dies_with_the_daemon("openai-chat", 1, &format!("echo up > up; sleep {marker}"), 1);
}

fn hides(level: u8) {
    // Forked twice, in a session of its own, deaf to every signal that asks; the parent it had is long gone.
    let marker = marker();
    let hidden = format!("trap \"\" TERM HUP INT; echo up > up; exec sleep {marker}");
    let command = format!("(setsid sh -c '{hidden}' </dev/null >/dev/null 2>&1 &); sleep {marker}");
    dies_with_the_daemon("anthropic-messages", level, &command, 2);
}

#[test]
fn a_command_that_hides_dies_with_the_daemon() {
    hides(1);
}

#[test]
fn a_confined_command_that_hides_dies_with_the_daemon() {
    hides(2);
}

#[test]
fn an_isolated_command_that_hides_dies_with_the_daemon() {
    hides(3);
}

#[test]
fn what_a_person_dropped_stays_dropped_where_the_daemon_dies_before_it_is_settled() {
    if let Err(reason) = layers::available() {
        return println!("skipped: {reason}");
    }
    let marker = marker();
    let command = format!("echo half > half.txt; sleep {marker}");
    let script = conversation::by_exchanges(move |done: &[Exchange]| match done.last() {
        None => Reply::call("shell", &json!({"command": command})),
        Some(_) => Reply::text("I see."),
    });
    let server = ModelServer::start(script).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let mut run = home.start(&["run", "--json", "--profile", "full", "--model", "fake/x", "go"]).unwrap();
    let opened = run.event_of("run.opened").unwrap();
    let session = opened["data"]["sessionId"].as_str().unwrap().to_owned();
    let asleep = |process: &Process| process.command_line().starts_with("sleep");
    let deadline = Instant::now() + PATIENCE;
    let sleeping = loop {
        let found = tree(1).into_iter().find(asleep);
        if let Some(found) = found {
            break found;
        }
        assert!(Instant::now() < deadline, "it does not sleep");
        std::thread::yield_now();
    };
    run.kill().unwrap();
    // What supervises it stands still: the command is not ended, and nothing is settled.
    let supervisor = sleeping.ancestor("__supervise").unwrap();
    supervisor.signal(Signal::STOP);
    let answer = rpc(&home, "agent/interrupt", &json!({"sessionId": session, "drop": true})).unwrap();
    assert_eq!(answer["dropped"], true, "{answer}");
    home.kill_daemon().unwrap();
    supervisor.signal(Signal::CONT);
    assert!(sleeping.ends_within(PATIENCE).unwrap(), "it survived");
    let mut observed = home.start(&["observe", "--json", "--after", "start", "--session", &session]).unwrap();
    let ended = observed.event_of("tool.ended").unwrap();
    assert_eq!((&ended["data"]["status"], &ended["data"]["changeId"]), (&json!("interrupted"), &json!(null)));
    observed.event_of("turn.ended").unwrap();
    assert!(!home.workspace().join("half.txt").exists(), "nothing of it is in the workspace");
    home.tenon(&["log", "--verify"]).unwrap().expect(0).unwrap();
}
