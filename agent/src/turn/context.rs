//! The request of a step, built from the log: prefix, then the conversation. Not here: which prefix a session has.
use std::collections::BTreeMap;

use tenon_protocol::content::Content;

use crate::base::base64;
use crate::catalogue;
use crate::projections::transcript::{Entry, Transcript, TranscriptCall};
use crate::providers::{AssistantMessage, ModelCall, ModelMessage, ModelRequest, Part};
use crate::turn::ports::{Contents, View};
use crate::turn::record::{self, AnswerRecord, InputRecord};

/// A part of the conversation that the log only names cannot be read back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a part of the conversation cannot be read back ({reference}): {reason}")]
pub(crate) struct Unreadable {
    reference: String,
    reason: String,
}

/// What the log names and the model is shown whole.
type Known = BTreeMap<String, Vec<u8>>;

/// Builds the request. The same log gives the same bytes, and a longer one begins with those of the shorter.
///
/// # Errors
/// What the model was shown before cannot be shown again. Another text in its place would be another conversation.
pub(crate) async fn request(view: &View, contents: &dyn Contents) -> Result<ModelRequest, Unreadable> {
    let mut known = Known::new();
    for reference in references(&view.transcript) {
        let read = contents.content(reference.clone()).await;
        let bytes = read.map_err(|reason| Unreadable { reference: reference.clone(), reason })?;
        known.insert(reference, bytes);
    }
    Ok(ModelRequest {
        model: view.model.clone(),
        system: view.prefix.system.clone(),
        tools: view.prefix.tools.clone(),
        messages: messages(&view.transcript, &known),
        max_output_tokens: catalogue::limits(&view.provider_name, &view.model).output_tokens_max,
    })
}

/// Returns what stands in the conversation by reference and has to be read, each once.
fn references(transcript: &Transcript) -> Vec<String> {
    let mut found = Vec::new();
    let mut look = |content: &[Content]| found.extend(content.iter().filter_map(needed).map(str::to_owned));
    for entry in transcript.entries() {
        match &**entry {
            Entry::User { content, .. } => look(content),
            Entry::Assistant { content, calls, .. } => {
                look(content);
                for call in calls {
                    look(&transcript.result(&call.id).content);
                }
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn needed(piece: &Content) -> Option<&str> {
    match piece {
        Content::Image { data: None, reference, .. } => reference.as_deref(),
        Content::Image { .. }
        | Content::Text { .. }
        | Content::File { .. }
        | Content::Selection { .. }
        | Content::Ref { .. }
        | Content::Unheard(_) => piece.long_text(),
    }
}

fn messages(transcript: &Transcript, known: &Known) -> Vec<ModelMessage> {
    let mut messages = Vec::new();
    for entry in transcript.entries() {
        match &**entry {
            Entry::User { content, private } => messages.push(user(content, private.as_deref(), known)),
            Entry::Assistant { content, calls, private } => {
                let answer: AnswerRecord = record::decode(private.as_deref());
                let called: Vec<ModelCall> = calls.iter().map(|call| model_call(call, &answer)).collect();
                let results =
                    calls.iter().zip(&called).map(|(call, model)| result(transcript, call, model, known));
                let results: Vec<ModelMessage> = results.collect();
                let texts: Vec<String> = content.iter().filter_map(|piece| text(piece, known)).collect();
                let message =
                    AssistantMessage { text: texts.join("\n"), calls: called, verbatim: answer.verbatim };
                messages.push(ModelMessage::Assistant(message));
                messages.extend(results);
            }
        }
    }
    messages
}

fn user(content: &[Content], private: Option<&[u8]>, known: &Known) -> ModelMessage {
    let input: InputRecord = record::decode(private);
    let mut parts: Vec<Part> = content.iter().map(|piece| part(piece, known)).collect();
    let first = content.iter().position(Content::is_text);
    if let (Some(text), Some(first)) = (input.expansion, first) {
        parts[first] = Part::Text(text);
    }
    parts.extend(input.attached.into_iter().map(Part::Text));
    ModelMessage::User(parts)
}

/// Returns a text, also one that is too large to stand in the log.
fn text(piece: &Content, known: &Known) -> Option<String> {
    if let Content::Text { text } = piece {
        return Some(text.clone());
    }
    known.get(piece.long_text()?).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn part(content: &Content, known: &Known) -> Part {
    if let Some(text) = text(content, known) {
        return Part::Text(text);
    }
    match content {
        Content::Text { text } => Part::Text(text.clone()),
        Content::Image { mime, data: Some(data), .. } => {
            Part::Image { mime: mime.clone(), base64: data.clone() }
        }
        Content::Image { mime, data: None, reference } => {
            match reference.as_ref().and_then(|reference| known.get(reference)) {
                Some(bytes) => Part::Image { mime: mime.clone(), base64: base64::encode(bytes) },
                None => Part::Text(format!("[an image, {mime}, that is not shown here]")),
            }
        }
        Content::File { path, range: None } => Part::Text(format!("[file {path}]")),
        Content::File { path, range: Some(range) } => {
            Part::Text(format!("[file {path}, lines {} to {}]", range.start, range.end))
        }
        Content::Selection { path, range, text } => {
            Part::Text(format!("[selected in {path}, lines {} to {}]\n{text}", range.start, range.end))
        }
        Content::Ref { reference, mime, bytes, .. } => {
            Part::Text(format!("[{bytes} bytes of {mime}: read {reference}]"))
        }
        Content::Unheard(_) => Part::Text("[something that is not shown here]".to_owned()),
    }
}

fn model_call(call: &TranscriptCall, answer: &AnswerRecord) -> ModelCall {
    let recorded = answer.calls.iter().find(|(id, _)| *id == call.id).map(|(_, model)| model.clone());
    recorded.unwrap_or_else(|| {
        let arguments = if call.input.0.is_object() { call.input.0.to_string() } else { "{}".to_owned() };
        ModelCall { id: call.id.to_string(), name: call.name.clone(), arguments }
    })
}

fn result(transcript: &Transcript, call: &TranscriptCall, model: &ModelCall, known: &Known) -> ModelMessage {
    let result = transcript.result(&call.id);
    ModelMessage::ToolResult {
        call_id: model.id.clone(),
        name: model.name.clone(),
        content: result.content.iter().map(|piece| part(piece, known)).collect(),
        failed: !result.ok,
    }
}
