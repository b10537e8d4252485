//! Answers as servers give them, in all their shapes.
use serde_json::json;
use tenon_tests::model_server::{Finish as Ending, Gate};

use super::*;
use crate::providers::FinishReason;

#[tokio::test]
async fn text_arrives_in_order_with_its_counts() {
    for wire in WIRES {
        let outcome =
            once(wire, Reply::text("hello you there").deltas(5).reasoning("thinking it over")).await;
        assert_eq!((outcome.opened, outcome.deltas), (1, 5), "{wire}");
        assert_eq!(
            (outcome.text.as_str(), outcome.reasoning.as_str()),
            ("hello you there", "thinking it over")
        );
        let finish = outcome.finished();
        assert_eq!(finish.reason, FinishReason::Stop);
        let usage = finish.usage;
        assert_eq!(
            (usage.input_tokens, usage.cache_read_tokens, usage.output_tokens),
            (60, 40, 10),
            "{wire}"
        );
        assert!(!usage.estimated);
    }
}

#[tokio::test]
async fn the_request_carries_the_key_where_the_wire_wants_it() {
    for (wire, name, value) in
        [(WIRES[0], "authorization", "Bearer test-key-77"), (WIRES[1], "x-api-key", "test-key-77")]
    {
        let server = ModelServer::start(Script::echo()).unwrap();
        let outcome = ask(&*provider(wire, &server, patient()), request("say this")).await;
        assert_eq!(outcome.text, "say this");
        let seen = server.requests();
        assert_eq!(seen[0].header(name), Some(value));
        assert!(seen[0].header("user-agent").unwrap().starts_with("tenon/"));
        assert_eq!(seen[0].body["model"], "x");
        assert_eq!(seen[0].body["stream"], true);
    }
}

#[tokio::test]
async fn parallel_calls_come_complete_and_in_order() {
    for wire in WIRES {
        for repeat in [false, true] {
            let mut reply = Reply::text("I read.")
                .and_call("read", &json!({"path": "é😀.rs"}))
                .and_call("read", &json!({"path": "b"}))
                .and_raw_call(None, "list", "");
            reply.argument_deltas = 20;
            reply.repeat_call_heads = repeat;
            let outcome = once(wire, reply).await;
            let calls: Vec<_> =
                outcome.calls.iter().map(|(call, arguments)| (call.name.as_str(), arguments)).collect();
            assert_eq!(calls[0], ("read", &Ok(json!({"path": "é😀.rs"}))), "{wire}");
            assert_eq!(calls[1], ("read", &Ok(json!({"path": "b"}))));
            assert_eq!(calls[2], ("list", &Ok(json!({}))), "no arguments are an empty object");
            assert_eq!(outcome.finished().reason, FinishReason::ToolCalls);
        }
    }
}

#[tokio::test]
async fn a_call_is_yielded_before_the_answer_ends() {
    for wire in WIRES {
        let gate = Gate::new();
        // Three deltas of the first call (a head and two, or an empty one and two), then the head of the second.
        let reply = Reply::call("read", &json!({"path": "a"}))
            .and_call("read", &json!({"path": "b"}))
            .gate_after(4, &gate);
        let server = ModelServer::start(Script::new([reply])).unwrap();
        let mut stream = provider(wire, &server, patient()).stream(request("x"));
        let mut outcome = Outcome::default();
        while outcome.calls.is_empty() {
            outcome.take(stream.next().await.unwrap());
        }
        assert_eq!(outcome.calls[0].1, Ok(json!({"path": "a"})), "{wire}");
        gate.open();
        while let Some(event) = stream.next().await {
            outcome.take(event);
        }
        assert_eq!(outcome.calls.len(), 2);
    }
}

#[tokio::test]
async fn missing_and_doubled_ids_are_made_good() {
    for wire in WIRES {
        let reply = Reply::default()
            .and_raw_call(Some("same"), "read", "{}")
            .and_raw_call(Some("same"), "read", "{}")
            .and_raw_call(Some(""), "read", "{}");
        let outcome = once(wire, reply).await;
        let ids: std::collections::BTreeSet<_> =
            outcome.calls.iter().map(|(call, _)| call.id.clone()).collect();
        assert_eq!(ids.len(), 3, "{wire}: {ids:?}");
        assert!(ids.contains("same") && !ids.contains(""));
        let verbatim = outcome.finished().verbatim.clone().unwrap().json;
        assert!(ids.iter().all(|id| verbatim.contains(&format!("\"{id}\""))), "{verbatim}");
    }
}

#[tokio::test]
async fn broken_arguments_are_told_and_not_sent_back() {
    for wire in WIRES {
        for (finish, text) in
            [(Ending::Auto, r#"{"path": "#), (Ending::Length, r#"{"path": "src/l"#), (Ending::Length, "")]
        {
            let reply = Reply::default().and_raw_call(None, "read", text).finish(finish.clone());
            let outcome = once(wire, reply).await;
            let (call, arguments) = &outcome.calls[0];
            assert!(
                arguments.as_ref().unwrap_err().contains("nothing was run"),
                "{wire} {text:?} {arguments:?}"
            );
            assert_eq!(call.name, "read");
            let expected =
                if finish == Ending::Auto { FinishReason::ToolCalls } else { FinishReason::Length };
            assert_eq!(outcome.finished().reason, expected);
            let verbatim = outcome.finished().verbatim.clone().unwrap().json;
            assert!(verbatim.contains(r#""{}""#) || verbatim.contains(r#""input":{}"#), "{verbatim}");
            assert!(!verbatim.contains("src/l"), "{verbatim}");
        }
    }
}

#[tokio::test]
async fn an_answer_may_end_at_its_limit_with_nothing_at_all() {
    for wire in WIRES {
        let outcome = once(wire, Reply::default().finish(Ending::Length)).await;
        assert_eq!(outcome.finished().reason, FinishReason::Length);
        assert_eq!(outcome.finished().verbatim, None);
    }
}

#[tokio::test]
async fn a_refusal_is_shown_and_named() {
    for wire in WIRES {
        let mut reply = Reply::text("I will not.");
        reply.refusal = true;
        let outcome = once(wire, reply).await;
        assert_eq!(
            (outcome.text.as_str(), &outcome.finished().reason),
            ("I will not.", &FinishReason::Refused)
        );
    }
}

#[tokio::test]
async fn words_we_do_not_know_are_kept() {
    for wire in WIRES {
        let outcome = once(wire, Reply::text("x").finish(Ending::Word("tired".into()))).await;
        assert_eq!(outcome.finished().reason, FinishReason::Other("tired".into()));
    }
}

#[tokio::test]
async fn where_the_network_cuts_and_what_stands_between_events_does_not_matter() {
    for wire in WIRES {
        for size in [1, 7] {
            let reply = Reply::text("😀 é 😀").deltas(2).comments().chunk_bytes(size);
            assert_eq!(once(wire, reply).await.text, "😀 é 😀", "{wire} {size}");
        }
    }
}

#[tokio::test]
async fn a_line_of_a_megabyte_is_ordinary() {
    for wire in WIRES {
        let text = "x".repeat(1024 * 1024);
        let outcome = once(wire, Reply::text(&text)).await;
        assert_eq!(outcome.text.len(), text.len());
        let arguments = json!({"content": text}).to_string();
        let mut reply = Reply::default().and_raw_call(None, "write", &arguments);
        reply.argument_deltas = 1;
        assert_eq!(once(wire, reply).await.calls[0].0.arguments, arguments);
    }
}

#[tokio::test]
async fn counts_that_nobody_tells_are_estimated_and_say_so() {
    for wire in WIRES {
        let outcome = once(wire, Reply::text("x".repeat(400)).without_usage()).await;
        let usage = outcome.finished().usage;
        assert!(usage.estimated && usage.output_tokens == 100 && usage.input_tokens > 5, "{wire} {usage:?}");
    }
}

#[tokio::test]
async fn headers_may_take_their_time() {
    for wire in WIRES {
        let gate = Gate::new();
        let server = ModelServer::start(Script::new([Reply::text("late").gate(&gate)])).unwrap();
        let provider = provider(wire, &server, patient());
        let asked = ask(&*provider, request("x"));
        let (outcome, ()) = tokio::join!(asked, async {
            server.wait_for_requests(1).await.unwrap();
            gate.open();
        });
        assert_eq!(outcome.text, "late");
    }
}

#[tokio::test]
async fn the_next_step_takes_the_same_connection() {
    for wire in WIRES {
        let server = ModelServer::start(Script::always(Reply::text("x").deltas(1))).unwrap();
        for _ in 0..3 {
            // A provider is made for each session; what they share is the client.
            let provider = provider(wire, &server, patient());
            assert_eq!(ask(&*provider, request("a")).await.text, "x");
        }
        let connections: Vec<usize> = server.requests().iter().map(|request| request.connection).collect();
        assert_eq!(connections, [0, 0, 0], "{wire}");
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_unannounced_does_not_hurt_the_next_request() {
    for wire in WIRES {
        let server =
            ModelServer::start(Script::new([Reply::text("one").close(), Reply::text("two")])).unwrap();
        let provider = provider(wire, &server, patient());
        assert_eq!(ask(&*provider, request("a")).await.text, "one");
        server.wait_for_closed(1).await.unwrap();
        assert_eq!(ask(&*provider, request("b")).await.text, "two", "{wire}");
    }
}
