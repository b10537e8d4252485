//! What a run makes of a provider that fails: how often it asks, how long it waits, what it prints.
use std::time::Duration;

use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{Fault, ModelServer, Reply, Script};
use tenon_tests::running::Finished;
use tenon_tests::surroundings::slow_tests;

const WIRES: [&str; 2] = ["openai-chat", "anthropic-messages"];

fn run(home: &Home) -> Finished {
    home.tenon(&["run", "--model", "fake/x", "go"]).unwrap()
}

#[test]
fn a_server_that_fails_for_ever_ends_within_the_budget() {
    if !slow_tests() {
        return;
    }
    for wire in WIRES {
        let server = ModelServer::start(Script::always(Reply::status(500, "out of order"))).unwrap();
        let home = Home::new().unwrap();
        let limits = "[limits]\nretry_attempts = 100\nretry_budget_s = 3\n";
        home.configure(&format!("{}{limits}", provider(wire, &server))).unwrap();
        let failed = run(&home).expect(1).unwrap();
        assert_eq!(failed.stdout, "");
        let errors: Vec<&str> = failed.stderr.lines().filter(|line| line.starts_with("error:")).collect();
        assert_eq!(errors.len(), 1, "one clear sentence: {failed:#?}");
        assert!(errors[0].contains("out of order"), "{failed:#?}");
        // Pauses double from a quarter of a second or more: within three seconds there is room for three, and on a busy machine
        // for fewer.
        let asked = server.requests().len();
        assert!((1..=4).contains(&asked), "{asked} requests");
    }
}

#[test]
fn a_wrong_key_is_tried_once() {
    for wire in WIRES {
        let server = ModelServer::start(Script::always(Reply::status(401, "no such key"))).unwrap();
        let home = Home::with_model(wire, &server).unwrap();
        let failed = run(&home).expect(1).unwrap();
        assert!(failed.stderr.contains("no such key"), "{failed:#?}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn the_servers_own_pause_is_kept() {
    if !slow_tests() {
        return;
    }
    let busy = Reply::status(429, "too many").retry_after("1");
    let server = ModelServer::start(Script::new([busy, Reply::text("now")])).unwrap();
    let home = Home::with_model(WIRES[0], &server).unwrap();
    assert_eq!(run(&home).expect(0).unwrap().stdout, "now\n");
    let requests = server.requests();
    let waited = requests[1].arrived - requests[0].arrived;
    assert!(waited >= Duration::from_secs(1), "{waited:?}");
}

#[test]
fn text_of_a_broken_answer_is_printed_once() {
    let wires = if slow_tests() { &WIRES[..] } else { &WIRES[..1] };
    for wire in wires {
        let answer = || Reply::text("one two three four").deltas(4);
        let broken = answer().fault(Fault::Reset { after: 3 });
        let server = ModelServer::start(Script::new([broken, answer()])).unwrap();
        let home = Home::with_model(wire, &server).unwrap();
        let done = run(&home).expect(0).unwrap();
        assert_eq!(done.stdout, "one two three four\n", "{done:#?}");
        assert_eq!(server.requests().len(), 2);
    }
}
