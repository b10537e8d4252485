//! The tool `patch`: several files at once, all of them or none. Not here: reading a patch (`changes::envelope`), finding the
//! places (`changes::place`) and the write itself (`writing`).
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tenon_protocol::tool::ToolKind;

use crate::changes::envelope::{Asked, FilePatch, PatchHunk, parse as parse_patch};
use crate::changes::place::{Patched, patched};
use crate::changes::stage::Staged;
use crate::tools::arguments::{one_line, parse};
use crate::tools::background::blocking;
use crate::tools::prepared::{Prepared, ToolFailure};
use crate::tools::remembered::Remembered;
use crate::tools::stale::require_current;
use crate::tools::target::failure;
use crate::tools::view::View;
use crate::tools::writing::{Current, Planned, prepare_all};
use crate::tools::{Boxed, Descriptor, Tool, ToolContext};
use crate::workspace::error::FileError;
use crate::workspace::read::FileRead;
use crate::workspace::text::is_binary;

/// Failures of one patch that the model is told: it mends them together, and more it would not read.
const FAILURES_MAX: usize = 5;

/// Patches files.
#[derive(Debug)]
pub(super) struct Patch {
    /// Tells what changed since the model read a file.
    remembered: Arc<Remembered>,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    #[serde(alias = "input", alias = "diff", alias = "patch_text", alias = "patchText")]
    patch: String,
    #[serde(default)]
    step: Option<String>,
}

impl Patch {
    pub(super) fn new(remembered: Arc<Remembered>) -> Self {
        Self { remembered }
    }
}

impl Tool for Patch {
    fn descriptor(&self) -> Descriptor {
        Descriptor {
            name: "patch",
            kind: ToolKind::Edit,
            description: "Change several files at once, all or none. Hunks have no line numbers: their lines must be in the file once \
                          (` ` stays, `-` goes, `+` comes); else put a line that comes before behind `@@`.\n\
                          *** Begin Patch\n*** Update File: a.py\n@@ class A:\n def f():\n-    old\n+    new\n\
                          *** Add File: b.py\n+line\n*** Delete File: c.py\n*** End Patch\n\
                          `*** Move to: PATH` below an Update header renames.",
            parameters: json!({
                "type": "object",
                "properties": {
                    "patch": {"type": "string"},
                    "step": {"type": "string", "description": "id of the plan step this belongs to"}
                },
                "required": ["patch"]
            }),
        }
    }

    fn title(&self, arguments: &Value) -> String {
        let names: Vec<String> = self.writes(arguments);
        if names.is_empty() { "patch".to_owned() } else { one_line(&format!("patch {}", names.join(", "))) }
    }

    fn writes(&self, arguments: &Value) -> Vec<String> {
        let arguments = Arguments::deserialize(arguments).ok();
        let files = arguments.and_then(|arguments| parse_patch(&arguments.patch).ok()).unwrap_or_default();
        let names = files.into_iter().flat_map(|file| match file.what {
            Asked::Update { to: Some(to), .. } => vec![file.path, to],
            Asked::Add(_) | Asked::Delete | Asked::Update { to: None, .. } => vec![file.path],
        });
        names.collect()
    }

    fn prepare<'a>(
        &'a self,
        context: &'a ToolContext,
        arguments: &'a Value,
    ) -> Boxed<'a, Result<Prepared, ToolFailure>> {
        Box::pin(async move {
            let Arguments { patch, step } = parse("patch", "patch, step?", arguments)?;
            let (context, remembered) = (context.clone(), Arc::clone(&self.remembered));
            blocking(move || {
                let files = parse_patch(&patch).map_err(|error| ToolFailure::new(error.to_string()))?;
                let planned = plan(&context, &remembered, files)?;
                prepare_all(&context, &remembered, "patch", step, planned)
            })
            .await?
        })
    }
}

/// Works out what becomes of every file. What is wrong with some is told together, and then nothing is written.
fn plan(
    context: &ToolContext,
    remembered: &Arc<Remembered>,
    files: Vec<FilePatch>,
) -> Result<Vec<Planned>, ToolFailure> {
    let (mut planned, mut failures) = (Vec::new(), Vec::new());
    for file in files {
        match plan_one(context, remembered, file) {
            Ok(more) => planned.extend(more),
            Err(ToolFailure(failure)) => failures.push(failure),
        }
    }
    if failures.is_empty() {
        return Ok(planned);
    }
    let more = failures.len().saturating_sub(FAILURES_MAX);
    failures.truncate(FAILURES_MAX);
    if more > 0 {
        failures.push(format!("and {more} more"));
    }
    let told = failures.join("\n");
    let no_file = if told.contains("nothing was written") { "" } else { "Nothing was written. " };
    Err(ToolFailure::new(format!("{no_file}{told}")))
}

fn plan_one(
    context: &ToolContext,
    remembered: &Arc<Remembered>,
    FilePatch { path, what }: FilePatch,
) -> Result<Vec<Planned>, ToolFailure> {
    let view = View::of(context);
    let current = Current::find(&view, &path)?;
    let known =
        |current: &Current| require_current(context, remembered, &current.path, current.file.as_ref());
    let staged = match what {
        Asked::Add(text) => {
            if current.file.is_some() {
                return Err(ToolFailure::new(format!(
                    "`{path}` exists already; say `*** Update File: {path}`"
                )));
            }
            known(&current)?;
            Planned::of(Staged::new(current.path, None, text.into_bytes()), &[])
        }
        Asked::Delete => {
            known(&current)?;
            let file = there(context, &current)?.clone();
            Planned::of(Staged::deletion(current.path, file), &[])
        }
        Asked::Update { to, hunks } => {
            known(&current)?;
            let file = there(context, &current)?;
            let Patched { bytes, tolerated } = written(&current, file, &hunks)?;
            let notes = tolerated.iter().map(|hunk| {
                format!("hunk {hunk} differed in white space and the one place that matches without it was taken; check it")
            });
            let notes: Vec<String> = notes.collect();
            match to {
                None => Planned::of(Staged::new(current.path.clone(), Some(file.clone()), bytes), &notes),
                Some(to) => moved(&view, &current, file, &to, bytes, &notes)?,
            }
        }
    };
    Ok(staged)
}

/// Returns the file that a section is about.
fn there<'a>(context: &ToolContext, current: &'a Current) -> Result<&'a FileRead, ToolFailure> {
    current.file.as_ref().ok_or_else(|| failure(&context.root, &FileError::NotFound(current.path.clone())))
}

fn written(current: &Current, file: &FileRead, hunks: &[PatchHunk]) -> Result<Patched, ToolFailure> {
    if hunks.is_empty() {
        return Ok(Patched { bytes: file.bytes.clone(), tolerated: Vec::new() });
    }
    if is_binary(&file.bytes) {
        return Err(ToolFailure::new(format!(
            "`{}` is a binary file; it has no lines to replace",
            current.path
        )));
    }
    patched(&file.bytes, hunks).map_err(|error| ToolFailure::new(format!("`{}`: {error}", current.path)))
}

/// A new name is a file that comes and one that goes: what takes it back, and plans, know files by one name, and git finds the
/// rename by itself.
fn moved(
    view: &View,
    current: &Current,
    file: &FileRead,
    to: &str,
    bytes: Vec<u8>,
    notes: &[String],
) -> Result<Vec<Planned>, ToolFailure> {
    let target = Current::find(view, to)?;
    if target.path == current.path {
        return Ok(Planned::of(Staged::new(target.path, Some(file.clone()), bytes), notes));
    }
    if target.file.is_some() {
        return Err(ToolFailure::new(format!("`{}` cannot become `{to}`, which exists", current.path)));
    }
    let mut both = Planned::of(Staged::deletion(current.path.clone(), file.clone()), &[]);
    both.extend(Planned::of(Staged::with_mode(target.path, bytes, file.mode), notes));
    Ok(both)
}
