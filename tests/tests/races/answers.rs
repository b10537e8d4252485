//! Two controllers answer one request at once: the first recorded answer wins, and the other is told whose it was.
use std::collections::BTreeMap;

use serde_json::json;
use tenon_client::{Client, ClientError, Item, ObserveOptions};
use tenon_protocol::answer::AnswerParams;
use tenon_protocol::content::Content;
use tenon_protocol::error::ErrorKind;
use tenon_protocol::event::EventBody;
use tenon_protocol::ids::{RequestId, SessionId};
use tenon_protocol::log::After;
use tenon_protocol::methods::{Answer, Prompt};
use tenon_protocol::prompt::PromptParams;
use tenon_protocol::request::RequestKind;
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};

use crate::races::{controller, log, open, rounds};

/// Requests of one turn: one step has at most 64 calls.
const CALLS: usize = 50;

/// Who won, and with what: as the winner knows it, or as the loser was told.
#[derive(Debug, PartialEq)]
enum Told {
    Won,
    Lost { by: String, decision: String },
}

/// Answers every request of a turn with `decision` as soon as it is seen.
async fn answer_all(client: Client, session: SessionId, decision: &'static str) -> BTreeMap<RequestId, Told> {
    let types = vec!["request.opened".to_owned(), "turn.ended".to_owned()];
    let options = ObserveOptions { types, ..ObserveOptions::default() };
    let mut events = client.observe(session.as_str(), After::Start, options).await.unwrap();
    let mut told = BTreeMap::new();
    loop {
        let Item::Event(event) = events.next().await.unwrap() else { continue };
        let request = match event.body() {
            Some(EventBody::RequestOpened(request)) if request.kind == RequestKind::Approval => request,
            Some(EventBody::TurnEnded(_)) => return told,
            _ => continue,
        };
        let params = AnswerParams {
            request_id: request.request_id.clone(),
            decision: decision.to_owned(),
            scope: None,
            pattern: None,
            form: None,
            note: None,
            select: None,
        };
        let outcome = match client.call::<Answer>(&params).await {
            Ok(_) => Told::Won,
            Err(ClientError::Rpc(error)) => {
                assert!(error.is(ErrorKind::AlreadyResolved), "{error:?}");
                let more = error.data.unwrap().more;
                let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
                Told::Lost { by: text(&more["by"]["id"]), decision: text(&more["decision"]) }
            }
            Err(error) => panic!("{error}"),
        };
        told.insert(request.request_id, outcome);
    }
}

async fn race(home: &Home, number: usize) {
    let (yes, no) = (format!("yes-{number}"), format!("no-{number}"));
    let (first, second) = (controller(home, &yes).await, controller(home, &no).await);
    let session = open(&first, home).await;
    let params = PromptParams {
        session_id: session.clone(),
        input: vec![Content::text(format!("go {number}"))],
        delivery: None,
        key: None,
        expect_turn: None,
        strict: None,
    };
    first.call::<Prompt>(&params).await.unwrap();
    let (allowed, denied) = tokio::join!(
        answer_all(first.clone(), session.clone(), "allow"),
        answer_all(second, session.clone(), "deny")
    );
    let mut resolved = 0;
    for event in log(&first, &session).await {
        let Some(EventBody::RequestResolved(done)) = event.body() else { continue };
        let Some(by) = done.by else { continue };
        resolved += 1;
        let lost = Told::Lost { by: by.id.clone(), decision: done.decision.clone() };
        let expected = if by.id == yes { (Told::Won, lost) } else { (lost, Told::Won) };
        assert_eq!((&allowed[&done.request_id], &denied[&done.request_id]), (&expected.0, &expected.1));
    }
    assert_eq!((resolved, allowed.len(), denied.len()), (CALLS, CALLS, CALLS));
    let wins = allowed.values().filter(|told| **told == Told::Won).count();
    let written = (0..CALLS).filter(|call| !home.read(&format!("{number}/{call}.txt")).is_empty()).count();
    assert_eq!(wins, written, "what ran is what was allowed");
}

#[test]
fn one_of_two_answers_wins_and_the_other_is_told() {
    let server = ModelServer::start(Script::function(|_, request| {
        let text = request.last_text();
        let Some(number) = text.strip_prefix("go ") else { return Reply::text("Done.") };
        (0..CALLS).fold(Reply::default(), |reply, call| {
            reply.and_call("write", &json!({"path": format!("{number}/{call}.txt"), "content": "x"}))
        })
    }))
    .unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let races = (0..rounds(1_000) / CALLS).map(|number| race(&home, number));
        futures_util::future::join_all(races).await;
    });
}
