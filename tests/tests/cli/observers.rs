//! Two observers of one session: the same events under the same numbers, whatever happens to one of them.
use serde_json::{Value, json};
use tenon_tests::home::Home;
use tenon_tests::model_server::{Gate, ModelServer, Reply, Script};
use tenon_tests::running::Running;

/// Reads to the end of the turn and returns the events.
fn to_the_end(mut observer: Running) -> Vec<Value> {
    let mut events = Vec::new();
    while let Some(event) = observer.event().unwrap() {
        let is_last = event["type"] == "turn.ended";
        events.push(without_replay(event));
        if is_last {
            break;
        }
    }
    events
}

/// Whether an event was replayed is the only thing that may differ.
fn without_replay(mut event: Value) -> Value {
    event.as_object_mut().unwrap().remove("replay");
    event
}

#[test]
fn two_observers_see_the_same_and_one_that_returns_has_lost_nothing() {
    let (early, late) = (Gate::new(), Gate::new());
    let read = Reply::text("Looking.").and_call("read", &json!({"path": "a.txt"}));
    let replies = [read.gate(&early), Reply::text("one two three").deltas(3).gate_after(1, &late)];
    let server = ModelServer::start(Script::new(replies)).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    home.write("a.txt", "text\n").unwrap();
    let mut run = home.start(&["run", "--json", "--model", "fake/x", "go"]).unwrap();
    let opened = run.event_of("run.opened").unwrap();
    let session = opened["data"]["sessionId"].as_str().unwrap().to_owned();
    let observe =
        |after: &str| home.start(&["observe", "--json", "--session", &session, "--after", after]).unwrap();
    let first = observe("start");
    let mut second = observe("start");
    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.push(without_replay(second.event().unwrap().unwrap()));
    }
    let last = seen.last().unwrap();
    let cursor = format!("{}.{}", last["epoch"], last["seq"]);
    second.kill().unwrap();
    early.open();
    server.block_for_requests(2).unwrap();
    let second = observe(&cursor);
    late.open();
    let first = to_the_end(first);
    seen.extend(to_the_end(second));
    assert_eq!(first, seen);
    let places: Vec<u64> = first.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    let last = u64::try_from(places.len()).unwrap();
    assert_eq!(places, (1..=last).collect::<Vec<u64>>(), "without a gap");
    run.finish().unwrap().expect(0).unwrap();
}
