//! The wire `script`: plays a scenario file in process, for demonstrations and tests without a network.
//!
//! The file is TOML. Its steps are the answers, in order; a request is answered by the step whose number is the count
//! of assistant messages in its history, so that a conversation goes on rightly after a restart.
//!
//! ```toml
//! pause_ms = 15                       # between two deltas; 0 without
//!
//! [[step]]
//! expect = "failing test"             # stands somewhere in what came last (the person's message, or the results)
//! reasoning = "I look at the test first."
//! text = "Let me look."
//! calls = [{ name = "read", arguments = { path = "src/lib.rs" } }]
//!
//! [[step]]
//! text = "Done."
//! ```
//!
//! `arguments` may be a text instead, which is sent as it stands. A step that is missing, or whose `expect` does not
//! stand there, fails the attempt with a sentence that says so. Token counts are estimates.
//!
//! Not here: faults of servers and networks; those need a server.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::base::clock::{Clock, SystemClock};
use crate::config::provider::{ProviderConfig, Wire};
use crate::providers::attempt::failed;
use crate::providers::calls::{complete, sendable_arguments};
use crate::providers::error::{ProviderError, ProviderErrorKind};
use crate::providers::event::{Finish, FinishReason, ProviderEvent, Usage};
use crate::providers::request::{ModelMessage, ModelRequest, Part};
use crate::providers::verbatim::{Origin, estimate_prompt, or_estimate};
use crate::providers::{ConnectError, Provider, ProviderStream};

/// The largest scenario file that is read.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The characters of one delta: about a token, so that a client sees the flow it would see from a model.
const DELTA_CHARS: usize = 8;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    #[serde(default)]
    pause_ms: u64,
    #[serde(default)]
    step: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    expect: Option<String>,
    #[serde(default)]
    reasoning: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    calls: Vec<Call>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    name: String,
    #[serde(default)]
    arguments: Value,
}

/// A scenario file as a provider.
#[derive(Debug)]
pub(crate) struct Script {
    provider: String,
    file: PathBuf,
    scenario: Arc<Scenario>,
}

impl Script {
    /// Reads and checks the scenario.
    pub(crate) fn load(config: &ProviderConfig) -> Result<Self, ConnectError> {
        let file =
            config.file.as_deref().ok_or_else(|| ConnectError::NoFile { provider: config.name.clone() })?;
        let unreadable = |source| ConnectError::Unreadable { file: file.to_path_buf(), source };
        let len = std::fs::metadata(file).map_err(unreadable)?.len();
        let invalid = |why: String| ConnectError::Scenario { file: file.to_path_buf(), why };
        if len > FILE_BYTES_MAX {
            return Err(invalid(format!("it has more than {} MiB", FILE_BYTES_MAX >> 20)));
        }
        let text = std::fs::read_to_string(file).map_err(unreadable)?;
        let scenario = toml::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        Ok(Self { provider: config.name.clone(), file: file.to_path_buf(), scenario: Arc::new(scenario) })
    }

    fn step(&self, request: &ModelRequest) -> Result<(usize, &Step), ProviderError> {
        let told = |why: String| ProviderError::new(ProviderErrorKind::BadRequest, &why);
        let answers = request.messages.iter().filter(|message| matches!(message, ModelMessage::Assistant(_)));
        let number = answers.count();
        let file = self.file.display();
        let step = self.scenario.step.get(number).ok_or_else(|| {
            told(format!("the scenario {file} ends after step {}: there is no step {}", number, number + 1))
        })?;
        match step.expect.as_deref().filter(|expected| !newest(&request.messages).contains(*expected)) {
            Some(expected) => Err(told(format!(
                "step {} of the scenario {file} expected {expected:?} in what came last",
                number + 1
            ))),
            None => Ok((number, step)),
        }
    }
}

impl Provider for Script {
    fn stream(&self, request: ModelRequest) -> ProviderStream {
        let (number, step) = match self.step(&request) {
            Ok(found) => found,
            Err(error) => return failed(error),
        };
        let origin = Origin::new(self.wire(), &self.provider, &request.model);
        let events = play(number, step, estimate_prompt(&request), &origin);
        let pause = Duration::from_millis(self.scenario.pause_ms);
        stream::iter(events)
            .then(move |event| async move {
                if !pause.is_zero() {
                    SystemClock.sleep(pause).await;
                }
                Ok(event)
            })
            .boxed()
    }

    fn wire(&self) -> &'static str {
        Wire::Script.as_str()
    }
}

/// Returns the text of everything behind the last answer.
fn newest(messages: &[ModelMessage]) -> String {
    let since = messages.iter().rposition(|message| matches!(message, ModelMessage::Assistant(_)));
    let parts = messages[since.map_or(0, |place| place + 1)..].iter().flat_map(|message| match message {
        ModelMessage::User(content) | ModelMessage::ToolResult { content, .. } => content.as_slice(),
        ModelMessage::Assistant(_) => &[],
    });
    let texts = parts.filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        Part::Image { .. } => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn play(number: usize, step: &Step, prompt_tokens: u64, origin: &Origin) -> Vec<ProviderEvent> {
    let mut out = vec![ProviderEvent::Opened];
    out.extend(pieces(&step.reasoning).map(ProviderEvent::ReasoningDelta));
    out.extend(pieces(&step.text).map(ProviderEvent::TextDelta));
    let mut bytes = step.reasoning.len() + step.text.len();
    let mut blocks = Vec::new();
    for (index, call) in step.calls.iter().enumerate() {
        let arguments = match &call.arguments {
            Value::String(text) => text.clone(),
            Value::Null => Value::Object(Map::new()).to_string(),
            value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                value.to_string()
            }
        };
        bytes += arguments.len();
        let id = format!("call_{}_{}", number + 1, index + 1);
        blocks.push(json!({"id": id, "name": call.name, "arguments": sendable_arguments(&arguments)}));
        out.push(ProviderEvent::CallDelta { bytes: arguments.len() });
        out.push(complete(id, call.name.clone(), arguments));
    }
    let usage = or_estimate(Usage::default(), prompt_tokens, bytes);
    let reason = if step.calls.is_empty() { FinishReason::Stop } else { FinishReason::ToolCalls };
    let whole = json!({"reasoning": step.reasoning, "text": step.text, "calls": blocks});
    let verbatim = Some(origin.verbatim(whole.to_string()));
    out.push(ProviderEvent::Usage(usage));
    out.push(ProviderEvent::Finished(Finish { reason, verbatim, usage }));
    out
}

fn pieces(text: &str) -> impl Iterator<Item = String> {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(DELTA_CHARS).map(|piece| piece.iter().collect()).collect::<Vec<String>>().into_iter()
}

#[cfg(test)]
mod tests;
