//! Responses: the answer of a request, or an error in the same form. Not here: when which of them is sent (`http`).
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, UPGRADE, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use tenon_protocol::envelope::{MessageNumber, Outcome, TwoPointZero};
use tenon_protocol::error::{ErrorKind, RpcError};

use crate::wire::http::gate::Refusal;

/// A response of ours.
pub(super) type Answer = Response<Full<Bytes>>;

/// Returns the response of an answered request.
pub(super) fn answer(status: StatusCode, body: Bytes) -> Answer {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Returns a response that says nothing: a notification has no answer.
pub(super) fn nothing() -> Answer {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Returns a response whose body is an error of the protocol: to the request of this id, or to none that was read.
pub(super) fn error(status: StatusCode, id: Option<&MessageNumber>, error: RpcError) -> Answer {
    let response = tenon_protocol::envelope::Response::<()> {
        jsonrpc: TwoPointZero,
        id,
        outcome: Outcome::Error(error),
    };
    let body = serde_json::to_vec(&response).unwrap_or_default();
    answer(status, Bytes::from(body))
}

/// Returns the response to somebody the gate does not let through.
pub(super) fn refused(refusal: Refusal) -> Answer {
    let told = RpcError::new(ErrorKind::Forbidden, refusal.message).hint(refusal.hint);
    let response = error(refusal.status, None, told);
    if refusal.status == StatusCode::UNAUTHORIZED {
        return with(response, WWW_AUTHENTICATE, "Bearer");
    }
    response
}

/// Returns the response to a request that is none of ours.
pub(super) fn unknown(status: StatusCode, message: &'static str) -> Answer {
    let told =
        RpcError::new(ErrorKind::InvalidRequest, message).hint("POST / takes one request, GET / a WebSocket");
    let response = error(status, None, told);
    match status {
        StatusCode::METHOD_NOT_ALLOWED => with(response, ALLOW, "GET, POST"),
        StatusCode::UPGRADE_REQUIRED => {
            let response = with(response, UPGRADE, "websocket");
            with(response, HeaderName::from_static("sec-websocket-version"), "13")
        }
        _ => response,
    }
}

fn with(mut response: Answer, name: HeaderName, value: &'static str) -> Answer {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}
