//! Tests of subscriptions against a real journal.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use tempfile::TempDir;
use tenon_protocol::event::EventBody;
use tenon_protocol::event::all::Notice;
use tenon_protocol::event::session::SessionClosed;
use tenon_protocol::ids::SessionId;
use tenon_protocol::log::After;
use tenon_protocol::open::CloseHow;
use tenon_protocol::signal::Delta;
use tokio::sync::Notify;

use crate::base::clock::{Clock, Sleep, Timestamp};
use crate::feed::{Feed, Frame, SignalHub, Subscription, Want};
use crate::journal::{Batch, Draft, Journal, LogId, ReadError, TypeFilter};

/// A clock whose sleeps end when the test says so.
#[derive(Default)]
struct Hand(Arc<Notify>);

impl fmt::Debug for Hand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hand")
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn sleep(&self, _: Duration) -> Sleep {
        let notify = Arc::clone(&self.0);
        Box::pin(async move { notify.notified().await })
    }
}

/// A feed with one log.
struct Fixture {
    _directory: TempDir,
    journal: Journal,
    feed: Feed,
    log: LogId,
    pause: Arc<Notify>,
}

impl Fixture {
    async fn new(events: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Hand::default();
        let pause = Arc::clone(&clock.0);
        let clock = Arc::new(clock);
        let journal = Journal::open(&directory.path().join("state"), clock.clone()).unwrap();
        let log = LogId::from_wire("s_a");
        let batch = Batch { create: true, ..Batch::of(log.clone(), drafts(events)) };
        journal.append(batch).await.unwrap();
        let feed = Feed::new(journal.clone(), clock);
        Self { _directory: directory, journal, feed, log, pause }
    }

    async fn append(&self, drafts: Vec<Draft>) {
        self.journal.append(Batch::of(self.log.clone(), drafts)).await.unwrap();
    }

    fn want(&self, after: &str) -> Want {
        let after = match after {
            "start" => After::Start,
            "now" => After::Now,
            cursor => After::Cursor(cursor.parse().unwrap()),
        };
        Want::events(self.log.clone(), after)
    }

    async fn subscribe(&self, after: &str) -> Subscription {
        self.feed.subscribe(self.want(after)).await.unwrap()
    }

    async fn with_deltas(&self) -> (Subscription, Arc<SignalHub>) {
        let deltas = Some(Duration::from_millis(33));
        let mut subscription = self.feed.subscribe(Want { deltas, ..self.want("now") }).await.unwrap();
        assert_eq!(take(&mut subscription, 2).await, ["observe.opened", "observe.live"]);
        (subscription, self.feed.hub(&self.log))
    }
}

fn notice(text: &str) -> Draft {
    Draft::new(Notice { kind: "test".to_owned(), message: text.to_owned() }, text)
}

fn drafts(count: usize) -> Vec<Draft> {
    (0..count).map(|number| notice(&format!("event {number}"))).collect()
}

fn delta(item: &str, from: u64, text: &str) -> Delta {
    Delta { d: item.to_owned(), from, t: text.to_owned(), files: None, more: None }
}

/// Returns the next frame; a test that waits for one that never comes fails instead of hanging.
async fn next(subscription: &mut Subscription) -> Option<Frame> {
    tokio::time::timeout(Duration::from_secs(20), subscription.next()).await.expect("a frame in time")
}

/// Describes frames in short: `seq`, `seq replay`, the type of a local one, or a delta's text.
async fn take(subscription: &mut Subscription, count: usize) -> Vec<String> {
    let mut taken = Vec::new();
    for _ in 0..count {
        let Some(frame) = next(subscription).await else { return taken };
        taken.push(short(&frame));
    }
    taken
}

fn short(frame: &Frame) -> String {
    let json: Value = serde_json::from_slice(&frame.clone().into_json()).unwrap();
    match frame {
        Frame::Event(_) if json["replay"] == true => format!("{} replay", json["seq"]),
        Frame::Event(_) => json["seq"].to_string(),
        Frame::Local(_) => json["type"].as_str().unwrap().to_owned(),
        Frame::Delta(delta) => format!("{}:{}:{}", delta.d, delta.from, delta.t),
    }
}

#[tokio::test]
async fn history_is_marked_and_the_tail_follows() {
    let fixture = Fixture::new(2).await;
    let mut subscription = fixture.subscribe("1.1").await;
    fixture.append(drafts(1)).await;
    assert_eq!(take(&mut subscription, 4).await, ["observe.opened", "2 replay", "observe.live", "3"]);
    assert_eq!(subscription.cursor().to_string(), "1.3");
    let mut subscription = fixture.subscribe("now").await;
    assert_eq!(take(&mut subscription, 2).await, ["observe.opened", "observe.live"]);
    fixture.append(drafts(1)).await;
    assert_eq!(take(&mut subscription, 1).await, ["4"]);
}

#[tokio::test]
async fn a_replayed_event_is_the_live_one_with_a_mark() {
    let fixture = Fixture::new(1).await;
    let mut live = fixture.subscribe("now").await;
    take(&mut live, 2).await;
    fixture.append(drafts(1)).await;
    let mut old = fixture.subscribe("1.1").await;
    take(&mut old, 1).await;
    let live: Value = serde_json::from_slice(&next(&mut live).await.unwrap().into_json()).unwrap();
    let mut old: Value = serde_json::from_slice(&next(&mut old).await.unwrap().into_json()).unwrap();
    assert_eq!(old.as_object_mut().unwrap().remove("replay"), Some(Value::Bool(true)));
    assert_eq!(old, live);
}

#[tokio::test]
async fn opened_names_the_ends_of_the_log() {
    let fixture = Fixture::new(3).await;
    let mut subscription = fixture.subscribe("start").await;
    let opened = next(&mut subscription).await.unwrap().into_json();
    let opened: Value = serde_json::from_slice(&opened).unwrap();
    assert_eq!(opened["data"], serde_json::json!({"first": "1.1", "head": "1.3", "epoch": 1}));
    assert!(opened.get("seq").is_none() && opened.get("epoch").is_none());
}

#[tokio::test]
async fn a_cursor_that_is_not_in_the_log_is_refused() {
    let fixture = Fixture::new(2).await;
    for cursor in ["1.3", "2.1"] {
        let refused = fixture.feed.subscribe(fixture.want(cursor)).await;
        assert!(matches!(refused, Err(ReadError::CursorExpired { .. })), "{cursor}");
    }
    let missing = Want { log: LogId::from_wire("s_missing"), ..fixture.want("start") };
    assert!(matches!(fixture.feed.subscribe(missing).await, Err(ReadError::NoLog(_))));
}

#[tokio::test]
async fn a_filtered_subscription_tells_its_place_every_thousand_events() {
    let fixture = Fixture::new(2_500).await;
    let types = Some(TypeFilter::new(vec!["session.*".to_owned()]));
    let mut subscription = fixture.feed.subscribe(Want { types, ..fixture.want("start") }).await.unwrap();
    let frames = take(&mut subscription, 4).await;
    assert_eq!(frames, ["observe.opened", "observe.cursor", "observe.cursor", "observe.live"]);
    assert_eq!(subscription.cursor().to_string(), "1.2500");
    fixture.append(vec![Draft::new(SessionClosed { how: CloseHow::Archive }, "closed")]).await;
    fixture.append(drafts(499)).await;
    assert_eq!(take(&mut subscription, 2).await, ["2501", "observe.cursor"]);
    assert_eq!(subscription.cursor().to_string(), "1.3000");
}

#[tokio::test]
async fn a_deleted_log_ends_its_subscriptions() {
    let fixture = Fixture::new(1).await;
    let mut subscription = fixture.subscribe("now").await;
    take(&mut subscription, 2).await;
    fixture.journal.delete_log(&SessionId::from("s_a"), Vec::new(), Vec::new()).await.unwrap();
    let closed = next(&mut subscription).await.unwrap().into_json();
    let closed: Value = serde_json::from_slice(&closed).unwrap();
    assert_eq!(closed["type"], "observe.closed");
    assert_eq!(closed["data"], serde_json::json!({"reason": "deleted", "cursor": "1.1"}));
    assert_eq!(next(&mut subscription).await, None);
}

#[tokio::test]
async fn deltas_are_merged_over_a_pause_and_never_come_before_the_event_that_begins_them() {
    let fixture = Fixture::new(1).await;
    let (mut subscription, hub) = fixture.with_deltas().await;
    fixture.append(drafts(1)).await;
    hub.send(delta("m", 0, "a"));
    assert_eq!(take(&mut subscription, 2).await, ["2", "m:0:a"]);
    hub.send(delta("m", 1, "b"));
    hub.send(delta("m", 2, "c"));
    assert!(subscription.next().now_or_never().is_none(), "the pause is not over");
    hub.send(delta("m", 3, "d"));
    fixture.pause.notify_one();
    assert_eq!(take(&mut subscription, 1).await, ["m:1:bcd"]);
}

#[tokio::test]
async fn what_is_pushed_out_leaves_a_gap_and_every_piece_says_where_it_stands() {
    let fixture = Fixture::new(1).await;
    let (mut subscription, hub) = fixture.with_deltas().await;
    hub.send(delta("m", 0, "first"));
    assert_eq!(take(&mut subscription, 1).await, ["m:0:first"]);
    let whole = (0..2_000).map(|number| format!("{number:04}")).collect::<Vec<_>>().concat();
    for number in 0..2_000 {
        let from = number * 4;
        hub.send(delta("m", 5 + u64::try_from(from).unwrap(), &whole[from..from + 4]));
    }
    fixture.pause.notify_one();
    let Some(Frame::Delta(late)) = next(&mut subscription).await else { panic!("a delta was expected") };
    let from = usize::try_from(late.from).unwrap() - 5;
    assert!(from > 0 && late.t == whole[from..], "{} bytes from {from}", late.t.len());
}

#[tokio::test]
async fn the_closing_event_takes_the_place_of_deltas_that_wait() {
    let fixture = Fixture::new(1).await;
    let (mut subscription, hub) = fixture.with_deltas().await;
    hub.send(delta("m_1", 0, "a"));
    assert_eq!(take(&mut subscription, 1).await, ["m_1:0:a"]);
    hub.send(delta("m_1", 1, "b"));
    hub.send(delta("x_2", 0, "other"));
    let mut closing = notice("m_1");
    closing.body = EventBody::MessageEnded(ended("m_1"));
    fixture.append(vec![closing]).await;
    assert_eq!(take(&mut subscription, 1).await, ["2"]);
    fixture.pause.notify_one();
    assert_eq!(take(&mut subscription, 1).await, ["x_2:0:other"]);
}

fn ended(id: &str) -> tenon_protocol::event::message::MessageEnded {
    serde_json::from_value(serde_json::json!({"messageId": id, "role": "assistant", "content": []})).unwrap()
}

#[tokio::test]
async fn whoever_is_behind_gets_no_old_deltas_and_every_event() {
    let fixture = Fixture::new(1).await;
    let (mut subscription, hub) = fixture.with_deltas().await;
    for number in 0..2_000 {
        hub.send(delta("m", number * 2, "x"));
    }
    fixture.append(drafts(600)).await;
    let expected: Vec<_> = (2..=601).map(|seq| seq.to_string()).collect();
    assert_eq!(take(&mut subscription, 600).await, expected);
}

#[test]
fn any_subscription_gets_every_event_once_and_in_order() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let act = prop_oneof![
        (1..40usize).prop_map(Act::Append),
        (1..60usize).prop_map(Act::Pull),
        Just(Act::Unload),
        Just(Act::Cancel)
    ];
    let inputs = (0..300usize, any::<prop::sample::Index>(), prop::collection::vec(act, 1..20));
    TestRunner::new(Config { cases: 24, ..Config::default() })
        .run(&inputs, |(events, start, acts)| {
            runtime.block_on(follow(events, start.index(events + 1), acts));
            Ok(())
        })
        .unwrap();
}

#[derive(Clone, Debug)]
enum Act {
    Append(usize),
    Pull(usize),
    Unload,
    Cancel,
}

/// Plays the acts and compares what came with what must come.
async fn follow(events: usize, start: usize, acts: Vec<Act>) {
    let fixture = Fixture::new(events).await;
    let mut subscription = fixture.subscribe(&format!("1.{start}")).await;
    let mut expected = vec!["observe.opened".to_owned()];
    expected.extend((start + 1..=events).map(|seq| format!("{seq} replay")));
    expected.push("observe.live".to_owned());
    let (mut total, mut taken) = (events, Vec::new());
    for act in acts {
        match act {
            Act::Append(count) => {
                fixture.append(drafts(count)).await;
                expected.extend((total + 1..=total + count).map(|seq| seq.to_string()));
                total += count;
            }
            Act::Pull(count) => {
                let count = count.min(expected.len() - taken.len());
                taken.extend(take(&mut subscription, count).await);
            }
            Act::Unload => fixture.journal.unload(&fixture.log),
            // A frame that came is taken; a wait that was cut off loses nothing.
            Act::Cancel => taken.extend(subscription.next().now_or_never().flatten().as_ref().map(short)),
        }
    }
    taken.extend(take(&mut subscription, expected.len() - taken.len()).await);
    assert_eq!(taken, expected);
    assert_eq!(subscription.cursor().seq, u64::try_from(total).unwrap());
}
