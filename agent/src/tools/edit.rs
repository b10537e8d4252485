//! The tool `edit`: one text for another. Not here: matching (`changes::edit`) and the write itself (`writing`).
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tenon_protocol::tool::ToolKind;

use crate::changes::edit::{Edited, Matched, Scope, apply};
use crate::tools::arguments::{flag, parse, title};
use crate::tools::background::blocking;
use crate::tools::prepared::{Prepared, ToolFailure};
use crate::tools::remembered::Remembered;
use crate::tools::stale::require_current;
use crate::tools::target::{failure, named};
use crate::tools::view::View;
use crate::tools::writing::{Current, Proposed, prepare};
use crate::tools::{Boxed, Descriptor, Tool, ToolContext};
use crate::workspace::error::FileError;
use crate::workspace::text::is_binary;

/// Replaces text.
#[derive(Debug)]
pub(super) struct Edit {
    /// Tells what changed since the model read a file.
    remembered: Arc<Remembered>,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    #[serde(alias = "file_path", alias = "file")]
    path: String,
    #[serde(alias = "old_string", alias = "old_str")]
    old: String,
    #[serde(alias = "new_string", alias = "new_str")]
    new: String,
    #[serde(default, deserialize_with = "flag", alias = "replace_all")]
    all: bool,
    #[serde(default)]
    step: Option<String>,
}

impl Edit {
    pub(super) fn new(remembered: Arc<Remembered>) -> Self {
        Self { remembered }
    }
}

impl Tool for Edit {
    fn descriptor(&self) -> Descriptor {
        Descriptor {
            name: "edit",
            kind: ToolKind::Edit,
            description: "Replace text in a file you have read. `old` must be exactly what is in the file, without line numbers, \
                          and occur once: add lines around it until it does, or set `all`.",
            parameters: json!({
                "type": "object",
                "properties": {
                    "path": {"type": "string"},
                    "old": {"type": "string"},
                    "new": {"type": "string"},
                    "all": {"type": "boolean", "description": "replace every occurrence"},
                    "step": {"type": "string", "description": "id of the plan step this belongs to"}
                },
                "required": ["path", "old", "new"]
            }),
        }
    }

    fn title(&self, arguments: &Value) -> String {
        title("edit", arguments.get("path"))
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
            let arguments: Arguments = parse("edit", "path, old, new, all?, step?", arguments)?;
            let (context, remembered) = (context.clone(), Arc::clone(&self.remembered));
            blocking(move || propose(&context, &remembered, arguments)).await?
        })
    }
}

fn propose(
    context: &ToolContext,
    remembered: &Arc<Remembered>,
    arguments: Arguments,
) -> Result<Prepared, ToolFailure> {
    let Arguments { path, old, new, all, step } = arguments;
    let current = Current::find(&View::of(context), &path)?;
    let Some(file) = &current.file else {
        return Err(failure(&context.root, &FileError::NotFound(current.path)));
    };
    require_current(context, remembered, &current.path, Some(file))?;
    if is_binary(&file.bytes) {
        return Err(ToolFailure::new(format!(
            "`{}` is a binary file; it has no text to replace",
            current.path
        )));
    }
    let scope = if all { Scope::All } else { Scope::Unique };
    let Edited { bytes, matched, count } = apply(&file.bytes, &old, &new, scope)
        .map_err(|error| ToolFailure::new(format!("`{}`: {error}", current.path)))?;
    let note = match (matched, count) {
        (Matched::Exact, 0 | 1) => None,
        (Matched::Exact, count) => Some(format!("{count} places")),
        (Matched::Whitespace, _) => Some(
            "`old` differed in white space and the one place that matches without it was taken; check it"
                .to_owned(),
        ),
    };
    prepare(context, remembered, Proposed { tool: "edit", step, current, after: bytes, note, excerpt: true })
}
