//! The tool `glob`: files by name. Not here: files by content (`grep`).
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tenon_protocol::tool::ToolKind;

use crate::tools::arguments::{parse, title};
use crate::tools::background::{Look, blocking};
use crate::tools::fingerprint::Fingerprint;
use crate::tools::limits::{ENTRIES_MAX, SEARCH_TIMEOUT};
use crate::tools::prepared::{Access, Outcome, Prepared, ToolFailure};
use crate::tools::target::{Target, failure};
use crate::tools::view::View;
use crate::tools::{Boxed, Descriptor, Tool, ToolContext};
use crate::workspace::find::{Found, GlobError};

/// Finds files.
#[derive(Debug)]
pub(super) struct Glob;

#[derive(Debug, Deserialize)]
struct Arguments {
    #[serde(alias = "glob")]
    pattern: String,
    #[serde(default)]
    path: Option<String>,
}

impl Tool for Glob {
    fn descriptor(&self) -> Descriptor {
        Descriptor {
            name: "glob",
            kind: ToolKind::Search,
            description: "Find files by name: `*.rs` at any depth, `src/**/test_*.py`, `{a,b}`. Ignored files are left out.",
            parameters: json!({
                "type": "object",
                "properties": {
                    "pattern": {"type": "string"},
                    "path": {"type": "string", "description": "folder to search; the workspace by default"}
                },
                "required": ["pattern"]
            }),
        }
    }

    fn title(&self, arguments: &Value) -> String {
        title("find", arguments.get("pattern"))
    }

    fn prepare<'a>(
        &'a self,
        context: &'a ToolContext,
        arguments: &'a Value,
    ) -> Boxed<'a, Result<Prepared, ToolFailure>> {
        Box::pin(async move {
            let Arguments { pattern, path } = parse("glob", "pattern, path?", arguments)?;
            let path = path.filter(|path| !path.is_empty()).unwrap_or_else(|| ".".to_owned());
            let root = Arc::clone(&context.root);
            let target = blocking(move || Target::find(&root, &path)).await??;
            let digest = Fingerprint::of("glob").with(&pattern).with(target.real.as_bytes()).digest();
            let access = Access::Read(target.names());
            let view = View::of(context);
            let work =
                Look::within(SEARCH_TIMEOUT, move |stop| match view.glob(&target.real, &pattern, stop) {
                    Ok(found) => Outcome::ok(listed(&found)),
                    Err(GlobError::Pattern(error)) => Outcome::failed(format!("bad glob pattern: {error}")),
                    Err(GlobError::File(error)) => Outcome::failed(failure(&view.root, &error).0),
                });
            Ok(Prepared::pure(access, digest, work))
        })
    }
}

fn listed(found: &Found) -> String {
    let mut out = String::new();
    for path in found.paths.iter().take(ENTRIES_MAX) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{path}");
    }
    if found.paths.is_empty() {
        out.push_str("no file matches\n");
    }
    if found.truncated || found.paths.len() > ENTRIES_MAX {
        let _ = writeln!(out, "[only the first {ENTRIES_MAX}; narrow the pattern or name a path]");
    }
    if found.stopped {
        out.push_str("[not complete: it took too long or was interrupted; name a path]\n");
    }
    out
}
