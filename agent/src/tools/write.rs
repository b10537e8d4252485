//! The tool `write`: a whole file. Not here: the write itself (`writing`).
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tenon_protocol::tool::ToolKind;

use crate::tools::arguments::{parse, title};
use crate::tools::background::blocking;
use crate::tools::prepared::{Prepared, ToolFailure};
use crate::tools::remembered::Remembered;
use crate::tools::stale::require_current;
use crate::tools::target::named;
use crate::tools::view::View;
use crate::tools::writing::{Current, Proposed, prepare};
use crate::tools::{Boxed, Descriptor, Tool, ToolContext};

/// The byte order mark of UTF-8.
const BOM: &str = "\u{feff}";

/// Writes whole files.
#[derive(Debug)]
pub(super) struct Write {
    /// Tells what changed since the model read a file.
    remembered: Arc<Remembered>,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    #[serde(alias = "file_path", alias = "file")]
    path: String,
    #[serde(alias = "contents")]
    content: String,
    #[serde(default)]
    step: Option<String>,
}

impl Write {
    pub(super) fn new(remembered: Arc<Remembered>) -> Self {
        Self { remembered }
    }
}

impl Tool for Write {
    fn descriptor(&self) -> Descriptor {
        Descriptor {
            name: "write",
            kind: ToolKind::Edit,
            description: "Create a file, or replace one you have read. Missing folders are made. For a part of a file use edit.",
            parameters: json!({
                "type": "object",
                "properties": {
                    "path": {"type": "string"},
                    "content": {"type": "string", "description": "all of the file"},
                    "step": {"type": "string", "description": "id of the plan step this belongs to"}
                },
                "required": ["path", "content"]
            }),
        }
    }

    fn title(&self, arguments: &Value) -> String {
        title("write", arguments.get("path"))
    }

    fn writes(&self, arguments: &Value) -> Vec<String> {
        named(arguments).map(str::to_owned).into_iter().collect()
    }

    fn prepare<'a>(
        &'a self,
        context: &'a ToolContext,
        arguments: &'a Value,
    ) -> Boxed<'a, Result<Prepared, ToolFailure>> {
        Box::pin(async move {
            let Arguments { path, content, step } = parse("write", "path, content, step?", arguments)?;
            let (context, remembered) = (context.clone(), Arc::clone(&self.remembered));
            blocking(move || {
                let current = Current::find(&View::of(&context), &path)?;
                require_current(&context, &remembered, &current.path, current.file.as_ref())?;
                let before = current.file.as_ref().map(|file| file.bytes.as_slice());
                let (after, note) = in_the_form_of(before, content);
                let note = note.map(ToOwned::to_owned);
                let proposed = Proposed {
                    tool: "write",
                    step,
                    current,
                    after: after.into_bytes(),
                    note,
                    excerpt: false,
                };
                prepare(&context, &remembered, proposed)
            })
            .await?
        })
    }
}

/// Gives new contents the line ends and the byte order mark of the file they replace: a model is shown neither, so it cannot
/// have meant to change them.
fn in_the_form_of(before: Option<&[u8]>, content: String) -> (String, Option<&'static str>) {
    let Some(before) = before else { return (content, None) };
    let mut content = content;
    let mut note = None;
    let returns = memchr::memmem::find_iter(before, "\r\n").count();
    let is_crlf = returns > 0 && memchr::memchr_iter(b'\n', before).count() == returns;
    if is_crlf && !content.contains("\r\n") && content.contains('\n') {
        content = content.replace('\n', "\r\n");
        note = Some("with the file's CRLF line ends");
    }
    if before.starts_with(BOM.as_bytes()) && !content.starts_with(BOM) {
        content.insert_str(0, BOM);
    }
    (content, note)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_byte_order_mark_stay_as_they_were() {
        let check = |before: Option<&str>, content: &str| {
            in_the_form_of(before.map(str::as_bytes), content.to_owned()).0
        };
        assert_eq!(check(None, "a\nb"), "a\nb");
        assert_eq!(check(Some("x\r\ny\r\n"), "a\nb\n"), "a\r\nb\r\n");
        assert_eq!(check(Some("x\r\ny\n"), "a\nb\n"), "a\nb\n");
        assert_eq!(check(Some("x\r\n"), "a\r\nb\n"), "a\r\nb\n");
        assert_eq!(check(Some("\u{feff}x\n"), "a\n"), "\u{feff}a\n");
        assert_eq!(check(Some("\u{feff}x\n"), "\u{feff}a\n"), "\u{feff}a\n");
    }
}
