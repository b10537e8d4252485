//! Messages that wait: how many may, in which order they open, and that one key is one message. Not here: what becomes of a
//! single one (the scenarios `pending` and `turns`).
use serde_json::{Value, json};
use tenon_tests::home::Home;
use tenon_tests::model_server::{Gate, ModelServer, Reply, Script};
use tenon_tests::raw::{Raw, Way};
use tenon_tests::waiting;

/// Messages that may wait in a session.
const QUEUE_MAX: usize = 64;

fn prompt(session: &str, text: &str) -> Value {
    json!({"sessionId": session, "key": text, "input": [{"type": "text", "text": text}]})
}

/// Returns the next answer's result, or the code of its error.
fn outcome(client: &mut Raw) -> Result<Value, i64> {
    let mut answer = client.answer().unwrap().expect("the agent is there");
    match answer["error"]["code"].as_i64() {
        Some(code) => Err(code),
        None => Ok(answer["result"].take()),
    }
}

#[test]
fn a_full_queue_takes_no_more_and_opens_one_at_a_time_in_order() {
    let gate = Gate::new();
    let server = ModelServer::start(Script::always(Reply::text("ok").gate(&gate))).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let session = waiting::open(&home).unwrap();
    let mut client = Raw::connect(&home, Way::Headers).unwrap();
    assert_eq!(client.call("agent/prompt", &prompt(&session, "first")).unwrap()["outcome"], "started");
    let texts: Vec<String> = (1..=QUEUE_MAX).map(|number| format!("message {number}")).collect();
    for (number, text) in texts.iter().enumerate() {
        let queued = client.call("agent/prompt", &prompt(&session, text)).unwrap();
        assert_eq!((&queued["outcome"], &queued["position"]), (&json!("queued"), &json!(number + 1)));
    }
    for delivery in ["auto", "queue", "steer"] {
        let mut more = prompt(&session, "one too many");
        more["delivery"] = json!(delivery);
        client.request("agent/prompt", &more).unwrap();
        assert_eq!(outcome(&mut client), Err(1104), "{delivery}");
    }
    assert_eq!(client.call("agent/prompt", &prompt(&session, "message 3")).unwrap()["outcome"], "duplicate");
    gate.open();
    server.block_for_requests(QUEUE_MAX + 1).unwrap();
    let asked: Vec<String> = server.requests().iter().map(|request| request.last_text()).collect();
    let expected: Vec<String> = std::iter::once("first".to_owned()).chain(texts).collect();
    assert_eq!(asked, expected, "a turn each");
}

#[test]
fn one_key_is_one_message_however_many_send_it_at_once() {
    let server = ModelServer::start(Script::always(Reply::text("ok"))).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let session = waiting::open(&home).unwrap();
    let mut clients: Vec<Raw> = (0..16).map(|_| Raw::connect(&home, Way::Lines).unwrap()).collect();
    for client in &mut clients {
        client.request("agent/prompt", &prompt(&session, "same")).unwrap();
    }
    let told: Vec<Value> = clients.iter_mut().map(|client| outcome(client).unwrap()).collect();
    assert_eq!(told.iter().filter(|told| told["outcome"] == "started").count(), 1, "{told:?}");
    for other in &told {
        assert!(other["outcome"] == "started" || other["outcome"] == "duplicate", "{other}");
        assert_eq!(other["messageId"], told[0]["messageId"]);
    }
}
