//! `kill -9` of the daemon in the middle of an answer: another attempt, and whoever watches reads the text once.
use serde_json::json;
use tenon_tests::home::Home;
use tenon_tests::model_server::{Gate, ModelServer, Reply, Script};
use tenon_tests::running::Running;

fn server(gate: &Gate) -> ModelServer {
    let gate = gate.clone();
    let answer = || Reply::text("one two three four").deltas(4);
    let cut = move |number, _: &_| if number == 0 { answer().gate_after(2, &gate) } else { answer() };
    ModelServer::start(Script::function(cut)).unwrap()
}

/// Starts a run, kills the daemon while its answer stands still, and returns the run.
fn killed(home: &Home, arguments: &[&str]) -> Running {
    let run = home.start(arguments).unwrap();
    let mut observed = home.start(&["observe", "--json", "--session", "all", "--after", "start"]).unwrap();
    let added = observed.event_of("session.added").unwrap();
    let session = added["data"]["item"]["id"].as_str().unwrap().to_owned();
    drop(observed);
    let mut observed = home.start(&["observe", "--json", "--session", &session, "--after", "start"]).unwrap();
    observed.event_of("message.started").unwrap();
    // Its own reconnecting would be one more that starts a daemon.
    drop(observed);
    home.kill_daemon().unwrap();
    run
}

#[test]
fn the_text_is_printed_once() {
    for wire in ["openai-chat", "anthropic-messages"] {
        let gate = Gate::new();
        let server = server(&gate);
        let home = Home::with_model(wire, &server).unwrap();
        let run = killed(&home, &["run", "--quiet", "--model", "fake/x", "go"]);
        let done = run.finish().unwrap().expect(0).unwrap();
        assert_eq!(done.stdout, "one two three four\n", "{done:#?}");
        assert_eq!(server.requests().len(), 2);
        let log = home.tenon(&["log", "--json"]).unwrap().expect(0).unwrap().json_lines().unwrap();
        let of = |kind: &str| log.iter().filter(|event| event["type"] == kind).collect::<Vec<_>>();
        assert_eq!(of("attempt.started").len(), 2);
        let outcomes: Vec<_> =
            of("attempt.ended").iter().map(|event| event["data"]["outcome"].clone()).collect();
        assert_eq!(outcomes, [json!("failed"), json!("ok")]);
        let is_cut = |event: &&&serde_json::Value| event["data"]["superseded"] == true;
        assert_eq!(of("message.ended").iter().filter(is_cut).count(), 1, "its beginning is withdrawn");
        gate.open();
    }
}
