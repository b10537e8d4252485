//! The adapters against a real HTTP server that misbehaves as real ones do: a test for each row of the fault table,
//! for both wires.
mod answers;
mod faults;
mod replay;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::Value;
use tenon_tests::model_server::{ModelServer, Reply, Script};

use crate::base::secret::Secret;
use crate::config::provider::{KeySource, MaxTokensField, ProviderConfig, Timeouts, Wire};
use crate::network::NetworkEnvironment;
use crate::providers::sse::Patience;
use crate::providers::{
    AssistantMessage, Finish, ModelCall, ModelMessage, ModelRequest, Part, Provider, ProviderError,
    ProviderEvent, ToolSpec, connect_with,
};

/// The wires that go over HTTP.
pub(crate) const WIRES: [&str; 2] = ["openai-chat", "anthropic-messages"];

/// Returns a provider `fake` of that wire and address.
pub(crate) fn config(wire: &str, base_url: &str) -> ProviderConfig {
    ProviderConfig {
        name: "fake".to_owned(),
        wire: Wire::parse(wire).unwrap(),
        base_url: Some(base_url.to_owned()),
        api_key: KeySource::Default,
        headers: BTreeMap::new(),
        max_tokens_field: MaxTokensField::default(),
        timeouts: Timeouts::default(),
        model: None,
        file: None,
    }
}

/// Returns a request that says `text`, with one system part and one tool.
pub(crate) fn request(text: &str) -> ModelRequest {
    ModelRequest {
        model: "x".to_owned(),
        system: vec!["You are a test.".to_owned()],
        tools: vec![ToolSpec {
            name: "read".to_owned(),
            description: "Reads.".to_owned(),
            parameters: serde_json::json!({"type": "object", "properties": {"path": {"type": "string"}}}),
        }],
        messages: vec![ModelMessage::User(vec![Part::Text(text.to_owned())])],
        max_output_tokens: Some(1000),
    }
}

/// What came out of an attempt.
#[derive(Debug, Default)]
struct Outcome {
    opened: usize,
    text: String,
    reasoning: String,
    deltas: usize,
    calls: Vec<(ModelCall, Result<Value, String>)>,
    finish: Option<Finish>,
    error: Option<ProviderError>,
}

impl Outcome {
    fn take(&mut self, event: Result<ProviderEvent, ProviderError>) {
        assert!(self.finish.is_none() && self.error.is_none(), "{event:?} came after the end");
        match event {
            Ok(ProviderEvent::Opened) => self.opened += 1,
            Ok(ProviderEvent::TextDelta(text)) => {
                self.deltas += 1;
                self.text.push_str(&text);
            }
            Ok(ProviderEvent::ReasoningDelta(text)) => self.reasoning.push_str(&text),
            Ok(ProviderEvent::CallDelta { .. } | ProviderEvent::Usage(_)) => {}
            Ok(ProviderEvent::Call { call, arguments }) => self.calls.push((call, arguments)),
            Ok(ProviderEvent::Finished(finish)) => self.finish = Some(finish),
            Err(error) => self.error = Some(error),
        }
    }

    fn finished(&self) -> &Finish {
        self.finish.as_ref().unwrap_or_else(|| panic!("no finish: {self:?}"))
    }

    fn failed(&self) -> &ProviderError {
        self.error.as_ref().unwrap_or_else(|| panic!("no error: {self:?}"))
    }

    /// The answer as it goes into the history, with a result for each call.
    fn history(&self) -> Vec<ModelMessage> {
        let calls: Vec<ModelCall> = self.calls.iter().map(|(call, _)| call.clone()).collect();
        let results = calls.iter().map(|call| ModelMessage::ToolResult {
            call_id: call.id.clone(),
            name: call.name.clone(),
            content: vec![Part::Text("result".to_owned())],
            failed: false,
        });
        let verbatim = self.finish.as_ref().and_then(|finish| finish.verbatim.clone());
        let answer = AssistantMessage { text: self.text.clone(), calls: calls.clone(), verbatim };
        std::iter::once(ModelMessage::Assistant(answer)).chain(results).collect()
    }
}

fn patient() -> Patience {
    Patience { first_byte: Duration::from_secs(20), between_chunks: Duration::from_secs(20) }
}

fn provider(wire: &str, server: &ModelServer, patience: Patience) -> std::sync::Arc<dyn Provider> {
    let key = Some(Secret::new("test-key-77"));
    let config = config(wire, &server.base_url(wire));
    connect_with(&config, key, &NetworkEnvironment::default(), patience).unwrap()
}

async fn ask(provider: &dyn Provider, request: ModelRequest) -> Outcome {
    let mut stream = provider.stream(request);
    let mut outcome = Outcome::default();
    while let Some(event) = stream.next().await {
        outcome.take(event);
    }
    outcome
}

/// Asks once over `wire` and gets `reply`.
async fn once(wire: &str, reply: Reply) -> Outcome {
    let server = ModelServer::start(Script::new([reply])).unwrap();
    ask(&*provider(wire, &server, patient()), request("hello")).await
}
