//! A model that asks for very much at once: a person has a few questions before them at any time, not all of them. Not here: who
//! may answer (`answers`).
use std::collections::VecDeque;

use serde_json::json;
use tenon_client::{Item, ObserveOptions};
use tenon_protocol::answer::AnswerParams;
use tenon_protocol::content::Content;
use tenon_protocol::event::EventBody;
use tenon_protocol::log::After;
use tenon_protocol::methods::{Answer, Prompt};
use tenon_protocol::prompt::PromptParams;
use tenon_tests::home::{Home, provider};
use tenon_tests::model_server::{ModelServer, Reply, Script};

use crate::races::{controller, log, open};

/// Calls of the one step.
const CALLS: usize = 40;

/// Questions that are open at once at most.
const OPEN_MAX: usize = 8;

async fn ask_for_much(home: &Home) {
    let client = controller(home, "person").await;
    let session = open(&client, home).await;
    let options = ObserveOptions { types: vec!["request.opened".to_owned()], ..ObserveOptions::default() };
    let mut events = client.observe(session.as_str(), After::Start, options).await.unwrap();
    let params = PromptParams {
        session_id: session.clone(),
        input: vec![Content::text("go")],
        delivery: None,
        key: None,
        expect_turn: None,
        strict: None,
    };
    client.call::<Prompt>(&params).await.unwrap();
    let mut waiting = VecDeque::new();
    for left in (1..=CALLS).rev() {
        // All that may be open are, before one is answered.
        while waiting.len() < OPEN_MAX.min(left) {
            let Item::Event(event) = events.next().await.unwrap() else { continue };
            let Some(EventBody::RequestOpened(request)) = event.body() else { continue };
            waiting.push_back(request.request_id);
        }
        let params = AnswerParams {
            request_id: waiting.pop_front().unwrap(),
            decision: "allow".to_owned(),
            scope: None,
            pattern: None,
            form: None,
            note: None,
            select: None,
        };
        client.call::<Answer>(&params).await.unwrap();
    }
    let (mut now, mut most, mut all) = (0_usize, 0, 0);
    for event in log(&client, &session).await {
        match event.body() {
            Some(EventBody::RequestOpened(_)) => (now, all) = (now + 1, all + 1),
            Some(EventBody::RequestResolved(_)) => now -= 1,
            _ => {}
        }
        most = most.max(now);
    }
    assert_eq!((all, most), (CALLS, OPEN_MAX));
}

#[test]
fn a_flood_of_calls_is_no_flood_of_questions() {
    let server = ModelServer::start(Script::function(|number, _| match number {
        0 => (0..CALLS).fold(Reply::default(), |reply, _| reply.and_call("read", &json!({"path": "a.txt"}))),
        _ => Reply::text("Done."),
    }))
    .unwrap();
    let home = Home::new().unwrap();
    home.configure(&format!("[rules]\nask = [\"read:**\"]\n{}", provider("openai-chat", &server))).unwrap();
    home.write("a.txt", "one\n").unwrap();
    home.tenon(&["trust"]).unwrap().expect(0).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(ask_for_much(&home));
}
