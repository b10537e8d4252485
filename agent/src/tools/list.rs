//! The tool `list`: what is in a folder. Not here: finding by name (`glob`).
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tenon_protocol::tool::ToolKind;

use crate::tools::arguments::{count, parse, title};
use crate::tools::background::{Look, blocking};
use crate::tools::fingerprint::Fingerprint;
use crate::tools::limits::{DEPTH_DEFAULT, DEPTH_MAX, ENTRIES_MAX, SEARCH_TIMEOUT};
use crate::tools::prepared::{Access, Outcome, Prepared, ToolFailure};
use crate::tools::target::{Target, failure};
use crate::tools::view::View;
use crate::tools::{Boxed, Descriptor, Tool, ToolContext};
use crate::workspace::identity::Kind;
use crate::workspace::list::Listing;
use crate::workspace::text::escape;

/// Lists.
#[derive(Debug)]
pub(super) struct List;

#[derive(Debug, Deserialize)]
struct Arguments {
    #[serde(default)]
    path: Option<String>,
    #[serde(default, deserialize_with = "count")]
    depth: Option<usize>,
}

impl Tool for List {
    fn descriptor(&self) -> Descriptor {
        Descriptor {
            name: "list",
            kind: ToolKind::Read,
            description: "List a folder as an indented tree with file sizes. Ignored files are left out.",
            parameters: json!({
                "type": "object",
                "properties": {
                    "path": {"type": "string", "description": "the folder; the workspace by default"},
                    "depth": {"type": "integer", "description": "levels, 2 by default"}
                }
            }),
        }
    }

    fn title(&self, arguments: &Value) -> String {
        title("list", arguments.get("path"))
    }

    fn prepare<'a>(
        &'a self,
        context: &'a ToolContext,
        arguments: &'a Value,
    ) -> Boxed<'a, Result<Prepared, ToolFailure>> {
        Box::pin(async move {
            let Arguments { path, depth } = parse("list", "path?, depth?", arguments)?;
            let depth = depth.unwrap_or(DEPTH_DEFAULT).clamp(1, DEPTH_MAX);
            let path = path.filter(|path| !path.is_empty()).unwrap_or_else(|| ".".to_owned());
            let root = Arc::clone(&context.root);
            let target = blocking(move || Target::find(&root, &path)).await??;
            let digest = Fingerprint::of("list").with(target.real.as_bytes()).with_number(depth).digest();
            let access = Access::Read(target.names());
            let view = View::of(context);
            let work = Look::within(SEARCH_TIMEOUT, move |stop| {
                match view.list(&target.real, depth, ENTRIES_MAX, stop) {
                    Ok(listing) => Outcome::ok(tree(&listing)),
                    Err(error) => Outcome::failed(failure(&view.root, &error).0),
                }
            });
            Ok(Prepared::pure(access, digest, work))
        })
    }
}

fn tree(listing: &Listing) -> String {
    let mut out = String::new();
    for entry in &listing.entries {
        let indent = "  ".repeat(entry.depth.saturating_sub(1));
        let name = entry.path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let name = escape(&name);
        // Writing to a String cannot fail.
        let _ = match entry.kind {
            Kind::File => writeln!(out, "{indent}{name}  {}", entry.size_bytes),
            Kind::Folder => writeln!(out, "{indent}{name}/"),
            Kind::Link => writeln!(out, "{indent}{name}  (link)"),
            Kind::Special => writeln!(out, "{indent}{name}  (FIFO, socket or device)"),
        };
    }
    if listing.entries.is_empty() {
        out.push_str("(nothing that is not ignored)\n");
    }
    if listing.truncated {
        let _ = writeln!(out, "[only the first {ENTRIES_MAX}; list a folder in it, or a smaller depth]");
    }
    if listing.stopped {
        out.push_str("[not complete: it took too long or was interrupted; list a folder in it]\n");
    }
    out
}
