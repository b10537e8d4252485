//! The tool `grep`: lines by content. Not here: the search itself (`workspace::grep`).
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tenon_protocol::tool::ToolKind;

use crate::tools::arguments::{count, flag, parse, title};
use crate::tools::background::{Look, blocking};
use crate::tools::fingerprint::Fingerprint;
use crate::tools::limits::{CONTEXT_LINES_MAX, MATCHES_MAX, OUTPUT_BYTES_MAX, SEARCH_TIMEOUT};
use crate::tools::output::floor;
use crate::tools::prepared::{Access, Outcome, Prepared, ToolFailure};
use crate::tools::target::{Target, failure};
use crate::tools::view::View;
use crate::tools::{Boxed, Descriptor, Tool, ToolContext};
use crate::workspace::grep::{GrepError, GrepMatch, GrepOptions, GrepReport};
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// The longest line of context, in bytes; a matching line is cut by the search.
const LINE_BYTES_MAX: usize = 300;

/// Searches.
#[derive(Debug)]
pub(super) struct Grep;

#[derive(Debug, Deserialize)]
struct Arguments {
    #[serde(alias = "query", alias = "regex")]
    pattern: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default, alias = "include")]
    glob: Option<String>,
    #[serde(default, deserialize_with = "flag", alias = "-i")]
    ignore_case: bool,
    #[serde(default, deserialize_with = "flag")]
    literal: bool,
    #[serde(default, deserialize_with = "count", alias = "-C")]
    context: Option<usize>,
}

impl Tool for Grep {
    fn descriptor(&self) -> Descriptor {
        Descriptor {
            name: "grep",
            kind: ToolKind::Search,
            description: "Search file contents line by line with a regular expression (Rust syntax). Ignored and binary files \
                          are left out.",
            parameters: json!({
                "type": "object",
                "properties": {
                    "pattern": {"type": "string"},
                    "path": {"type": "string", "description": "folder or file; the workspace by default"},
                    "glob": {"type": "string", "description": "only these files, e.g. *.ts"},
                    "ignore_case": {"type": "boolean"},
                    "literal": {"type": "boolean", "description": "pattern is plain text"},
                    "context": {"type": "integer", "description": "lines around each match"}
                },
                "required": ["pattern"]
            }),
        }
    }

    fn title(&self, arguments: &Value) -> String {
        title("search", arguments.get("pattern"))
    }

    fn prepare<'a>(
        &'a self,
        context: &'a ToolContext,
        arguments: &'a Value,
    ) -> Boxed<'a, Result<Prepared, ToolFailure>> {
        Box::pin(async move {
            let usage = "pattern, path?, glob?, ignore_case?, literal?, context?";
            let arguments: Arguments = parse("grep", usage, arguments)?;
            if arguments.pattern.is_empty() {
                return Err(ToolFailure::new("argument `pattern` is empty"));
            }
            let path = arguments.path.filter(|path| !path.is_empty()).unwrap_or_else(|| ".".to_owned());
            let root = Arc::clone(&context.root);
            let target = blocking(move || Target::find(&root, &path)).await??;
            let around = arguments.context.unwrap_or(0).min(CONTEXT_LINES_MAX);
            let pattern = arguments.pattern;
            let options = GrepOptions {
                path: target.real.clone(),
                glob: arguments.glob.filter(|glob| !glob.is_empty()),
                ignore_case: arguments.ignore_case,
                literal: arguments.literal,
                matches_max: MATCHES_MAX,
            };
            let digest = Fingerprint::of("grep")
                .with(&pattern)
                .with(target.real.as_bytes())
                .with_option(options.glob.as_deref())
                .with([u8::from(options.ignore_case), u8::from(options.literal)])
                .with_number(around)
                .digest();
            let (view, sight) = (View::of(context), context.sight.clone());
            let work = Look::within(SEARCH_TIMEOUT, move |stop| match view.grep(&pattern, &options, stop) {
                Ok(mut report) => {
                    report.matches.retain(|found| sight.shows(&found.path));
                    Outcome::ok(shown(&view, &report, around))
                }
                Err(error) => Outcome::failed(refused(&view.root, &error, &options)),
            });
            Ok(Prepared::pure(Access::Read(target.names()), digest, work))
        })
    }
}

fn refused(root: &Root, error: &GrepError, options: &GrepOptions) -> String {
    match error {
        GrepError::Pattern(_) if !options.literal => {
            format!("{error}. To search for exactly this text set literal")
        }
        GrepError::Pattern(_) => error.to_string(),
        GrepError::Glob(source) => format!("argument `glob` is wrong: {source}"),
        GrepError::File(error) => failure(root, error).0,
    }
}

fn shown(view: &View, report: &GrepReport, around: usize) -> String {
    let mut out = String::new();
    let mut files: BTreeMap<&RelPath, Vec<&GrepMatch>> = BTreeMap::new();
    for found in &report.matches {
        files.entry(&found.path).or_default().push(found);
    }
    let mut is_cut = false;
    for (path, matches) in files {
        // The room of a page, less what the last file may add and the notes need.
        if out.len() > OUTPUT_BYTES_MAX * 9 / 10 {
            is_cut = true;
            break;
        }
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{path}");
        let block = if around == 0 { plain(&matches) } else { with_context(view, path, &matches, around) };
        let room = OUTPUT_BYTES_MAX.saturating_sub(out.len());
        is_cut |= block.len() > room;
        out.push_str(&block[..floor(&block, room)]);
    }
    if report.matches.is_empty() {
        out.push_str("no match\n");
    }
    if report.truncated || is_cut {
        out.push_str("\n[there are more matches; narrow the pattern, or name a path or a glob]\n");
    }
    if report.stopped {
        out.push_str("[not complete: it took too long or was interrupted; name a path or a glob]\n");
    }
    out
}

fn plain(matches: &[&GrepMatch]) -> String {
    let mut out = String::new();
    for found in matches {
        let _ = writeln!(out, "{:>6}: {}", found.line, found.text);
    }
    out
}

/// Shows matches (`:`) with the lines around them (`-`); `--` stands between places that do not touch.
fn with_context(view: &View, path: &RelPath, matches: &[&GrepMatch], around: usize) -> String {
    let Ok(file) = view.read(path) else { return plain(matches) };
    let text = String::from_utf8_lossy(&file.bytes);
    let lines: Vec<&str> = text.lines().collect();
    let mut hits = BTreeMap::new();
    let mut wanted = BTreeSet::new();
    for found in matches {
        let line = usize::try_from(found.line).unwrap_or(usize::MAX);
        hits.insert(line, found.text.as_str());
        wanted.extend(line.saturating_sub(around).max(1)..=line.saturating_add(around).min(lines.len()));
        wanted.insert(line);
    }
    let mut out = String::new();
    let mut last = None;
    for line in wanted {
        if last.is_some_and(|last| last + 1 < line) {
            out.push_str("    --\n");
        }
        last = Some(line);
        let _ = match (hits.get(&line), lines.get(line.saturating_sub(1))) {
            (Some(text), _) => writeln!(out, "{line:>6}: {text}"),
            (None, Some(text)) => writeln!(out, "{line:>6}- {}", &text[..floor(text, LINE_BYTES_MAX)]),
            (None, None) => Ok(()),
        };
    }
    out
}
