//! One file's new contents, prepared and written: what `write` and `edit` share. Not here: how the contents come about, and
//! the transaction (`changes::apply`).
use std::fmt::Write as _;
use std::sync::Arc;

use tenon_protocol::apply::Selected;
use tenon_protocol::change::FileChange;
use tenon_protocol::request::Subject;
use tenon_protocol::tool::{CallStatus, EffectClass, PathIntent};

use crate::base::causes;
use crate::base::digest::Digest;
use crate::changes::apply::ApplyError;
use crate::changes::blobs::BlobStore;
use crate::changes::stage::Staged;
use crate::tools::background::blocking;
use crate::tools::fingerprint::Fingerprint;
use crate::tools::limits::{EXCERPT_LINES_MAX, PATCH_BYTES_MAX};
use crate::tools::output::floor;
use crate::tools::prepared::{Access, Outcome, Prepared, StagedFiles, ToolFailure, Work};
use crate::tools::remembered::Remembered;
use crate::tools::target::{Target, failure};
use crate::tools::view::View;
use crate::tools::{Boxed, RunContext, ToolContext};
use crate::workspace::error::FileError;
use crate::workspace::path::RelPath;
use crate::workspace::read::{FILE_BYTES_MAX, FileRead};
use crate::workspace::root::Root;
use crate::workspace::text::{is_binary, page};

/// Lines before an edit that its excerpt shows.
const EXCERPT_LEAD: usize = 2;

/// A file that is to be written, as it is now.
#[derive(Debug)]
pub(super) struct Current {
    /// The file.
    pub(super) path: RelPath,
    /// What is there; `None`: nothing.
    pub(super) file: Option<FileRead>,
}

impl Current {
    /// Looks at the file a path argument names. Links are not written through: their target has to be named. Blocks.
    pub(super) fn find(view: &View, text: &str) -> Result<Self, ToolFailure> {
        let Target { path, real } = Target::find(&view.root, text)?;
        if path != real {
            return Err(ToolFailure::new(format!(
                "`{path}` is a link or lies behind one, and links are not written through; name `{real}` itself"
            )));
        }
        match view.read(&path) {
            Ok(file) => Ok(Self { path, file: Some(file) }),
            Err(FileError::NotFound(_)) => Ok(Self { path, file: None }),
            Err(error) => Err(failure(&view.root, &error)),
        }
    }
}

/// What a call would make of a file.
#[derive(Debug)]
pub(super) struct Proposed {
    /// The tool, by name.
    pub(super) tool: &'static str,
    /// The step of the plan it belongs to.
    pub(super) step: Option<String>,
    /// The file as it is.
    pub(super) current: Current,
    /// Its new contents.
    pub(super) after: Vec<u8>,
    /// What the model is told besides what was written.
    pub(super) note: Option<String>,
    /// Whether the model is shown the place, to check itself.
    pub(super) excerpt: bool,
}

/// Makes a call of a proposal. Blocks.
pub(super) fn prepare(
    context: &ToolContext,
    remembered: &Arc<Remembered>,
    proposed: Proposed,
) -> Result<Prepared, ToolFailure> {
    let Proposed { tool, step, current: Current { path, file }, after, note, excerpt } = proposed;
    let too_large = u64::try_from(after.len()).is_ok_and(|bytes| bytes > FILE_BYTES_MAX);
    if too_large {
        return Err(ToolFailure::new(format!("`{path}` would be larger than {FILE_BYTES_MAX} bytes")));
    }
    let fingerprint = Fingerprint::of(tool).with(path.as_bytes()).with_option(step.as_deref());
    let staged =
        Staged::new(path.clone(), file, after).map_err(|error| ToolFailure::new(error.to_string()))?;
    let Some(staged) = staged else { return Ok(nothing_to_do(&path, &fingerprint)) };
    let change = staged.to_wire();
    let mode = staged.edit().after.map(|version| version.mode.to_le_bytes());
    let fingerprint =
        fingerprint.with_option(change.before.clone()).with_option(change.after.clone()).with_option(mode);
    if context.staged.is_some() {
        let told = told(&staged, note, excerpt, ["staged", "staged as a new file:"]);
        let (blobs, remembered) = (Arc::clone(&context.blobs), Arc::clone(remembered));
        let access = Access::Write(vec![change.path.clone()]);
        let work = Stage { blobs, remembered, staged, change, told, step };
        return Ok(Prepared::pure(access, fingerprint.digest(), work));
    }
    Ok(Prepared {
        effect: EffectClass::File,
        access: Access::Write(vec![change.path.clone()]),
        intent: intent(&staged, &change),
        subject: Some(Subject::Edit { files: vec![change.clone()], patch: bounded(staged.patch()) }),
        digest: fingerprint.digest(),
        work: Box::new(Write {
            root: Arc::clone(&context.root),
            blobs: Arc::clone(&context.blobs),
            remembered: Arc::clone(remembered),
            told: told(&staged, note, excerpt, ["wrote", "created"]),
            staged,
            change,
        }),
    })
}

/// A call that would change nothing: it is no failure, and nobody need be asked.
fn nothing_to_do(path: &RelPath, fingerprint: &Fingerprint) -> Prepared {
    Prepared::pure(
        Access::Nothing,
        fingerprint.digest(),
        Unchanged(format!("`{path}` has exactly this content already; nothing was written")),
    )
}

fn bounded(mut patch: String) -> String {
    if patch.len() > PATCH_BYTES_MAX {
        patch.truncate(floor(&patch, PATCH_BYTES_MAX));
        patch.push_str("\n# the patch goes on; it is too long to show\n");
    }
    patch
}

/// Says what was done: `verbs` are those for a file that was there, and for a new one.
fn told(staged: &Staged, note: Option<String>, excerpt: bool, verbs: [&str; 2]) -> String {
    let (edit, found, after) = (staged.edit(), staged.diff(), staged.after());
    let what = if edit.before.is_some() { verbs[0] } else { verbs[1] };
    let mut text = if found.binary {
        format!("{what} {}: {} bytes", edit.path, after.len())
    } else {
        format!("{what} {}: {} lines added, {} removed", edit.path, found.added, found.removed)
    };
    if let Some(note) = note {
        // Writing to a String cannot fail.
        let _ = write!(text, " ({note})");
    }
    text.push('\n');
    if let Some(hunk) = found.hunks.iter().find(|hunk| hunk.number > 0)
        && excerpt
        && !is_binary(after)
    {
        let line = |line: u32| usize::try_from(line).unwrap_or(usize::MAX);
        let lead = EXCERPT_LEAD.min(line(hunk.after.start));
        let first = line(hunk.after.start) - lead + 1;
        let lines = (line(hunk.after.end) + 1 + EXCERPT_LEAD - first).min(EXCERPT_LINES_MAX);
        text.push_str(&page(&String::from_utf8_lossy(after), first, lines).text);
    }
    text
}

/// A call that has nothing to do but to say so.
#[derive(Debug)]
struct Unchanged(String);

impl Work for Unchanged {
    fn run(self: Box<Self>, _: RunContext) -> Boxed<'static, Outcome> {
        Box::pin(std::future::ready(Outcome::ok(self.0)))
    }
}

/// Writes one file.
#[derive(Debug)]
struct Write {
    root: Arc<Root>,
    blobs: Arc<dyn BlobStore>,
    remembered: Arc<Remembered>,
    staged: Staged,
    change: FileChange,
    told: String,
}

impl Work for Write {
    fn run(self: Box<Self>, context: RunContext) -> Boxed<'static, Outcome> {
        Box::pin(async move {
            if context.cancel.is_cancelled() {
                return Outcome::text(CallStatus::Interrupted, "interrupted before anything was written");
            }
            // From here on it is not interrupted: it takes milliseconds, and half a change is worse than a late end.
            blocking(move || self.write()).await.unwrap_or_else(|failure| Outcome::failed(failure.0))
        })
    }

    fn only(
        mut self: Box<Self>,
        select: &[Selected],
    ) -> Result<(Box<dyn Work>, Vec<PathIntent>), ToolFailure> {
        let Some(chosen) = select.iter().find(|one| one.path == self.change.path) else {
            return Err(ToolFailure::new("nothing of it was allowed"));
        };
        let all = || self.change.hunks.iter().map(|hunk| hunk.n).collect();
        let hunks = &chosen.hunks.clone().unwrap_or_else(all);
        let staged = self.staged.only(hunks).map_err(|error| ToolFailure::new(error.to_string()))?;
        self.staged = staged.ok_or_else(|| ToolFailure::new("what was allowed of it changes nothing"))?;
        self.told = format!(
            "The person allowed a part of this edit. This was written to `{}`, and nothing else:\n{}",
            self.change.path,
            bounded(self.staged.patch())
        );
        self.change = self.staged.to_wire();
        let intent = intent(&self.staged, &self.change);
        Ok((self, intent))
    }
}

/// Returns what an edit writes, before and after.
fn intent(staged: &Staged, change: &FileChange) -> Vec<PathIntent> {
    vec![PathIntent {
        path: change.path.clone(),
        before: change.before.clone(),
        after: change.after.clone(),
        before_mode: staged.edit().before.map(|before| before.mode),
        after_mode: staged.edit().after.map(|after| after.mode),
    }]
}

impl Write {
    fn write(self) -> Outcome {
        match self.staged.apply(&self.root, &*self.blobs) {
            Ok(applied) => {
                let digest = Digest::of(self.staged.after());
                self.remembered.put(digest, self.staged.after());
                let mut outcome = Outcome::ok(self.told);
                outcome.reads = vec![(self.change.path.clone(), digest)];
                outcome.files = vec![self.change];
                outcome.folders = applied.folders();
                outcome
            }
            Err(ApplyError::Conflict(_)) => Outcome::failed(format!(
                "`{}` was changed by somebody else at this moment; nothing was written. Read it again, then repeat the change",
                self.change.path
            )),
            Err(error) => Outcome::failed(causes::told(&error)),
        }
    }
}

/// Stages one file: its contents are kept, and nothing else happens.
#[derive(Debug)]
struct Stage {
    blobs: Arc<dyn BlobStore>,
    remembered: Arc<Remembered>,
    staged: Staged,
    change: FileChange,
    told: String,
    step: Option<String>,
}

impl Work for Stage {
    fn run(self: Box<Self>, _: RunContext) -> Boxed<'static, Outcome> {
        Box::pin(async move {
            blocking(move || self.stage()).await.unwrap_or_else(|failure| Outcome::failed(failure.0))
        })
    }
}

impl Stage {
    fn stage(self) -> Outcome {
        if let Err(error) = self.staged.store(&*self.blobs) {
            return Outcome::failed(causes::told(&error));
        }
        let digest = Digest::of(self.staged.after());
        self.remembered.put(digest, self.staged.after());
        let mut outcome = Outcome::ok(self.told);
        outcome.reads = vec![(self.change.path.clone(), digest)];
        outcome.staged = Some(StagedFiles { files: vec![self.change], step: self.step });
        outcome
    }
}
