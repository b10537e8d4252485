//! A client that dies in the middle of a turn: the turn goes on.
use tenon_tests::home::Home;
use tenon_tests::model_server::{Gate, ModelServer, Reply, Script};

#[test]
fn the_turn_finishes_without_its_client() {
    let gate = Gate::new();
    let reply = Reply::text("first second").deltas(2).gate_after(1, &gate);
    let server = ModelServer::start(Script::new([reply])).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let mut run = home.start(&["run", "--json", "--model", "fake/x", "go"]).unwrap();
    let opened = run.event_of("run.opened").unwrap();
    let session = opened["data"]["sessionId"].as_str().unwrap().to_owned();
    run.event_of("message.started").unwrap();
    run.kill().unwrap();
    let mut observed = home.start(&["observe", "--json", "--after", "start", "--session", &session]).unwrap();
    observed.event_of("message.started").unwrap();
    gate.open();
    let ended = observed.event_of("turn.ended").unwrap();
    assert_eq!(ended["data"]["stop"], "done", "{ended}");
    let log = home.tenon(&["log", "--json", "--session", &session]).unwrap().expect(0).unwrap();
    assert!(log.stdout.contains("first second"), "{}", log.stdout);
    assert_eq!(server.requests().len(), 1);
}
