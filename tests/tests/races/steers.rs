//! A steer fired at any moment around the end of a turn: it is one message, and goes to the turn that its answer named.
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tenon_client::{Client, Item, ObserveOptions, Subscription};
use tenon_protocol::content::{Content, plain_text};
use tenon_protocol::event::message::MessageRole;
use tenon_protocol::event::{Envelope, EventBody};
use tenon_protocol::ids::{MessageId, SessionId, TurnId};
use tenon_protocol::log::After;
use tenon_protocol::methods::Prompt;
use tenon_protocol::prompt::{Admission, Delivery, PromptParams, PromptResult};
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};

use crate::races::{Numbers, controller, log, open, rounds};

/// Sessions that race beside each other.
const SESSIONS: usize = 10;

async fn send(client: &Client, session: &SessionId, text: String, delivery: Delivery) -> PromptResult {
    let params = PromptParams {
        session_id: session.clone(),
        input: vec![Content::text(text)],
        delivery: Some(delivery),
        key: None,
        expect_turn: None,
        strict: None,
    };
    client.call::<Prompt>(&params).await.unwrap()
}

/// Reads on until these turns have ended.
async fn ended(events: &mut Subscription, mut turns: Vec<TurnId>) {
    while !turns.is_empty() {
        if let Item::Event(event) = events.next().await.unwrap() {
            turns.retain(|turn| event.turn.as_ref() != Some(turn));
        }
    }
}

/// Races in one session and returns how many steers joined the running turn.
async fn race(home: &Home, number: usize, rounds: usize) -> usize {
    let client = controller(home, &format!("racer-{number}")).await;
    let session = open(&client, home).await;
    let types = vec!["turn.ended".to_owned()];
    let options = ObserveOptions { types, ..ObserveOptions::default() };
    let mut events = client.observe(session.as_str(), After::Start, options).await.unwrap();
    let mut numbers = Numbers(number as u64);
    let mut sent: BTreeMap<MessageId, (String, PromptResult)> = BTreeMap::new();
    // How long a turn takes here and now; the steers are spread over a little more than that.
    let mut span = Duration::from_millis(10);
    for round in 0..rounds {
        let begun = Instant::now();
        let text = format!("first {round}");
        let first = send(&client, &session, text.clone(), Delivery::Start).await;
        let moment = span * 5 / 4 * u32::try_from(numbers.next() % 1_000).unwrap() / 1_000;
        tokio::time::sleep(moment).await;
        let steer_text = format!("steer {round}");
        let steer = send(&client, &session, steer_text.clone(), Delivery::Steer).await;
        let turns = [&first, &steer].into_iter().filter_map(|told| told.turn_id.clone());
        let mut turns: Vec<TurnId> = turns.collect();
        turns.dedup();
        ended(&mut events, turns).await;
        if steer.outcome == Admission::Started {
            span = (span * 7 + begun.elapsed() / 2) / 8;
        }
        sent.insert(first.message_id.clone(), (text, first));
        sent.insert(steer.message_id.clone(), (steer_text, steer));
    }
    check(&log(&client, &session).await, &sent);
    sent.values().filter(|(_, told)| told.outcome == Admission::Steered).count()
}

/// Every message is admitted, delivered and said once, in the turn its answer named.
fn check(events: &[Envelope], sent: &BTreeMap<MessageId, (String, PromptResult)>) {
    let mut seen: BTreeMap<MessageId, [usize; 3]> = BTreeMap::new();
    for event in events {
        let (id, what) = match event.body() {
            Some(EventBody::PromptAdmitted(prompt)) => {
                assert_eq!(event.seq, Some(sent[&prompt.message_id].1.seq));
                (prompt.message_id, 0)
            }
            Some(EventBody::PromptDelivered(prompt)) => {
                assert_eq!(event.turn, sent[&prompt.message_id].1.turn_id);
                (prompt.message_id, 1)
            }
            Some(EventBody::MessageEnded(message)) if message.role == MessageRole::User => {
                assert_eq!(plain_text(&message.content), sent[&message.message_id].0);
                (message.message_id, 2)
            }
            Some(EventBody::PromptChanged(change)) => panic!("{change:?}"),
            _ => continue,
        };
        seen.entry(id).or_default()[what] += 1;
    }
    assert_eq!(seen.len(), sent.len());
    assert!(seen.values().all(|times| *times == [1, 1, 1]), "{seen:?}");
}

#[test]
fn a_steer_is_one_message_however_near_the_end_it_comes() {
    let server = ModelServer::start(Script::always(Reply::text("ok"))).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    home.tenon(&["sessions"]).unwrap().expect(0).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rounds = rounds(1_000) / SESSIONS;
    let steered: usize = runtime.block_on(async {
        let races = (0..SESSIONS).map(|number| race(&home, number, rounds));
        futures_util::future::join_all(races).await.into_iter().sum()
    });
    let all = rounds * SESSIONS;
    println!("{steered} of {all} steers joined the running turn, the others began one");
}
