//! Which answer a request gets. Not here: what an answer is (`reply`).
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::model_server::http::RecordedRequest;
use crate::model_server::reply::Reply;

type Function = dyn Fn(usize, &RecordedRequest) -> Reply + Send + Sync;

/// The answers of a server.
#[derive(Clone)]
pub enum Script {
    /// A list, in order.
    List {
        /// The answers.
        replies: Vec<Reply>,
        /// Whether the last one goes on for ever; without it the list's end is a 500 that says so.
        repeat_last: bool,
    },
    /// Whatever a function says to the number of the request (from 0) and the request.
    Function(Arc<Function>),
}

/// A list as a JSON file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ScriptFile {
    replies: Vec<Reply>,
    #[serde(default)]
    repeat_last: bool,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List { replies, .. } => write!(f, "Script({} replies)", replies.len()),
            Self::Function(_) => f.write_str("Script(function)"),
        }
    }
}

impl Script {
    /// Answers with `replies`, in order.
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::List { replies: replies.into_iter().collect(), repeat_last: false }
    }

    /// Answers every request with `reply`.
    pub fn always(reply: Reply) -> Self {
        Self::List { replies: vec![reply], repeat_last: true }
    }

    /// Answers with what `function` says.
    pub fn function(function: impl Fn(usize, &RecordedRequest) -> Reply + Send + Sync + 'static) -> Self {
        Self::Function(Arc::new(function))
    }

    /// Answers with the last text of the request, as fast as it can.
    pub fn echo() -> Self {
        Self::function(|_, request| Reply::text(request.last_text()))
    }

    /// Reads `{"replies": […], "repeatLast": true}`.
    ///
    /// # Errors
    /// The text is no such object.
    pub fn from_json(text: &str) -> anyhow::Result<Self> {
        let ScriptFile { replies, repeat_last } = serde_json::from_str(text)?;
        Ok(Self::List { replies, repeat_last })
    }

    /// Returns the answer to the request of that number.
    pub(crate) fn reply(&self, number: usize, request: &RecordedRequest) -> Reply {
        match self {
            Self::Function(function) => function(number, request),
            Self::List { replies, repeat_last } => {
                let last = if *repeat_last { replies.last() } else { None };
                replies.get(number).or(last).cloned().unwrap_or_else(|| exhausted(number))
            }
        }
    }
}

fn exhausted(number: usize) -> Reply {
    Reply::status(500, &format!("script exhausted: there is no reply for request {}", number + 1))
}

/// Returns the text of a message's content, whatever its form.
pub(crate) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(pieces) => pieces
            .iter()
            .map(|piece| text_of(piece.get("text").or_else(|| piece.get("content")).unwrap_or(&Value::Null)))
            .collect::<Vec<_>>()
            .join("\n"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}
