//! `kill -9` of the daemon around a person's part: a message is one turn however often it is sent, a question stays open under
//! its name, an answer counts once.
use serde_json::json;
use tenon_tests::conversation;
use tenon_tests::home::Home;
use tenon_tests::model_server::{Gate, ModelServer, Reply, Script};
use tenon_tests::waiting::{self, rpc};

#[test]
fn a_message_sent_again_after_the_kill_is_the_same_turn() {
    let gate = Gate::new();
    let server = ModelServer::start(Script::always(Reply::text("once").gate(&gate))).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let session = waiting::open(&home).unwrap();
    let prompt = json!({"sessionId": session, "key": "k1", "input": [{"type": "text", "text": "go"}]});
    let first = rpc(&home, "agent/prompt", &prompt).unwrap();
    server.block_for_requests(1).unwrap();
    home.kill_daemon().unwrap();
    let again = rpc(&home, "agent/prompt", &prompt).unwrap();
    assert_eq!((&again["outcome"], &again["turnId"]), (&json!("duplicate"), &first["turnId"]), "{again}");
    gate.open();
    let mut observed = home.start(&["observe", "--json", "--after", "start", "--session", &session]).unwrap();
    assert_eq!(observed.event_of("turn.ended").unwrap()["data"]["stop"], "done");
    let log = home.tenon(&["log", "--json", "--session", &session]).unwrap().expect(0).unwrap();
    assert_eq!(log.stdout.matches("\"type\":\"prompt.admitted\"").count(), 1, "{}", log.stdout);
}

#[test]
fn a_question_survives_and_its_answer_counts_once() {
    let write = Reply::call("write", &json!({"path": "new.txt", "content": "new"}));
    let server = ModelServer::start(Script::new([write, Reply::text("Done.")])).unwrap();
    let home = Home::with_model("anthropic-messages", &server).unwrap();
    let session = waiting::session(&home).unwrap();
    let before = waiting::approval(&home).unwrap();
    home.kill_daemon().unwrap();
    let after = waiting::approval(&home).unwrap();
    assert_eq!(after, before, "the same question, bound to the same digest");
    assert_eq!(home.read("new.txt"), "", "nothing ran");
    home.kill_daemon().unwrap();
    let mut observed = home.start(&["observe", "--json", "--after", "start", "--session", &session]).unwrap();
    let id = after["requestId"].as_str().unwrap();
    home.tenon(&["requests", "answer", id, "allow"]).unwrap().expect(0).unwrap();
    assert_eq!(observed.event_of("turn.ended").unwrap()["data"]["stop"], "done");
    assert_eq!(home.read("new.txt"), "new");
    let second = home.tenon(&["requests", "answer", id, "deny"]).unwrap().expect(1).unwrap();
    assert!(second.stderr.contains("error:"), "{second:#?}");
    assert_eq!(server.requests().len(), 2, "no request was sent again");
    conversation::check(server.requests().iter().map(AsRef::as_ref)).unwrap();
}
