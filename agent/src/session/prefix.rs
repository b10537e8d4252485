//! What precedes the conversation: system prompt, facts of the machine, instructions, tools. Set once a session, so that every
//! request begins with the same bytes. Not here: the conversation (`turn::context`).
use std::sync::Arc;

use tenon_protocol::event::context::{ContextPart, ContextSet};

use crate::base::digest::Digest;
use crate::journal::Blobs;
use crate::providers::ToolSpec;
use crate::session::actor::Actor;
use crate::tools::Registry;
use crate::turn::ports::{Fact, Prefix};
use crate::workspace::instructions::instructions;

use serde::{Deserialize, Serialize};

/// Who the model is and how it works here. Short: every request carries it.
const SYSTEM: &str = include_str!("../../data/system.md");

/// How a blob is named in events.
pub(crate) fn reference(digest: Digest) -> String {
    format!("b3:{digest}")
}

/// Reads a blob's name.
pub(crate) fn digest_of(reference: &str) -> Option<Digest> {
    reference.strip_prefix("b3:")?.parse().ok()
}

impl Actor {
    /// Returns the fact that sets the context, if the session has none yet or its model speaks another format now. After a
    /// restart the context that the log names is read back instead.
    pub(crate) async fn context_facts(&mut self) -> Vec<Fact> {
        let (model, wire) = match self.world.choose(self.state.settings.model.as_deref()) {
            Ok(choice) => (choice.full_name(), choice.provider.wire.as_str().to_owned()),
            // Said when the try begins.
            Err(_) => return Vec::new(),
        };
        if let Some(set) = &self.state.context
            && set.model == model
            && self.restore_prefix().await
        {
            return Vec::new();
        }
        let generation = self.state.context.as_ref().map_or(0, |set| set.generation) + 1;
        let parts = self.parts();
        let prefix = prefix_of(&parts, &self.resources.registry);
        let blobs = self.blobs();
        let stored = store(blobs, parts).await;
        let Ok(parts) = stored else { return Vec::new() };
        self.prefix = Some(Arc::new(prefix));
        vec![Fact::new(ContextSet { parts, model, wire, generation })]
    }

    /// Makes sure that the prefix of the log is in memory; tells whether it is.
    pub(crate) async fn restore_prefix(&mut self) -> bool {
        if self.prefix.is_some() {
            return true;
        }
        let Some(set) = self.state.context.clone() else { return false };
        let blobs = self.resources.journal.blobs().clone();
        let mut parts = Vec::new();
        for part in set.parts {
            let Some(digest) = digest_of(&part.reference) else { return false };
            match blobs.get_async(digest).await {
                Ok(bytes) => parts.push(Part {
                    kind: part.kind,
                    source: part.source,
                    text: String::from_utf8_lossy(&bytes).into_owned(),
                }),
                Err(error) => {
                    tracing::error!(session = %self.state.id, %error, "a part of the context cannot be read");
                    return false;
                }
            }
        }
        self.prefix = Some(Arc::new(prefix_of(&parts, &self.resources.registry)));
        true
    }

    fn parts(&self) -> Vec<Part> {
        let mut parts =
            vec![Part { kind: "system".to_owned(), source: None, text: SYSTEM.trim().to_owned() }];
        parts.push(Part { kind: "environment".to_owned(), source: None, text: self.facts_of_the_place() });
        for found in instructions(&self.root, &[]) {
            let source = found.path.to_string();
            let text = format!("Instructions of this project, from {source}:\n\n{}", found.text.trim());
            parts.push(Part { kind: "instructions".to_owned(), source: Some(source), text });
        }
        let tools: Vec<ToolSpec> = specs(&self.resources.registry);
        let text = serde_json::to_string(&tools.iter().map(Tool::of).collect::<Vec<_>>()).unwrap_or_default();
        parts.push(Part { kind: "tools".to_owned(), source: None, text });
        parts
    }

    fn facts_of_the_place(&self) -> String {
        let today = self.resources.clock.now().to_rfc3339();
        let day = today.split('T').next().unwrap_or_default().to_owned();
        let git =
            if self.root.path().join(".git").exists() { "a git repository" } else { "no git repository" };
        format!(
            "Workspace: {} ({git}).\nSystem: {}.\nDate: {day}.",
            self.root.path().display(),
            std::env::consts::OS
        )
    }
}

/// A part with its text.
struct Part {
    kind: String,
    source: Option<String>,
    text: String,
}

/// A tool as it is kept in the context's blob.
#[derive(Serialize, Deserialize)]
struct Tool {
    name: String,
    description: String,
    parameters: tenon_protocol::json::Json,
}

impl Tool {
    fn of(spec: &ToolSpec) -> Self {
        let parameters = tenon_protocol::json::Json(spec.parameters.clone());
        Self { name: spec.name.clone(), description: spec.description.clone(), parameters }
    }

    fn spec(self) -> ToolSpec {
        ToolSpec { name: self.name, description: self.description, parameters: self.parameters.0 }
    }
}

/// Reads the tools back as they were.
fn tools_of(text: &str) -> Option<Vec<ToolSpec>> {
    let tools: Vec<Tool> = serde_json::from_str(text).ok()?;
    Some(tools.into_iter().map(Tool::spec).collect())
}

async fn store(blobs: Blobs, parts: Vec<Part>) -> Result<Vec<ContextPart>, crate::journal::BlobError> {
    let mut stored = Vec::new();
    for part in parts {
        let digest = blobs.put_async(part.text.into_bytes()).await?;
        stored.push(ContextPart {
            kind: part.kind,
            reference: reference(digest),
            digest: digest.to_string(),
            source: part.source,
        });
    }
    Ok(stored)
}

fn prefix_of(parts: &[Part], registry: &Registry) -> Prefix {
    let system = parts.iter().filter(|part| part.kind != "tools").map(|part| part.text.clone()).collect();
    let recorded = parts.iter().find(|part| part.kind == "tools").and_then(|part| tools_of(&part.text));
    Prefix { system, tools: recorded.unwrap_or_else(|| specs(registry)) }
}

fn specs(registry: &Registry) -> Vec<ToolSpec> {
    let spec = |tool: crate::tools::Descriptor| ToolSpec {
        name: tool.name.to_owned(),
        description: tool.description.to_owned(),
        parameters: tool.parameters,
    };
    registry.descriptors().into_iter().map(spec).collect()
}
