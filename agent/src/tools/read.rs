//! The tool `read`: pages of files, images, and of outputs that were cut. Not here: folders (`list`).
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tenon_protocol::content::Content;
use tenon_protocol::tool::ToolKind;

use crate::base::base64;
use crate::base::digest::Digest;
use crate::changes::blobs::BlobStore;
use crate::tools::arguments::{count, parse, title};
use crate::tools::background::{Look, blocking};
use crate::tools::fingerprint::Fingerprint;
use crate::tools::image::mime_of;
use crate::tools::limits::{IMAGE_BYTES_MAX, OUTPUT_LINES_MAX, SEARCH_TIMEOUT};
use crate::tools::output::REFERENCE;
use crate::tools::prepared::{Access, Outcome, Prepared, ToolFailure};
use crate::tools::remembered::Remembered;
use crate::tools::target::{Target, failure, wire};
use crate::tools::view::View;
use crate::tools::{Boxed, Descriptor, Tool, ToolContext};
use crate::workspace::text::{Page, is_binary, page};

/// Reads.
#[derive(Debug)]
pub(super) struct Read {
    /// Learns what the model has seen.
    remembered: Arc<Remembered>,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    #[serde(alias = "file_path", alias = "file")]
    path: String,
    #[serde(default, deserialize_with = "count")]
    offset: Option<usize>,
    #[serde(default, deserialize_with = "count")]
    limit: Option<usize>,
}

/// Which lines are asked for.
#[derive(Clone, Copy, Debug)]
struct Lines {
    offset: usize,
    limit: usize,
}

impl Read {
    pub(super) fn new(remembered: Arc<Remembered>) -> Self {
        Self { remembered }
    }
}

impl Tool for Read {
    fn descriptor(&self) -> Descriptor {
        Descriptor {
            name: "read",
            kind: ToolKind::Read,
            description: "Read a file: text with line numbers (number, tab, line), at most 2000 lines or 50 KiB a call, or an \
                          image. Also pages a cut output by its b3: reference. Read a file before you change it.",
            parameters: json!({
                "type": "object",
                "properties": {
                    "path": {"type": "string", "description": "relative to the workspace, or b3:…"},
                    "offset": {"type": "integer", "description": "first line, from 1"},
                    "limit": {"type": "integer", "description": "how many lines"}
                },
                "required": ["path"]
            }),
        }
    }

    fn title(&self, arguments: &Value) -> String {
        title("read", arguments.get("path"))
    }

    fn prepare<'a>(
        &'a self,
        context: &'a ToolContext,
        arguments: &'a Value,
    ) -> Boxed<'a, Result<Prepared, ToolFailure>> {
        Box::pin(async move {
            let Arguments { path, offset, limit } = parse("read", "path, offset?, limit?", arguments)?;
            let lines =
                Lines { offset: offset.unwrap_or(1), limit: limit.unwrap_or(OUTPUT_LINES_MAX).max(1) };
            let fingerprint = Fingerprint::of("read").with_number(lines.offset).with_number(lines.limit);
            if let Some(digest) = path.strip_prefix(REFERENCE) {
                let digest: Digest = digest
                    .parse()
                    .map_err(|error| ToolFailure::new(format!("`{path}` is no reference: {error}")))?;
                let blobs = Arc::clone(&context.blobs);
                let work = Look::within(SEARCH_TIMEOUT, move |_| outcome(stored(&*blobs, digest, lines)));
                return Ok(Prepared::pure(
                    Access::Nothing,
                    fingerprint.with(digest.to_string()).digest(),
                    work,
                ));
            }
            let root = Arc::clone(&context.root);
            let target = blocking(move || Target::find(&root, &path)).await??;
            let fingerprint = fingerprint.with(target.real.as_bytes());
            let access = Access::Read(target.names());
            let (view, remembered) = (View::of(context), Arc::clone(&self.remembered));
            // A plan is made on what is saved: that is what it will be applied to.
            let unsaved = context.unsaved.0.get(&target.real).filter(|_| !view.is_plan());
            let unsaved = unsaved.and_then(|file| file.text.clone());
            let work = Look::within(SEARCH_TIMEOUT, move |_| match unsaved {
                Some(text) => buffer(&text, &target, lines, &remembered),
                None => outcome(file(&view, &target, lines, &remembered)),
            });
            Ok(Prepared::pure(access, fingerprint.digest(), work))
        })
    }
}

fn outcome(result: Result<Outcome, ToolFailure>) -> Outcome {
    result.unwrap_or_else(|failure| Outcome::failed(failure.0))
}

/// Shows what an editor has, in place of the disk. Once it is saved, it is what the model has seen.
fn buffer(text: &str, target: &Target, lines: Lines, remembered: &Remembered) -> Outcome {
    let digest = Digest::of(text.as_bytes());
    let mut shown = paged(text, lines, "file");
    shown.push_str("[as an editor has it; this is not saved, and the file on disk differs]\n");
    remembered.put(digest, text.as_bytes());
    let mut outcome = Outcome::ok(shown);
    outcome.reads = vec![(wire(&target.real), digest)];
    if target.path != target.real {
        outcome.reads.push((wire(&target.path), digest));
    }
    outcome
}

fn stored(blobs: &dyn BlobStore, digest: Digest, lines: Lines) -> Result<Outcome, ToolFailure> {
    let bytes = blobs.get(digest).map_err(|_| {
        ToolFailure::new(format!("nothing is kept under {REFERENCE}{digest}; it may have been removed since"))
    })?;
    Ok(Outcome::ok(paged(&String::from_utf8_lossy(&bytes), lines, "output")))
}

fn file(view: &View, target: &Target, lines: Lines, remembered: &Remembered) -> Result<Outcome, ToolFailure> {
    // The name that was decided on, so that a link that was swapped since leads nowhere new.
    let found = view.read(&target.real).map_err(|error| failure(&view.root, &error))?;
    let name = &target.path;
    let mut outcome = if let Some(mime) = mime_of(&found.bytes) {
        if found.bytes.len() > IMAGE_BYTES_MAX {
            return Err(ToolFailure::new(format!(
                "`{name}` is an image of {} bytes; the limit is {IMAGE_BYTES_MAX}. Make a smaller copy with a command",
                found.bytes.len()
            )));
        }
        let data = Some(base64::encode(&found.bytes));
        let mut outcome = Outcome::ok(format!("{name}: {mime}, {} bytes", found.bytes.len()));
        outcome.content.push(Content::Image { mime: mime.to_owned(), data, reference: None });
        outcome
    } else if is_binary(&found.bytes) {
        return Err(ToolFailure::new(format!(
            "`{name}` is a binary file of {} bytes; look into it with a command such as file, xxd or strings",
            found.bytes.len()
        )));
    } else {
        let text = String::from_utf8_lossy(&found.bytes);
        let is_replaced = matches!(text, std::borrow::Cow::Owned(_));
        let mut shown = paged(text.trim_start_matches('\u{feff}'), lines, "file");
        if is_replaced {
            shown.push_str("[not UTF-8: other bytes are shown as \u{fffd}]\n");
        }
        Outcome::ok(shown)
    };
    remembered.put(found.digest, &found.bytes);
    outcome.reads = vec![(wire(&target.real), found.digest)];
    if target.path != target.real {
        outcome.reads.push((wire(&target.path), found.digest));
    }
    Ok(outcome)
}

/// Returns a page and, if it is not all, a line that says so.
fn paged(text: &str, lines: Lines, what: &str) -> String {
    let Page { text: mut shown, first, last, lines: total, next, cut } =
        page(text, lines.offset, lines.limit);
    if total == 0 {
        return format!("(the {what} is empty)\n");
    }
    if last < first {
        return format!("(the {what} has {total} lines, none from line {} on)\n", lines.offset);
    }
    if cut > 0 {
        // Writing to a String cannot fail.
        let _ = writeln!(shown, "[{cut} long lines are cut at …]");
    }
    if let Some(next) = next {
        let _ = writeln!(shown, "[lines {first}-{last} of {total}; go on with offset {next}]");
    }
    shown
}
