//! What is too large for an event goes to the contents, and the event refers to it: so every event fits into a message, and the
//! log holds no large text twice. Not here: reading it back for the model (`turn::context`), the last guard (`journal`).
use tenon_protocol::content::Content;
use tenon_protocol::event::EventBody;
use tenon_protocol::event::tool::ToolProposed;
use tenon_protocol::version::{CONTENT_BYTES_MAX, INPUT_BYTES_MAX};

use crate::base::base64;
use crate::journal::{AppendError, BlobError, Blobs};
use crate::projections::cut::{shorten, size};
use crate::session::prefix::reference;
use crate::turn::ports::Fact;

/// Bytes that are below every limit, however they are written as JSON: a control character takes six.
const SAFE_BYTES: usize = INPUT_BYTES_MAX / 6;

/// Bytes of arguments that are shown where the whole of them stands by reference.
const ARGUMENTS_BYTES_MAX: usize = 64 << 10;

/// Characters of a long text's beginning that stand in the event: more than its line shows.
const BEGINNING_CHARS_MAX: usize = 200;

/// Makes facts fit: texts and images over 1 MiB stand by reference afterwards, and so do the largest of those that together
/// would take more than 3 MiB as JSON.
///
/// # Errors
/// A content cannot be stored.
pub(crate) async fn lighten(blobs: &Blobs, facts: &mut [Fact]) -> Result<(), AppendError> {
    for fact in facts {
        let stored = if let EventBody::ToolProposed(call) = &mut fact.body {
            arguments(blobs, call).await
        } else if let Some(content) = content_of(&mut fact.body) {
            contents(blobs, content).await
        } else {
            Ok(())
        };
        stored.map_err(|error| match error {
            BlobError::StorageFull => AppendError::StorageFull,
            error @ (BlobError::NotFound(_)
            | BlobError::Damaged(_)
            | BlobError::TooLarge(_)
            | BlobError::Io(_)) => AppendError::Content(error.to_string()),
        })?;
    }
    Ok(())
}

fn content_of(body: &mut EventBody) -> Option<&mut Vec<Content>> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the events that hold what people, models and tools say"
    )]
    match body {
        EventBody::PromptAdmitted(prompt) => Some(&mut prompt.input),
        EventBody::PromptChanged(change) => change.input.as_mut(),
        EventBody::MessageEnded(message) => Some(&mut message.content),
        EventBody::ToolEnded(call) => Some(&mut call.content),
        EventBody::JobEnded(job) => Some(&mut job.content),
        _ => None,
    }
}

async fn contents(blobs: &Blobs, content: &mut [Content]) -> Result<(), BlobError> {
    if content.iter().map(weight).sum::<usize>() <= SAFE_BYTES {
        return Ok(());
    }
    // The largest first, as far as it must be.
    let mut order: Vec<usize> = (0..content.len()).filter(|place| weight(&content[*place]) > 0).collect();
    order.sort_by_key(|place| std::cmp::Reverse(size(&content[*place])));
    for place in order {
        if weight(&content[place]) > CONTENT_BYTES_MAX || size(&content) > INPUT_BYTES_MAX {
            by_reference(blobs, &mut content[place]).await?;
        }
    }
    Ok(())
}

/// Returns the bytes that a reference can stand for.
fn weight(piece: &Content) -> usize {
    match piece {
        Content::Text { text } => text.len(),
        Content::Image { data: Some(data), .. } => data.len(),
        Content::Image { data: None, .. }
        | Content::File { .. }
        | Content::Selection { .. }
        | Content::Ref { .. }
        | Content::Unheard(_) => 0,
    }
}

async fn by_reference(blobs: &Blobs, piece: &mut Content) -> Result<(), BlobError> {
    match piece {
        Content::Text { text } => {
            let (title, text) = (beginning(text), std::mem::take(text));
            let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
            let digest = blobs.put_async(text).await?;
            *piece = Content::Ref {
                reference: reference(digest),
                mime: "text/plain".to_owned(),
                bytes,
                title: Some(title),
                whole: Some(true),
            };
        }
        Content::Image { data, reference: named, .. } => {
            // What is no base64 was refused where it came in.
            if let Some(bytes) = data.as_deref().and_then(base64::decode) {
                *named = Some(reference(blobs.put_async(bytes).await?));
                *data = None;
            }
        }
        Content::File { .. } | Content::Selection { .. } | Content::Ref { .. } | Content::Unheard(_) => {}
    }
    Ok(())
}

async fn arguments(blobs: &Blobs, call: &mut ToolProposed) -> Result<(), BlobError> {
    if size(&call.input) <= CONTENT_BYTES_MAX {
        return Ok(());
    }
    // JSON that was read can be written.
    let whole = serde_json::to_vec(&call.input).unwrap_or_default();
    call.reference = Some(reference(blobs.put_async(whole).await?));
    shorten(&mut call.input, ARGUMENTS_BYTES_MAX);
    Ok(())
}

/// Returns how a text begins, on one line.
fn beginning(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        let room = BEGINNING_CHARS_MAX.saturating_sub(line.chars().count());
        line.extend(word.chars().filter(|c| !c.is_control()).take(room));
        if line.chars().count() >= BEGINNING_CHARS_MAX {
            break;
        }
    }
    line.push('…');
    line
}

#[cfg(test)]
mod tests;
