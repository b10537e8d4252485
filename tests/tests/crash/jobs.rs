//! `kill -9` of the daemon while a person's command runs: nothing of it survives, and its end is recorded as unknown.
use std::time::Instant;

use serde_json::json;
use tenon_tests::home::Home;
use tenon_tests::process::Process;
use tenon_tests::running::PATIENCE;
use tenon_tests::waiting::rpc;

/// Opens a session in which the person's commands may run.
fn open(home: &Home) -> String {
    let params = json!({"workspace": home.workspace(), "settings": {"trust": "session"}});
    let opened = rpc(home, "agent/open", &params).unwrap();
    opened["session"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_job_that_hides_dies_with_the_daemon() {
    let home = Home::new().unwrap();
    let session = open(&home);
    let marker = format!("87654.{:08}", std::process::id());
    // Forked twice, in a session of its own, without the terminal, deaf to every signal that asks.
    let hidden = format!("trap \"\" TERM HUP INT; exec sleep {marker}");
    let command = format!(
        "echo ran >> ran.txt; (setsid sh -c '{hidden}' </dev/null >/dev/null 2>&1 &); sleep {marker}"
    );
    let started = rpc(&home, "agent/run", &json!({"sessionId": session, "command": command})).unwrap();
    let deadline = Instant::now() + PATIENCE;
    let tree = loop {
        let tree = Process::with_argument(&marker).unwrap();
        let sleeping = tree.iter().filter(|process| process.command_line().starts_with("sleep")).count();
        if sleeping == 2 {
            break tree;
        }
        assert!(Instant::now() < deadline, "only {sleeping} of 2 processes");
        std::thread::yield_now();
    };
    home.kill_daemon().unwrap();
    for process in &tree {
        assert!(process.ends_within(PATIENCE).unwrap(), "{} survived", process.command_line());
    }
    let mut observed = home.start(&["observe", "--json", "--after", "start", "--session", &session]).unwrap();
    let ended = observed.event_of("job.ended").unwrap();
    assert_eq!((&ended["data"]["jobId"], &ended["data"]["status"]), (&started["jobId"], &json!("unknown")));
    assert_eq!(home.read("ran.txt"), "ran\n", "it is not run again");
    assert_eq!(home.tenon(&["jobs", "--json"]).unwrap().expect(0).unwrap().stdout, "");
    home.tenon(&["log", "--verify"]).unwrap().expect(0).unwrap();
}
