//! Statuses, bodies and headers of real servers, and what they must come to.
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::*;
use ProviderErrorKind::{
    BadRequest, ContextFull, Cut, Forbidden, NotFound, Overloaded, RateLimited, Unauthorized,
};

fn check(status: u16, body: &str) -> (ProviderErrorKind, String) {
    let error = of_status(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body, Timestamp(0));
    assert_eq!(error.status, Some(status));
    (error.kind, error.message)
}

fn waits(headers: &[(&'static str, &str)]) -> Option<Duration> {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect();
    // 2015-10-21T07:28:00Z
    of_status(StatusCode::TOO_MANY_REQUESTS, &headers, "", Timestamp(1_445_412_480_000)).retry_after
}

#[test]
fn each_status_has_its_kind() {
    for (status, kind) in [
        (400, BadRequest),
        (401, Unauthorized),
        (402, Forbidden),
        (403, Forbidden),
        (404, NotFound),
        (408, Overloaded),
        (413, ContextFull),
        (422, BadRequest),
        (429, RateLimited),
        (500, Overloaded),
        (503, Overloaded),
        (529, Overloaded),
        (307, BadRequest),
    ] {
        assert_eq!(check(status, "").0, kind, "{status}");
    }
}

#[test]
fn only_what_may_pass_is_tried_again() {
    assert!(RateLimited.retryable() && Overloaded.retryable() && Cut.retryable());
    assert!(
        ![BadRequest, Unauthorized, Forbidden, NotFound, ContextFull].iter().any(|kind| kind.retryable())
    );
}

#[test]
fn the_servers_own_sentence_is_found_in_every_shape() {
    for body in [
        r#"{"error":{"message":"no such model","type":"invalid_request_error","code":404}}"#,
        r#"{"type":"error","error":{"type":"not_found_error","message":"no such model"}}"#,
        r#"{"error":"no such model"}"#,
        r#"{"message":"no such model"}"#,
        r#"{"detail":"no such model"}"#,
        r#"{"detail":[{"loc":["body"],"msg":"no such model"}]}"#,
        "no such model\n",
    ] {
        assert_eq!(check(404, body), (NotFound, "no such model".to_owned()), "{body}");
    }
    assert_eq!(check(502, "<html><h1>Bad Gateway").1, "the server answered 502 Bad Gateway");
    assert_eq!(check(529, "").1, "the server answered 529 an unknown status");
}

#[test]
fn too_long_is_recognised_in_the_words_of_many_servers() {
    for body in [
        r#"{"error":{"message":"This model's maximum context length is 8192 tokens. However, …","code":"context_length_exceeded"}}"#,
        r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"}}"#,
        r#"{"error":{"message":"Requested tokens (9000) exceed context window of 4096"}}"#,
    ] {
        assert_eq!(check(400, body).0, ContextFull, "{body}");
    }
    assert_eq!(check(500, r#"{"error":{"message":"Your input exceeds the context window"}}"#).0, ContextFull);
    assert_eq!(check(401, r#"{"error":{"message":"maximum context length"}}"#).0, Unauthorized);
    assert_eq!(check(400, r#"{"error":{"message":"max_tokens is too large"}}"#).0, BadRequest);
}

#[test]
fn an_empty_account_is_not_waited_for() {
    let body = r#"{"error":{"message":"You exceeded your quota","type":"insufficient_quota"}}"#;
    assert_eq!(check(429, body), (Forbidden, "You exceeded your quota".to_owned()));
}

#[test]
fn retry_after_is_read_in_all_its_forms() {
    assert_eq!(waits(&[]), None);
    assert_eq!(waits(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
    assert_eq!(waits(&[("retry-after", "0.5")]), Some(Duration::from_millis(500)));
    assert_eq!(waits(&[("retry-after-ms", "250"), ("retry-after", "1")]), Some(Duration::from_millis(250)));
    assert_eq!(waits(&[("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT")]), Some(Duration::from_secs(30)));
    assert_eq!(
        waits(&[("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT"), ("date", "Wed, 21 Oct 2015 07:28:20 GMT")]),
        Some(Duration::from_secs(10))
    );
    assert_eq!(waits(&[("retry-after", "Wed, 21 Oct 2015 07:27:00 GMT")]), Some(Duration::ZERO));
    assert_eq!(waits(&[("retry-after", "-3")]), None);
    assert_eq!(waits(&[("retry-after", "soon")]), None);
}

#[test]
fn errors_inside_a_stream_are_failed_attempts() {
    let kind = |text: &str| of_event(&serde_json::from_str(text).unwrap()).kind;
    assert_eq!(kind(r#"{"type":"overloaded_error","message":"Overloaded"}"#), Overloaded);
    assert_eq!(kind(r#"{"message":"boom","code":500}"#), Cut);
    assert_eq!(kind(r#"{"message":"boom","type":"exceed_context_size_error"}"#), ContextFull);
    assert_eq!(kind(r#""boom""#), Cut);
    assert_eq!(
        of_event(&serde_json::from_str("{}").unwrap()).message,
        "the server broke the answer off with an error"
    );
}
