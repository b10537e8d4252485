//! The request of a step, built from the log: prefix, then the conversation. Not here: which prefix a session has.
use tenon_protocol::content::Content;

use crate::catalogue;
use crate::projections::transcript::{Entry, Transcript, TranscriptCall};
use crate::providers::{AssistantMessage, ModelCall, ModelMessage, ModelRequest, Part};
use crate::turn::ports::View;
use crate::turn::record::{self, AnswerRecord, InputRecord};

/// Builds the request. The same log gives the same bytes, and a longer one begins with those of the shorter.
pub(crate) fn request(view: &View) -> ModelRequest {
    ModelRequest {
        model: view.model.clone(),
        system: view.prefix.system.clone(),
        tools: view.prefix.tools.clone(),
        messages: messages(&view.transcript),
        max_output_tokens: catalogue::limits(&view.provider_name, &view.model).output_tokens_max,
    }
}

fn messages(transcript: &Transcript) -> Vec<ModelMessage> {
    let mut messages = Vec::new();
    for entry in transcript.entries() {
        match &**entry {
            Entry::User { content, private } => messages.push(user(content, private.as_deref())),
            Entry::Assistant { text, calls, private } => {
                let answer: AnswerRecord = record::decode(private.as_deref());
                let called: Vec<ModelCall> = calls.iter().map(|call| model_call(call, &answer)).collect();
                let results = calls.iter().zip(&called).map(|(call, model)| result(transcript, call, model));
                let results: Vec<ModelMessage> = results.collect();
                let message =
                    AssistantMessage { text: text.clone(), calls: called, verbatim: answer.verbatim };
                messages.push(ModelMessage::Assistant(message));
                messages.extend(results);
            }
        }
    }
    messages
}

fn user(content: &[Content], private: Option<&[u8]>) -> ModelMessage {
    let input: InputRecord = record::decode(private);
    let mut parts: Vec<Part> = content.iter().map(part).collect();
    let first = content.iter().position(|piece| matches!(piece, Content::Text { .. }));
    if let (Some(text), Some(first)) = (input.expansion, first) {
        parts[first] = Part::Text(text);
    }
    parts.extend(input.attached.into_iter().map(Part::Text));
    ModelMessage::User(parts)
}

fn part(content: &Content) -> Part {
    match content {
        Content::Text { text } => Part::Text(text.clone()),
        Content::Image { mime, data: Some(data), .. } => {
            Part::Image { mime: mime.clone(), base64: data.clone() }
        }
        Content::Image { mime, data: None, .. } => {
            Part::Text(format!("[an image, {mime}, that is not shown here]"))
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
    }
}

fn model_call(call: &TranscriptCall, answer: &AnswerRecord) -> ModelCall {
    let recorded = answer.calls.iter().find(|(id, _)| *id == call.id).map(|(_, model)| model.clone());
    recorded.unwrap_or_else(|| {
        let arguments = if call.input.0.is_object() { call.input.0.to_string() } else { "{}".to_owned() };
        ModelCall { id: call.id.to_string(), name: call.name.clone(), arguments }
    })
}

fn result(transcript: &Transcript, call: &TranscriptCall, model: &ModelCall) -> ModelMessage {
    let result = transcript.result(&call.id);
    ModelMessage::ToolResult {
        call_id: model.id.clone(),
        name: model.name.clone(),
        content: result.content.iter().map(part).collect(),
        failed: !result.ok,
    }
}
