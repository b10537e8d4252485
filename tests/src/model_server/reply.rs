//! One answer of the scripted server, in words that fit both formats. Not here: the formats (`chat`, `messages`).
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tokio::sync::watch;

/// One answer. Everything has a default, so that a script says only what matters.
#[derive(Clone, Debug, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "a table of independent oddities, each off by default")]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Reply {
    /// The HTTP status; anything but 200 is answered with an error object.
    pub status: u16,
    /// The sentence of an error.
    pub message: String,
    /// The type and code of an error.
    pub code: String,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// Reasoning that comes before the text.
    pub reasoning: String,
    /// The text.
    pub text: String,
    /// Whether the text is a refusal.
    pub refusal: bool,
    /// Tool calls, after the text.
    pub calls: Vec<ScriptedCall>,
    /// In how many deltas text and reasoning come.
    pub deltas: usize,
    /// In how many deltas the arguments of each call come.
    pub argument_deltas: usize,
    /// Whether every delta of a call repeats id, type and name.
    pub repeat_call_heads: bool,
    /// Why the answer ends.
    pub finish: Finish,
    /// The counts; absent for servers that tell none.
    pub usage: Option<TokenCounts>,
    /// Whether keep-alive comments stand between the events.
    pub comments: bool,
    /// The size of the pieces that the body is sent in; absent sends event by event.
    pub chunk_bytes: Option<usize>,
    /// Milliseconds between two deltas, for measurements at the speed of a real model.
    pub pause_ms: u64,
    /// Whether the connection is closed after the answer although nothing said so.
    pub close: bool,
    /// What goes wrong.
    pub fault: Option<Fault>,
    /// Opened by the test to let the headers go out.
    #[serde(skip)]
    pub gate: Option<Gate>,
    /// Opened by the test to let go on what waits after that many deltas; a fault at the same place comes after it.
    #[serde(skip)]
    pub delta_gate: Option<(usize, Gate)>,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            status: 200,
            message: String::new(),
            code: String::new(),
            retry_after: None,
            reasoning: String::new(),
            text: String::new(),
            refusal: false,
            calls: Vec::new(),
            deltas: 1,
            argument_deltas: 2,
            repeat_call_heads: false,
            finish: Finish::Auto,
            usage: Some(TokenCounts { input: 100, output: 10, cached: 40 }),
            comments: false,
            chunk_bytes: None,
            pause_ms: 0,
            close: false,
            fault: None,
            gate: None,
            delta_gate: None,
        }
    }
}

/// A tool call of an answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedCall {
    /// Its id; absent makes one up, empty leaves it out where the format can.
    #[serde(default)]
    pub id: Option<String>,
    /// The name of the tool.
    pub name: String,
    /// The arguments as text, perhaps broken. In a file they may be any JSON.
    #[serde(deserialize_with = "any_json")]
    pub arguments: String,
}

/// Why an answer ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Finish {
    /// As its calls demand.
    #[default]
    Auto,
    /// At the limit on output tokens.
    Length,
    /// By a filter.
    ContentFilter,
    /// With this very word.
    Word(String),
}

/// The token counts of an answer.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct TokenCounts {
    /// All tokens of the prompt.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Those of the prompt that came from a cache.
    #[serde(default)]
    pub cached: u64,
}

/// What goes wrong with an answer. `after` counts deltas; more than there are means: before the finish reason.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Fault {
    /// The connection is closed in the middle of an event.
    Cut {
        /// Deltas before it.
        after: usize,
    },
    /// The connection is reset.
    Reset {
        /// Deltas before it.
        after: usize,
    },
    /// Nothing comes any more, until the other side gives up.
    Stall {
        /// Deltas before it.
        after: usize,
    },
    /// The body ends as it should, but without a finish reason and what follows it.
    NoFinish {
        /// Deltas before it.
        after: usize,
    },
    /// The same, but the last event (`[DONE]`, `message_stop`) comes.
    DoneWithoutFinish {
        /// Deltas before it.
        after: usize,
    },
    /// An event that is broken JSON; everything else is as it should be.
    Malformed {
        /// Deltas before it.
        after: usize,
    },
    /// An error inside the stream, then a clean end.
    ErrorEvent {
        /// Deltas before it.
        after: usize,
        /// The sentence.
        message: String,
    },
    /// 200 and an empty body.
    Empty,
    /// 200 and, in place of a stream, a JSON body with an error.
    ErrorBody {
        /// The sentence.
        message: String,
    },
    /// Deltas of 64 KiB without end, until the other side gives up.
    Flood,
}

impl Fault {
    /// Returns how many deltas come before it.
    pub(crate) const fn after(&self) -> usize {
        match self {
            Self::Cut { after }
            | Self::Reset { after }
            | Self::Stall { after }
            | Self::NoFinish { after }
            | Self::DoneWithoutFinish { after }
            | Self::Malformed { after }
            | Self::ErrorEvent { after, .. } => *after,
            Self::Empty | Self::ErrorBody { .. } => 0,
            Self::Flood => usize::MAX,
        }
    }
}

impl Reply {
    /// An answer of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// An answer of one call.
    pub fn call(name: &str, arguments: &Value) -> Self {
        Self::default().and_call(name, arguments)
    }

    /// An error with this status and sentence.
    pub fn status(status: u16, message: &str) -> Self {
        Self { status, message: message.to_owned(), ..Self::default() }
    }

    /// Adds a call.
    #[must_use]
    pub fn and_call(self, name: &str, arguments: &Value) -> Self {
        self.and_raw_call(None, name, &arguments.to_string())
    }

    /// Adds a call with this id (empty: none) and these arguments, however broken.
    #[must_use]
    pub fn and_raw_call(mut self, id: Option<&str>, name: &str, arguments: &str) -> Self {
        self.calls.push(ScriptedCall {
            id: id.map(str::to_owned),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
        });
        self
    }

    /// Sets the type and code of an error.
    #[must_use]
    pub fn code(mut self, code: &str) -> Self {
        code.clone_into(&mut self.code);
        self
    }

    /// Sets `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, value: &str) -> Self {
        self.retry_after = Some(value.to_owned());
        self
    }

    /// Puts reasoning before the text.
    #[must_use]
    pub fn reasoning(mut self, text: &str) -> Self {
        text.clone_into(&mut self.reasoning);
        self
    }

    /// Splits text and reasoning into that many deltas.
    #[must_use]
    pub fn deltas(mut self, count: usize) -> Self {
        self.deltas = count;
        self
    }

    /// Sets why the answer ends.
    #[must_use]
    pub fn finish(mut self, finish: Finish) -> Self {
        self.finish = finish;
        self
    }

    /// Tells no token counts.
    #[must_use]
    pub fn without_usage(mut self) -> Self {
        self.usage = None;
        self
    }

    /// Sends the body in pieces of that size.
    #[must_use]
    pub fn chunk_bytes(mut self, size: usize) -> Self {
        self.chunk_bytes = Some(size);
        self
    }

    /// Puts keep-alive comments between the events.
    #[must_use]
    pub fn comments(mut self) -> Self {
        self.comments = true;
        self
    }

    /// Pauses between two deltas; for measurements, since a test would wait for nothing.
    #[must_use]
    pub fn pause_ms(mut self, pause_ms: u64) -> Self {
        self.pause_ms = pause_ms;
        self
    }

    /// Closes the connection after the answer without a word.
    #[must_use]
    pub fn close(mut self) -> Self {
        self.close = true;
        self
    }

    /// Lets something go wrong.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// Waits with the headers until the gate is opened.
    #[must_use]
    pub fn gate(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Waits after that many deltas until the gate is opened.
    #[must_use]
    pub fn gate_after(mut self, deltas: usize, gate: &Gate) -> Self {
        self.delta_gate = Some((deltas, gate.clone()));
        self
    }
}

/// A place where an answer waits for its test. Once opened it stays open.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// Returns a closed gate.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Lets everyone pass.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Waits until the gate is open.
    pub(crate) async fn pass(&self) {
        // The sender lives as long as this gate does, so the only outcome is that it is open.
        let mut watched = self.0.subscribe();
        let _open = watched.wait_for(|open| *open).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

fn any_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        value @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            value.to_string()
        }
    })
}
