//! From what a server said to why an attempt failed: status, body, `Retry-After`, the many ways to say "too long".
//!
//! Not here: failures of the connection (`endpoint`) and what to do about any of them (`turn`).
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use serde_json::Value;

use crate::base::clock::Timestamp;
use crate::providers::error::{ProviderError, ProviderErrorKind, clean};

/// How servers say that the conversation does not fit, in lower case. Codes and types first, sentences after; none of
/// them may stand in the message of another failure.
const CONTEXT_FULL: [&str; 17] = [
    "context_length_exceeded",
    "exceed_context_size_error",
    "request_too_large",
    "maximum context length",
    "exceeds the available context size",
    "exceeds the context window",
    "exceeds the model's context",
    "exceed context limit",
    "exceeds the context length",
    "greater than the context length",
    "context window exceeded",
    "prompt is too long",
    "input is too long",
    "maximum prompt length",
    "exceeds the maximum number of tokens",
    "reduce the length of the messages",
    "exceed context window",
];

/// Codes of a 429 that waiting does not cure.
const OUT_OF_MONEY: [&str; 2] = ["insufficient_quota", "billing_hard_limit_reached"];

/// What a server said about an error: its sentence, and every code and type in lower case.
struct Said {
    message: Option<String>,
    codes: String,
}

/// Returns why a request with this answer failed. `now` is needed where `Retry-After` is a date and the server sent
/// no date of its own.
pub(crate) fn of_status(
    status: StatusCode,
    headers: &HeaderMap,
    body: &str,
    now: Timestamp,
) -> ProviderError {
    let said = match serde_json::from_str::<Value>(body) {
        Ok(value) => said(value.get("error").filter(|error| !error.is_null()).unwrap_or(&value)),
        Err(_) => Said { message: plain(body), codes: String::new() },
    };
    let reason = status.canonical_reason().unwrap_or("an unknown status");
    let message = match &said.message {
        Some(message) => clean(message),
        None if status.is_redirection() => redirected(status, headers),
        None => format!("the server answered {} {reason}", status.as_u16()),
    };
    ProviderError {
        kind: kind_of(status, &said),
        status: Some(status.as_u16()),
        message,
        retry_after: retry_after(headers, now),
    }
}

/// Returns why an attempt failed whose 200 turned out to hold an error object.
pub(crate) fn of_event(error: &Value) -> ProviderError {
    let said = said(error);
    let kind = if is_context_full(&said) {
        ProviderErrorKind::ContextFull
    } else if said.codes.contains("overloaded") {
        ProviderErrorKind::Overloaded
    } else if said.codes.contains("rate_limit") {
        ProviderErrorKind::RateLimited
    } else {
        ProviderErrorKind::Cut
    };
    let message = said.message.unwrap_or_else(|| "the server broke the answer off with an error".to_owned());
    ProviderError::new(kind, &message)
}

fn kind_of(status: StatusCode, said: &Said) -> ProviderErrorKind {
    match status.as_u16() {
        401 => ProviderErrorKind::Unauthorized,
        402 | 403 => ProviderErrorKind::Forbidden,
        404 => ProviderErrorKind::NotFound,
        // Whatever made the request too large, only less of it helps.
        413 => ProviderErrorKind::ContextFull,
        429 if OUT_OF_MONEY.iter().any(|code| said.codes.contains(code)) => ProviderErrorKind::Forbidden,
        429 => ProviderErrorKind::RateLimited,
        _ if is_context_full(said) => ProviderErrorKind::ContextFull,
        408 | 500.. => ProviderErrorKind::Overloaded,
        _ => ProviderErrorKind::BadRequest,
    }
}

fn is_context_full(said: &Said) -> bool {
    let message = said.message.as_deref().unwrap_or_default().to_lowercase();
    CONTEXT_FULL.iter().any(|phrase| said.codes.contains(phrase) || message.contains(phrase))
}

/// Reads an error object: `{message, type, code}` in any combination, a bare string, or `detail` of validators.
fn said(error: &Value) -> Said {
    if let Value::String(text) = error {
        return Said { message: plain(text), codes: String::new() };
    }
    let message = ["message", "detail", "error", "msg"].iter().find_map(|name| match error.get(name)? {
        Value::String(text) => plain(text),
        Value::Array(items) => items.iter().find_map(|item| plain(item.get("msg")?.as_str()?)),
        Value::Object(object) => plain(object.get("message")?.as_str()?),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    });
    let codes = ["type", "code", "status"]
        .iter()
        .filter_map(|name| error.get(name)?.as_str())
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join(" ");
    Said { message, codes }
}

/// Returns a text for people, unless it is empty or a page of HTML.
fn plain(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && !text.starts_with('<')).then(|| text.to_owned())
}

fn redirected(status: StatusCode, headers: &HeaderMap) -> String {
    let target = headers.get("location").and_then(|value| value.to_str().ok()).unwrap_or("somewhere else");
    clean(&format!(
        "the server answered {} and points to {target}: set base_url to the final address",
        status.as_u16()
    ))
}

/// Returns how long the server asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |value: &HeaderValue| value.to_str().ok().map(|text| text.trim().to_owned());
    let millis = headers.get("retry-after-ms").and_then(text).and_then(|text| text.parse::<f64>().ok());
    if let Some(millis) = millis {
        return Duration::try_from_secs_f64(millis / 1000.0).ok();
    }
    let value = headers.get(RETRY_AFTER).and_then(text)?;
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    // The server's own clock is the one its date is meant for.
    let now = headers.get(DATE).and_then(text).and_then(|date| http_date(&date)).unwrap_or(now);
    Some(http_date(&value)?.since(now))
}

/// Parses a date as HTTP writes it (RFC 9110 §5.6.7).
fn http_date(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests;
