//! The one table of error kinds and codes. Not here: which failure becomes which kind.
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::json::Json;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident $code:literal $name:literal;)*) => {
        /// What kind of failure it was; stable, unlike messages.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum ErrorKind {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl ErrorKind {
            /// Every kind, in order of the specification.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the JSON-RPC error code.
            pub const fn code(self) -> i32 {
                match self { $(Self::$variant => $code,)* }
            }

            /// Returns the name that stands in `data.kind`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

kinds! {
    /// The bytes were no JSON.
    ParseError -32700 "parseError";
    /// The JSON was no request.
    InvalidRequest -32600 "invalidRequest";
    /// No method of that name.
    MethodNotFound -32601 "methodNotFound";
    /// The parameters do not fit the method.
    InvalidParams -32602 "invalidParams";
    /// The agent's own fault.
    Internal -32603 "internal";
    /// A request came before `initialize`.
    NotInitialized -32002 "notInitialized";
    /// The client cancelled the request.
    Cancelled -32800 "cancelled";
    /// The content changed under the request.
    ContentModified -32801 "contentModified";
    /// The request was understood and failed.
    Failed -32803 "failed";
    /// `agent/list` does not know that kind.
    UnknownKind 1002 "unknownKind";
    /// No common protocol version, or a dialect this build lacks. `data.supported` lists what there is.
    UnsupportedProtocol 1005 "unsupportedProtocol";
    /// The daemon is leaving and takes no new work. `data.retryAfterMs`.
    Draining 1006 "draining";
    /// Another process owns the state directory. `data.pid`, `data.socket`.
    AlreadyOwned 1007 "alreadyOwned";
    /// Too many connections.
    TooManyConnections 1008 "tooManyConnections";
    /// No session of that id.
    SessionNotFound 1101 "sessionNotFound";
    /// The session is closed.
    SessionClosed 1102 "sessionClosed";
    /// There is no turn to steer.
    NotSteerable 1103 "notSteerable";
    /// The queue is full.
    QueueFull 1104 "queueFull";
    /// The session is busy with a turn.
    SessionBusy 1106 "sessionBusy";
    /// The message does not wait any more.
    NotPending 1107 "notPending";
    /// No turn runs.
    NoTurn 1108 "noTurn";
    /// No such workspace directory.
    WorkspaceNotFound 1110 "workspaceNotFound";
    /// No such change, plan, checkpoint or turn.
    ChangeNotFound 1201 "changeNotFound";
    /// The files moved on. `data.conflicts`.
    Conflict 1202 "conflict";
    /// Not ready: a plan without result, an old revision, failed tests.
    NotReady 1203 "notReady";
    /// Cannot be reverted.
    NotReversible 1204 "notReversible";
    /// No request of that id.
    RequestNotFound 1205 "requestNotFound";
    /// Somebody answered first. `data.by`, `data.decision`.
    AlreadyResolved 1206 "alreadyResolved";
    /// The cursor is older than the log, of another epoch, or beyond its head. `data.first`, `data.head`, `data.epoch`.
    CursorExpired 1301 "cursorExpired";
    /// Too many subscriptions on one connection.
    TooManyObservers 1302 "tooManyObservers";
    /// No key for the model's provider.
    AuthRequired 1401 "authRequired";
    /// The key was not accepted.
    AuthFailed 1402 "authFailed";
    /// Not allowed to this client.
    Forbidden 1403 "forbidden";
    /// A configuration value is wrong. `data.file`, `data.line`.
    InvalidConfig 1501 "invalidConfig";
    /// The revision moved on.
    RevMismatch 1502 "revMismatch";
    /// The demanded sandbox level is missing. `data.level`, `data.missing`.
    SandboxUnavailable 1601 "sandboxUnavailable";
    /// No job of that id.
    JobNotFound 1602 "jobNotFound";
    /// No content of that reference.
    RefNotFound 1701 "refNotFound";
    /// The disk is full: nothing new starts, reads go on.
    StorageFull 1801 "storageFull";
    /// The storage is busy.
    StorageBusy 1802 "storageBusy";
}

words! {
    /// Whether the same request may be sent again.
    enum Retry {
        /// It will fail again.
        Never = "never",
        /// It may be sent again at once.
        Now = "now",
        /// It may be sent again after a while.
        Later = "later",
    }
}

/// What stands in an error's `data`: the stable kind, advice, and the fields of that kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorData {
    /// The stable kind.
    pub kind: String,
    /// Whether to try again. Advice of a later version is none.
    #[serde(default, deserialize_with = "advice", skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// What to do next, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    /// Fields of the kind, such as `conflicts` or `retryAfterMs`.
    #[serde(flatten)]
    pub more: serde_json::Map<String, serde_json::Value>,
}

fn advice<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Retry>, D::Error> {
    let word = Option::<String>::deserialize(deserializer)?;
    Ok(word.and_then(|word| Retry::ALL.iter().copied().find(|retry| retry.as_str() == word)))
}

/// A JSON-RPC error object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RpcError {
    /// The code of the kind.
    pub code: i32,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// The kind and its fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<ErrorData>,
}

impl RpcError {
    /// Makes an error of a kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let data = ErrorData {
            kind: kind.name().to_owned(),
            retry: None,
            hints: Vec::new(),
            more: serde_json::Map::new(),
        };
        Self { code: kind.code(), message: message.into(), data: Some(data) }
    }

    /// Adds a field of the kind.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        if let Some(data) = &mut self.data {
            data.more.insert(name.to_owned(), Json::from_serialize(&value).0);
        }
        self
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Some(data) = &mut self.data {
            data.hints.push(hint.into());
        }
        self
    }

    /// Adds the advice whether to try again.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        if let Some(data) = &mut self.data {
            data.retry = Some(retry);
        }
        self
    }

    /// Returns the stable kind's name, if the error carries one.
    pub fn kind(&self) -> Option<&str> {
        self.data.as_ref().map(|data| data.kind.as_str())
    }

    /// Tells whether the error is of that kind.
    pub fn is(&self, kind: ErrorKind) -> bool {
        self.kind() == Some(kind.name())
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RpcError {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_and_names_are_unique() {
        let codes: BTreeSet<i32> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        let names: BTreeSet<&str> = ErrorKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!((codes.len(), names.len()), (ErrorKind::ALL.len(), ErrorKind::ALL.len()));
    }

    #[test]
    fn fields_of_the_kind_stand_beside_it() {
        let error = RpcError::new(ErrorKind::Draining, "the agent is leaving").with("retryAfterMs", 500);
        assert_eq!(
            serde_json::to_string(&error).unwrap(),
            r#"{"code":1006,"message":"the agent is leaving","data":{"kind":"draining","retryAfterMs":500}}"#
        );
    }
}
