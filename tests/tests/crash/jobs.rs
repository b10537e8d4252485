//! `kill -9` of the daemon while a person's command runs: nothing of it survives, its end is recorded as unknown, and what it had
//! changed is recorded, without what people did afterwards.
use std::fs;
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

#[test]
fn what_a_job_had_changed_is_recorded_and_what_people_did_after_its_end_is_theirs() {
    let home = Home::new().unwrap();
    for name in ["job.txt", "person.txt", "both.txt"] {
        home.write(name, "one\n").unwrap();
    }
    let session = open(&home);
    let marker = format!("76543.{:08}", std::process::id());
    let command = format!("echo job > job.txt; echo job > both.txt; echo job > made.txt; sleep {marker}");
    let started = rpc(&home, "agent/run", &json!({"sessionId": session, "command": command})).unwrap();
    let job = started["jobId"].as_str().unwrap();
    let deadline = Instant::now() + PATIENCE;
    let sleeping = loop {
        let found = Process::with_argument(&marker).unwrap();
        if let Some(found) = found.into_iter().find(|found| found.command_line().starts_with("sleep")) {
            break found;
        }
        assert!(Instant::now() < deadline, "it does not sleep");
        std::thread::yield_now();
    };
    let supervisor = sleeping.ancestor("__supervise").unwrap();
    home.kill_daemon().unwrap();
    assert!(sleeping.ends_within(PATIENCE).unwrap() && supervisor.ends_within(PATIENCE).unwrap());
    // The clock of a file system stands still for some milliseconds at a time.
    let record = home.state_dir().join(format!("run/calls/{job}.jsonl"));
    let time = |path: &std::path::Path| fs::metadata(path).unwrap().modified().unwrap();
    while time(&home.workspace().join("person.txt")) <= time(&record) {
        assert!(Instant::now() < deadline, "no clock goes on");
        home.write("person.txt", "a person\n").unwrap();
    }
    home.write("both.txt", "a person\n").unwrap();
    let mut observed = home.start(&["observe", "--json", "--after", "start", "--session", &session]).unwrap();
    let applied = observed.event_of("change.applied").unwrap()["data"].clone();
    let paths: Vec<&str> =
        applied["files"].as_array().unwrap().iter().filter_map(|file| file["path"].as_str()).collect();
    assert_eq!((paths, &applied["jobId"]), (vec!["job.txt", "made.txt"], &started["jobId"]), "{applied}");
    assert!(applied["uncovered"][0]["reason"].as_str().unwrap().contains("and 1 more"), "{applied}");
    let refused = home.tenon(&["revert", "--session", &session, job]).unwrap().expect(1).unwrap();
    assert!(refused.stderr.contains("--overwrite"), "{refused:?}");
    let all = ["revert", "--session", &session, job, "--overwrite", "."];
    home.tenon(&all).unwrap().expect(0).unwrap();
    assert_eq!(
        ["job.txt", "person.txt", "both.txt"].map(|name| home.read(name)),
        ["one\n", "a person\n", "a person\n"]
    );
    assert!(!home.workspace().join("made.txt").exists());
}
