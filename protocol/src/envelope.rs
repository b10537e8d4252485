//! JSON-RPC 2.0: requests, notifications and responses. Not here: framing and limits.
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::RpcError;

/// A request's id: an integer or a string. `null`, fractions and structures are not ids.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum MessageNumber {
    /// An integer.
    Number(i64),
    /// A string.
    Text(String),
}

/// Always `"2.0"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TwoPointZero;

impl Serialize for TwoPointZero {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("2.0")
    }
}

/// A request on its way out.
#[derive(Debug, Serialize)]
pub struct Request<'a, P> {
    /// The protocol's mark.
    pub jsonrpc: TwoPointZero,
    /// The id that the response will carry.
    pub id: &'a MessageNumber,
    /// The method.
    pub method: &'a str,
    /// Its parameters.
    pub params: P,
}

/// A notification on its way out.
#[derive(Debug, Serialize)]
pub struct Notification<'a, P> {
    /// The protocol's mark.
    pub jsonrpc: TwoPointZero,
    /// The method.
    pub method: &'a str,
    /// Its parameters.
    pub params: P,
}

/// A response on its way out: `result` or `error`. The id is `null` only where the request's own could not be read.
#[derive(Debug, Serialize)]
pub struct Response<'a, R> {
    /// The protocol's mark.
    pub jsonrpc: TwoPointZero,
    /// The request's id.
    pub id: Option<&'a MessageNumber>,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: Outcome<R>,
}

/// What a response says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome<R> {
    /// It worked.
    Result(R),
    /// It failed.
    Error(RpcError),
}

/// Any message on its way in, members as they were found. What they mean together is decided by `Incoming::classify`.
#[derive(Debug, Deserialize)]
pub struct Incoming<'a> {
    /// The id, raw: absent, or anything at all.
    #[serde(default, borrow)]
    pub id: Option<&'a RawValue>,
    /// The method, if it is a request or notification.
    #[serde(default, borrow)]
    pub method: Option<std::borrow::Cow<'a, str>>,
    /// Parameters.
    #[serde(default, borrow)]
    pub params: Option<&'a RawValue>,
    /// The result, if it is a response.
    #[serde(default, borrow)]
    pub result: Option<&'a RawValue>,
    /// The error, if it is a response.
    #[serde(default)]
    pub error: Option<RpcError>,
}
