//! Faults, and what each must lead to.
use std::path::PathBuf;

use tenon_tests::model_server::{Fault, Gate};

use super::*;
use crate::providers::{ConnectError, ProviderErrorKind, connect};

fn kinds(outcome: &Outcome) -> (ProviderErrorKind, Option<u16>) {
    (outcome.failed().kind, outcome.failed().status)
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_never_an_answer() {
    for wire in WIRES {
        for after in [0, 2, 99] {
            for fault in [
                Fault::Cut { after },
                Fault::NoFinish { after },
                Fault::DoneWithoutFinish { after },
                Fault::Malformed { after },
                Fault::ErrorEvent { after, message: "boom in test-key-77".into() },
                Fault::Empty,
            ] {
                let outcome = once(wire, Reply::text("half an answer").deltas(4).fault(fault.clone())).await;
                let error = outcome.failed();
                assert_eq!(error.kind, ProviderErrorKind::Cut, "{wire} {fault:?}");
                assert!(error.kind.retryable());
                if matches!(fault, Fault::ErrorEvent { .. }) {
                    assert_eq!(error.message, "boom in [redacted]");
                }
                if matches!(fault, Fault::Cut { .. } | Fault::NoFinish { .. }) && after == 2 {
                    assert_eq!(outcome.text, "half an ", "what came before was shown");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_error_in_place_of_a_stream_is_a_cut_in_the_servers_words() {
    for wire in WIRES {
        let fault = Fault::ErrorBody { message: "no: test-key-77".into() };
        let outcome = once(wire, Reply::text("x").fault(fault)).await;
        assert_eq!((outcome.failed().kind, outcome.opened), (ProviderErrorKind::Cut, 0));
        assert_eq!(outcome.failed().message, "no: [redacted]");
    }
}

#[tokio::test]
async fn a_reset_is_a_cut() {
    for wire in WIRES {
        let gate = Gate::new();
        let reply = Reply::text("abcd").deltas(4).fault(Fault::Reset { after: 2 }).gate_after(2, &gate);
        let server = ModelServer::start(Script::new([reply])).unwrap();
        let mut stream = provider(wire, &server, patient()).stream(request("x"));
        let mut outcome = Outcome::default();
        while outcome.text != "ab" {
            outcome.take(stream.next().await.unwrap());
        }
        gate.open();
        while let Some(event) = stream.next().await {
            outcome.take(event);
        }
        assert_eq!(kinds(&outcome), (ProviderErrorKind::Cut, None), "{wire}");
        assert!(outcome.failed().message.contains("in mid-answer"), "{}", outcome.failed());
    }
}

#[tokio::test]
async fn silence_has_an_end_before_the_first_byte_and_between_two_chunks() {
    let long = Duration::from_mins(1);
    let stalls = async |wire, reply: &Reply, patience, seconds: f64| {
        let server = ModelServer::start(Script::new([reply.clone()])).unwrap();
        let outcome = ask(&*provider(wire, &server, patience), request("x")).await;
        assert_eq!(kinds(&outcome), (ProviderErrorKind::Stalled, None), "{wire}");
        assert_eq!(outcome.failed().message, format!("nothing came from the server for {seconds} s"));
        // On a busy machine the time may be over before the server has read the request.
        let arrived = !server.requests().is_empty();
        if arrived {
            server.wait_for_disconnects(1).await.unwrap();
        }
        arrived
    };
    for wire in WIRES {
        let waits = Reply::text("x").gate(&Gate::new());
        let pauses = Reply::text("abcd").deltas(4).fault(Fault::Stall { after: 2 });
        for seconds in [0.08, 2.0, 20.0] {
            let short = Duration::from_secs_f64(seconds);
            let (begins, goes_on) = (
                Patience { first_byte: short, between_chunks: long },
                Patience { first_byte: long, between_chunks: short },
            );
            if stalls(wire, &waits, begins, seconds).await && stalls(wire, &pauses, goes_on, seconds).await {
                break;
            }
            assert!(seconds < 20.0, "{wire}: no request arrives");
        }
    }
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    for wire in WIRES {
        let reply = Reply::text("abcd").deltas(4).fault(Fault::Stall { after: 2 });
        let server = ModelServer::start(Script::new([reply])).unwrap();
        let mut stream = provider(wire, &server, patient()).stream(request("x"));
        assert_eq!(stream.next().await.unwrap(), Ok(ProviderEvent::Opened));
        drop(stream);
        server.wait_for_disconnects(1).await.unwrap();
    }
}

#[tokio::test]
async fn a_status_says_its_kind_in_the_servers_words_after_one_request() {
    use ProviderErrorKind::{
        BadRequest, ContextFull, Forbidden, NotFound, Overloaded, RateLimited, Unauthorized,
    };
    for wire in WIRES {
        for (status, kind) in [
            (400, BadRequest),
            (401, Unauthorized),
            (403, Forbidden),
            (404, NotFound),
            (413, ContextFull),
            (429, RateLimited),
            (500, Overloaded),
            (503, Overloaded),
            (529, Overloaded),
            (307, BadRequest),
        ] {
            let server =
                ModelServer::start(Script::always(Reply::status(status, "no: test-key-77"))).unwrap();
            let outcome = ask(&*provider(wire, &server, patient()), request("x")).await;
            assert_eq!(kinds(&outcome), (kind, Some(status)), "{wire}");
            assert_eq!(outcome.failed().message, "no: [redacted]");
            assert_eq!((server.requests().len(), outcome.opened), (1, 0));
        }
    }
}

#[tokio::test]
async fn the_wait_that_a_server_asks_for_is_handed_on() {
    for wire in WIRES {
        let outcome = once(wire, Reply::status(429, "slow down").retry_after("3")).await;
        assert_eq!(outcome.failed().retry_after, Some(Duration::from_secs(3)));
    }
}

#[tokio::test]
async fn a_conversation_that_is_too_long_is_recognised() {
    for (wire, code, message) in [
        (WIRES[0], "context_length_exceeded", "This model's maximum context length is 8192 tokens."),
        (WIRES[1], "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
    ] {
        let outcome = once(wire, Reply::status(400, message).code(code)).await;
        assert_eq!(kinds(&outcome), (ProviderErrorKind::ContextFull, Some(400)));
    }
}

#[tokio::test]
async fn deltas_without_end_are_cut_at_the_limit() {
    for wire in WIRES {
        let server = ModelServer::start(Script::new([Reply::text("x").fault(Fault::Flood)])).unwrap();
        let outcome = ask(&*provider(wire, &server, patient()), request("x")).await;
        assert_eq!(outcome.failed().kind, ProviderErrorKind::OutputLimit);
        assert!(!outcome.failed().kind.retryable());
        assert!(outcome.text.len() <= crate::providers::attempt::DELTA_BYTES_MAX);
        server.wait_for_disconnects(1).await.unwrap();
    }
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    for wire in WIRES {
        let config = config(wire, &format!("http://{address}/v1"));
        let provider = connect(&config, None, &NetworkEnvironment::default()).unwrap();
        let outcome = ask(&*provider, request("x")).await;
        assert_eq!(kinds(&outcome), (ProviderErrorKind::Unreachable, None));
        let message = &outcome.failed().message;
        assert!(message.starts_with(&format!("{address} cannot be reached: ")), "{message}");
    }
}

#[tokio::test]
async fn a_proxy_is_used_for_others_and_never_for_the_loopback() {
    let proxy = ModelServer::start(Script::echo()).unwrap();
    let network = NetworkEnvironment { http_proxy: Some(proxy.host()), ..Default::default() };
    let server = ModelServer::start(Script::new([Reply::text("direct")])).unwrap();
    let near = connect(&config(WIRES[0], &server.url()), None, &network).unwrap();
    assert_eq!(ask(&*near, request("x")).await.text, "direct");
    // The scripted server is no proxy: it refuses the absolute form, which shows that it was asked.
    let far = connect(&config(WIRES[0], "http://far.invalid/v1"), None, &network).unwrap();
    let error = ask(&*far, request("x")).await;
    assert_eq!(error.failed().message, "no such path: http://far.invalid/v1/chat/completions");
    let network = NetworkEnvironment { no_proxy: Some("far.invalid".into()), ..network };
    let far = connect(&config(WIRES[0], "http://far.invalid/v1"), None, &network).unwrap();
    assert_eq!(ask(&*far, request("x")).await.failed().kind, ProviderErrorKind::Unreachable);
}

#[tokio::test]
async fn certificates_that_cannot_be_read_are_said_at_the_first_request() {
    let network =
        NetworkEnvironment { ca_file: Some(PathBuf::from("/nowhere/roots.pem")), ..Default::default() };
    let provider = connect(&config(WIRES[0], "https://127.0.0.1:1/v1"), None, &network).unwrap();
    let error = ask(&*provider, request("x")).await;
    assert_eq!(
        error.failed().message,
        "127.0.0.1:1 cannot be reached: no certificates can be read from /nowhere/roots.pem"
    );
}

#[test]
fn what_cannot_be_connected_to_is_said_at_once() {
    let network = NetworkEnvironment::default();
    let connect = |config: &ProviderConfig| connect(config, None, &network).unwrap_err();
    for wire in WIRES {
        assert!(matches!(connect(&config(wire, "ftp://host")), ConnectError::BaseUrl { .. }));
        assert!(matches!(connect(&config(wire, "host")), ConnectError::BaseUrl { .. }));
        let mut headed = config(wire, "http://host");
        headed.headers.insert("bad name".into(), "x".into());
        assert!(matches!(connect(&headed), ConnectError::Header { .. }));
        let mut nowhere = config(wire, "");
        nowhere.base_url = None;
        assert_eq!(connect(&nowhere).to_string(), "provider fake needs a base_url");
    }
    assert_eq!(connect(&config("gemini", "http://host")).to_string(), "the wire gemini is not in this build");
    assert_eq!(connect(&config("script", "")).to_string(), "provider fake needs a file with its scenario");
}
