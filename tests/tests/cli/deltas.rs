//! What streamed text costs on the wire, over every framing. Not here: what it costs the processor (`cargo xtask bench`).
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tenon_tests::home::Home;
use tenon_tests::model_server::{ModelServer, Reply, Script};
use tenon_tests::raw::{Raw, Way};
use tenon_tests::waiting;
use tenon_tests::web::Site;

/// Deltas of the answer, and the bytes of each.
const DELTAS: usize = 5_000;
const TOKEN: &str = "abc ";

/// Bytes of a delta's message beside its text: envelope, item, offset, and the headers where there are some.
const AROUND_MAX: usize = 180;

/// Between two deliveries.
const WINDOW: Duration = Duration::from_millis(33);

/// An answer that took longer than this cannot cost as little: then the machine was busy, and it is asked again.
const PACE_MAX: Duration = Duration::from_secs(3);

/// How often; on a machine that stays busy what is checked of slow answers has to do.
const ASKED_MAX: usize = 5;

/// What the deltas of one answer were.
struct Cost {
    messages: usize,
    bytes: usize,
    /// Bytes of text that they brought, and where the last of them ended.
    told: usize,
    end: usize,
    /// From the question on: whatever the agent did to tell it lies within.
    took: Duration,
}

fn cost(home: &Home, way: Way) -> Result<Cost> {
    let (session, whole) = (waiting::open(home)?, TOKEN.repeat(DELTAS));
    let mut raw = Raw::connect(home, way)?;
    raw.call("agent/observe", &json!({"sessionId": session, "after": "now"}))?;
    let input = json!([{"type": "text", "text": "speak"}]);
    let begun = Instant::now();
    raw.request("agent/prompt", &json!({"sessionId": session, "input": input}))?;
    let mut cost = Cost { messages: 0, bytes: 0, told: 0, end: 0, took: Duration::ZERO };
    loop {
        let before = raw.received_bytes;
        let message = raw.message()?.context("the connection ended")?;
        let event = &message["params"]["result"];
        if let Some(text) = event["t"].as_str() {
            // Some may be missing, where more come than a subscription keeps; none is out of its place.
            let from = usize::try_from(event["from"].as_u64().context("no offset")?)?;
            ensure!(from >= cost.end && whole.get(from..from + text.len()) == Some(text), "{event}");
            cost.end = from + text.len();
            cost.told += text.len();
            cost.messages += 1;
            cost.bytes += raw.received_bytes - before;
            ensure!(raw.received_bytes - before <= text.len() + AROUND_MAX, "{message}");
        } else if event["type"] == "message.ended" && event["data"]["role"] == "assistant" {
            cost.took = begun.elapsed();
            ensure!(event["data"]["content"][0]["text"] == *whole, "the event has it all");
            return Ok(cost);
        }
    }
}

#[test]
fn five_thousand_deltas_cost_at_most_twice_their_text() {
    let text = TOKEN.repeat(DELTAS);
    let server = ModelServer::start(Script::always(Reply::text(&text).deltas(DELTAS))).unwrap();
    let home = Home::with_model("openai-chat", &server).unwrap();
    let (_serving, _) = Site::serve(&home, &[]).unwrap();
    for way in Way::ALL {
        for _ in 0..ASKED_MAX {
            let Cost { messages, bytes, told, took, .. } = cost(&home, way).unwrap();
            // Deltas that come together are one message.
            let windows = usize::try_from(took.as_millis() / WINDOW.as_millis()).unwrap();
            assert!((1..=windows + 3).contains(&messages), "{way:?}: {messages} messages in {took:?}");
            if took > PACE_MAX {
                continue;
            }
            assert!(bytes <= 2 * text.len(), "{way:?}: {bytes} bytes for {} in {took:?}", text.len());
            assert!(bytes > told, "what was counted is what was told");
            break;
        }
    }
}
