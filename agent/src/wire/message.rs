//! A body becomes a message: what kind it is, and what makes it none. Not here: what a method means.
use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tenon_protocol::envelope::MessageNumber;
use tenon_protocol::version::JSON_DEPTH_MAX;

use crate::wire::codec::{Framing, depth};

/// Bytes of an id as it is written: every answer repeats it.
const ID_BYTES_MAX: usize = 1 << 10;

/// A message, borrowed from its body.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    /// It wants exactly one answer.
    Request { id: MessageNumber, method: Cow<'a, str>, params: Option<&'a str> },
    /// It wants none.
    Notification { method: Cow<'a, str>, params: Option<&'a str> },
    /// An answer; the native dialect asks nothing.
    Response,
    /// JSON, and no message: refused with -32600, under its id where that could be read.
    Invalid { id: Option<MessageNumber>, reason: &'static str },
}

/// Why a body is not even JSON: refused with -32700.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the message is not UTF-8")]
    NotUtf8,
    #[error("the message nests deeper than {JSON_DEPTH_MAX}")]
    TooDeep,
    #[error("the message is not JSON: {0}")]
    NotJson(serde_json::Error),
}

/// Members as they stand: absent and `null` are told apart.
#[derive(Debug, Default, Deserialize)]
struct Members<'a> {
    #[serde(default, borrow, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    params: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads a body.
pub(crate) fn parse(body: &[u8], framing: Framing) -> Result<Message<'_>, Unreadable> {
    let text = std::str::from_utf8(body).map_err(|_| Unreadable::NotUtf8)?;
    if depth::is_over(body, JSON_DEPTH_MAX) {
        return Err(Unreadable::TooDeep);
    }
    // A list would be taken for the members in order.
    if text.trim_ascii_start().starts_with('{') {
        match serde_json::from_str::<Members<'_>>(text) {
            Ok(members) => return Ok(classify(&members, framing)),
            // A member stands twice. The parser stops there: what follows may still be no JSON.
            Err(error) if error.is_data() => {}
            Err(error) => return Err(Unreadable::NotJson(error)),
        }
    }
    match serde_json::from_str::<&RawValue>(text) {
        Ok(_) => Ok(no_message(text)),
        Err(error) => Err(Unreadable::NotJson(error)),
    }
}

fn no_message(text: &str) -> Message<'_> {
    let reason = match text.trim_ascii_start().as_bytes().first() {
        Some(b'[') => "batches are not supported",
        Some(b'{') => "a member stands twice",
        _ => "a message is an object",
    };
    Message::Invalid { id: None, reason }
}

fn classify<'a>(members: &Members<'a>, framing: Framing) -> Message<'a> {
    let Some(method) = members.method else {
        if members.result.is_some() || members.error.is_some() {
            return Message::Response;
        }
        return Message::Invalid { id: number(members.id), reason: "the method is missing" };
    };
    let invalid = |reason| Message::Invalid { id: number(members.id), reason };
    let Some(method) = string(method) else {
        return invalid("the method is no string");
    };
    match members.jsonrpc.and_then(string).as_deref() {
        Some("2.0") => {}
        None if members.jsonrpc.is_none() && framing == Framing::Lines => {}
        _ => return invalid("jsonrpc is not \"2.0\""),
    }
    let params = members.params.map(RawValue::get).filter(|params| *params != "null");
    match members.id {
        None => Message::Notification { method, params },
        Some(raw) => match number(Some(raw)) {
            Some(id) => Message::Request { id, method, params },
            None => invalid("an id is an integer or a string of at most 1 KiB"),
        },
    }
}

fn number(raw: Option<&RawValue>) -> Option<MessageNumber> {
    let raw = raw?.get();
    if raw.len() <= ID_BYTES_MAX { serde_json::from_str(raw).ok() } else { None }
}

/// Reads a string without copying it, unless it holds escapes.
fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(inner) if !inner.contains('\\') => Some(Cow::Borrowed(inner)),
        Some(_) => serde_json::from_str(text).ok().map(Cow::Owned),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: &str) {
        for framing in [Framing::Lines, Framing::Headers] {
            assert_eq!(told(body.as_bytes(), framing), expected, "{body}");
        }
    }

    fn told(body: &[u8], framing: Framing) -> String {
        match parse(body, framing) {
            Ok(Message::Request { id, method, params }) => format!("request {id:?} {method} {params:?}"),
            Ok(Message::Notification { method, params }) => format!("notification {method} {params:?}"),
            Ok(Message::Response) => "response".to_owned(),
            Ok(Message::Invalid { id, reason }) => format!("invalid {id:?}: {reason}"),
            Err(error) => error.to_string().split(": ").next().unwrap_or_default().to_owned(),
        }
    }

    #[test]
    fn messages_are_told_apart() {
        check(r#"{"jsonrpc":"2.0","id":-7,"method":"a"}"#, "request Number(-7) a None");
        check(
            r#" {"jsonrpc":"2.0","id":"x","method":"a\/b","params":{"c":1}}"#,
            r#"request Text("x") a/b Some("{\"c\":1}")"#,
        );
        check(r#"{"jsonrpc":"2.0","method":"a","params":null}"#, "notification a None");
        check(r#"{"jsonrpc":"2.0","method":"a","params":[1],"more":{}}"#, r#"notification a Some("[1]")"#);
        check(r#"{"jsonrpc":"2.0","id":1,"result":null}"#, "response");
        check(r#"{"jsonrpc":"2.0","id":null,"error":"odd"}"#, "response");
    }

    #[test]
    fn json_that_is_no_message_is_invalid() {
        for id in ["null", "1.5", "true", "[1]", "{}", "99999999999999999999"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"a"}}"#);
            check(&body, "invalid None: an id is an integer or a string of at most 1 KiB");
        }
        let (long, fits) = ("x".repeat(ID_BYTES_MAX - 1), "x".repeat(ID_BYTES_MAX - 2));
        let with = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"a"}}"#);
        check(&with(&long), "invalid None: an id is an integer or a string of at most 1 KiB");
        check(&with(&fits), &format!("request Text({fits:?}) a None"));
        check("[]", "invalid None: batches are not supported");
        check("[1,2,3,4,5,6,7]", "invalid None: batches are not supported");
        check(r#"[{"jsonrpc":"2.0","id":1,"method":"a"}]"#, "invalid None: batches are not supported");
        check(r#"["2.0"]"#, "invalid None: batches are not supported");
        check("42", "invalid None: a message is an object");
        check("null", "invalid None: a message is an object");
        check("{}", "invalid None: the method is missing");
        check(r#"{"jsonrpc":"2.0","id":3,"method":4}"#, "invalid Some(Number(3)): the method is no string");
        check(r#"{"jsonrpc":"1.0","id":3,"method":"a"}"#, r#"invalid Some(Number(3)): jsonrpc is not "2.0""#);
        check(r#"{"jsonrpc":"2.0","id":3,"id":4,"method":"a"}"#, "invalid None: a member stands twice");
    }

    #[test]
    fn the_mark_may_be_missing_on_lines_alone() {
        let body = br#"{"id":1,"method":"a"}"#;
        assert_eq!(told(body, Framing::Lines), "request Number(1) a None");
        assert_eq!(told(body, Framing::Headers), r#"invalid Some(Number(1)): jsonrpc is not "2.0""#);
    }

    #[test]
    fn what_is_no_json_is_unreadable() {
        check("", "the message is not JSON");
        check("{", "the message is not JSON");
        check("{} {}", "the message is not JSON");
        check("[1, 2", "the message is not JSON");
        check(r#"{"id":1,"id":2,"#, "the message is not JSON");
        check(
            &format!(r#"{{"a":{}{}}}"#, "[".repeat(128), "]".repeat(128)),
            "the message nests deeper than 128",
        );
        check(
            &format!(r#"{{"a":{}{}}}"#, "[".repeat(127), "]".repeat(127)),
            "invalid None: the method is missing",
        );
        assert_eq!(told(b"{\"method\":\"\xff\"}", Framing::Lines), "the message is not UTF-8");
    }
}
