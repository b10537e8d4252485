//! Content of messages, inputs and tool results. Not here: how a model is shown it.
use serde::{Deserialize, Serialize};

use crate::json::Json;
use crate::word::Later;

wire! {
    /// Lines of a file, counted from 1, both ends included.
    struct LineRange {
        /// The first line.
        start: u64,
        /// The last line.
        end: u64,
    }
}

/// One piece of content. Text is whole up to 1 MiB; beyond that stands a `ref` that is `whole`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Content {
    /// Plain text or Markdown.
    Text {
        /// The text.
        text: String,
    },
    /// An image: `data` (base64) or `ref`.
    Image {
        /// Its type, such as `image/png`.
        mime: String,
        /// The bytes in base64.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<String>,
        /// Where the bytes are.
        #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// A file of the workspace, read when the message is delivered.
    File {
        /// Relative to the workspace, or absolute beneath it.
        path: String,
        /// Only these lines.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        range: Option<LineRange>,
    },
    /// Text a person selected, as it stood in the editor.
    Selection {
        /// The file it was selected in.
        path: String,
        /// The lines it spans.
        range: LineRange,
        /// The selected text.
        text: String,
    },
    /// Large content by reference.
    Ref {
        /// Where it is.
        #[serde(rename = "ref")]
        reference: String,
        /// Its type.
        mime: String,
        /// How large it is.
        bytes: u64,
        /// What it is, for people; of a text that stands here by reference its beginning.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// Whether it is a text of this very content that is too large to stand here: the model is shown all of it. Absent,
        /// the model is told where it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        whole: Option<bool>,
    },
    /// One of a type that this build does not know, as it came. Parameters refuse it.
    #[serde(untagged)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unheard(Json),
}

/// The types that this build knows.
const TYPES: &[&str] = &["text", "image", "file", "selection", "ref"];

impl Later for Content {
    fn check<E: serde::de::Error>(&self) -> Result<(), E> {
        let Self::Unheard(json) = self else { return Ok(()) };
        let kind = json.0.get("type").and_then(serde_json::Value::as_str);
        let kind = kind.ok_or_else(|| E::missing_field("type"))?;
        if TYPES.contains(&kind) {
            return Err(E::custom(format_args!(
                "a content of type `{kind}` lacks a member, or one is of another type"
            )));
        }
        Err(E::unknown_variant(kind, TYPES))
    }
}

impl Content {
    /// Makes a text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// Tells whether it is a text, here or by reference.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text { .. }) || self.long_text().is_some()
    }

    /// Returns the reference of a text that is too large to stand here itself.
    pub fn long_text(&self) -> Option<&str> {
        match self {
            Self::Ref { reference, whole: Some(true), .. } => Some(reference),
            Self::Text { .. }
            | Self::Image { .. }
            | Self::File { .. }
            | Self::Selection { .. }
            | Self::Ref { .. }
            | Self::Unheard(_) => None,
        }
    }
}

/// Returns the texts of some content, joined by line breaks: of one that stands there by reference its beginning. Everything
/// else is left out.
pub fn plain_text(content: &[Content]) -> String {
    let texts: Vec<&str> = content
        .iter()
        .filter_map(|piece| match piece {
            Content::Text { text } => Some(text.as_str()),
            Content::Ref { title, whole: Some(true), .. } => title.as_deref(),
            Content::Image { .. }
            | Content::File { .. }
            | Content::Selection { .. }
            | Content::Ref { .. }
            | Content::Unheard(_) => None,
        })
        .collect();
    texts.join("\n")
}
