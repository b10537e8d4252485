//! New contents of files, prepared and written: what `write`, `edit` and `patch` share. Not here: how the contents come about,
//! and the transaction (`changes::apply`).
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
use crate::changes::stage::{Staged, StagedSet};
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

/// What a call would make of one of several files.
#[derive(Debug)]
pub(super) struct Planned {
    /// The edit.
    staged: Staged,
    /// What the model is told besides what was written.
    note: Option<String>,
    /// Whether the model is shown the place, to check itself.
    excerpt: bool,
}

impl Planned {
    /// Makes it of an edit, if there is one, and what is to be said about it.
    pub(super) fn of(staged: Option<Staged>, notes: &[String]) -> Vec<Self> {
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        staged.map(|staged| Self { staged, note, excerpt: false }).into_iter().collect()
    }

    /// Says what was done: `verbs` are those for a file that was there, and for a new one.
    fn told(&self, verbs: [&str; 2]) -> String {
        told(&self.staged, self.note.as_deref(), self.excerpt, verbs)
    }
}

/// Makes a call of a proposal. Blocks.
pub(super) fn prepare(
    context: &ToolContext,
    remembered: &Arc<Remembered>,
    proposed: Proposed,
) -> Result<Prepared, ToolFailure> {
    let Proposed { tool, step, current: Current { path, file }, after, note, excerpt } = proposed;
    let Some(staged) = Staged::new(path.clone(), file, after) else {
        let fingerprint = Fingerprint::of(tool).with(path.as_bytes()).with_option(step.as_deref());
        return Ok(nothing_to_do(&format!("`{path}` has exactly this content already"), &fingerprint));
    };
    prepare_all(context, remembered, tool, step, vec![Planned { staged, note, excerpt }])
}

/// Makes a call of edits that are made as one. Blocks.
pub(super) fn prepare_all(
    context: &ToolContext,
    remembered: &Arc<Remembered>,
    tool: &str,
    step: Option<String>,
    planned: Vec<Planned>,
) -> Result<Prepared, ToolFailure> {
    let too_large = |staged: &Staged| {
        let bytes = staged.after().map_or(0, <[u8]>::len);
        u64::try_from(bytes).is_ok_and(|bytes| bytes > FILE_BYTES_MAX)
    };
    if let Some(large) = planned.iter().find(|planned| too_large(&planned.staged)) {
        let path = &large.staged.edit().path;
        return Err(ToolFailure::new(format!("`{path}` would be larger than {FILE_BYTES_MAX} bytes")));
    }
    let mut fingerprint = Fingerprint::of(tool);
    for Planned { staged, .. } in &planned {
        let mode = staged.edit().after.map(|version| version.mode.to_le_bytes());
        let change = staged.to_wire();
        fingerprint = fingerprint.with(staged.edit().path.as_bytes()).with_option(step.as_deref());
        fingerprint = fingerprint.with_option(change.before).with_option(change.after).with_option(mode);
    }
    if planned.is_empty() {
        return Ok(nothing_to_do("every file is so already", &fingerprint));
    }
    let verbs =
        if context.staged.is_some() { ["staged", "staged as a new file:"] } else { ["wrote", "created"] };
    let told = planned.iter().map(|planned| planned.told(verbs)).collect();
    let staged = StagedSet::new(planned.into_iter().map(|planned| planned.staged).collect())
        .map_err(|error| ToolFailure::new(error.to_string()))?;
    let files: Vec<FileChange> = staged.files().iter().map(Staged::to_wire).collect();
    let access = Access::Write(files.iter().map(|file| file.path.clone()).collect());
    let (blobs, remembered) = (Arc::clone(&context.blobs), Arc::clone(remembered));
    if context.staged.is_some() {
        let work = Stage { blobs, remembered, staged, told, step };
        return Ok(Prepared::pure(access, fingerprint.digest(), work));
    }
    Ok(Prepared {
        effect: EffectClass::File,
        access,
        intent: intent(&staged),
        subject: Some(Subject::Edit { files, patch: bounded(staged.patch()) }),
        digest: fingerprint.digest(),
        work: Box::new(Write { root: Arc::clone(&context.root), blobs, remembered, told, staged }),
    })
}

/// A call that would change nothing: it is no failure, and nobody need be asked.
fn nothing_to_do(why: &str, fingerprint: &Fingerprint) -> Prepared {
    let told = format!("{why}; nothing was written");
    Prepared::pure(Access::Nothing, fingerprint.digest(), Unchanged(told))
}

/// Cuts a patch to what a request shows.
pub(super) fn bounded(mut patch: String) -> String {
    if patch.len() > PATCH_BYTES_MAX {
        patch.truncate(floor(&patch, PATCH_BYTES_MAX));
        patch.push_str("\n# the patch goes on; it is too long to show\n");
    }
    patch
}

fn told(staged: &Staged, note: Option<&str>, excerpt: bool, verbs: [&str; 2]) -> String {
    let (edit, found) = (staged.edit(), staged.diff());
    let what = if edit.before.is_some() { verbs[0] } else { verbs[1] };
    let mut text = match staged.after() {
        None => format!("{what} {}: it is deleted", edit.path),
        Some(after) if found.binary => format!("{what} {}: {} bytes", edit.path, after.len()),
        Some(_) => format!("{what} {}: {} lines added, {} removed", edit.path, found.added, found.removed),
    };
    if let Some(note) = note {
        // Writing to a String cannot fail.
        let _ = write!(text, " ({note})");
    }
    text.push('\n');
    if let Some(hunk) = found.hunks.iter().find(|hunk| hunk.number > 0)
        && let Some(after) = staged.after().filter(|after| excerpt && !is_binary(after))
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

/// Writes the files.
#[derive(Debug)]
struct Write {
    root: Arc<Root>,
    blobs: Arc<dyn BlobStore>,
    remembered: Arc<Remembered>,
    staged: StagedSet,
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
        let chosen = |staged: &Staged| {
            let path = &staged.to_wire().path;
            let selected = select.iter().find(|one| one.path == *path)?;
            let all = || staged.diff().hunks.iter().map(|hunk| hunk.number).collect();
            staged.only(&selected.hunks.clone().unwrap_or_else(all))
        };
        let files: Vec<Staged> = self.staged.files().iter().filter_map(chosen).collect();
        if files.is_empty() {
            return Err(ToolFailure::new("what was allowed of it changes nothing"));
        }
        self.staged = StagedSet::new(files).map_err(|error| ToolFailure::new(error.to_string()))?;
        let names: Vec<String> =
            self.staged.files().iter().map(|file| format!("`{}`", file.edit().path)).collect();
        self.told = format!(
            "The person allowed a part of this edit. This was written to {}, and nothing else:\n{}",
            names.join(", "),
            bounded(self.staged.patch())
        );
        let intent = intent(&self.staged);
        Ok((self, intent))
    }
}

/// Returns what edits write, before and after.
fn intent(staged: &StagedSet) -> Vec<PathIntent> {
    let intent = staged.files().iter().map(|staged| {
        let (change, edit) = (staged.to_wire(), staged.edit());
        PathIntent {
            path: change.path,
            before: change.before,
            after: change.after,
            before_mode: edit.before.map(|before| before.mode),
            after_mode: edit.after.map(|after| after.mode),
        }
    });
    intent.collect()
}

impl Write {
    fn write(self) -> Outcome {
        match self.staged.apply(&self.root, &*self.blobs) {
            Ok(applied) => {
                let mut outcome = Outcome::ok(self.told);
                outcome.reads = seen(&self.staged, &self.remembered);
                outcome.files = self.staged.files().iter().map(Staged::to_wire).collect();
                outcome.folders = applied.folders();
                outcome
            }
            Err(ApplyError::Conflict(conflicts)) => {
                let names: Vec<String> =
                    conflicts.iter().map(|conflict| format!("`{}`", conflict.path)).collect();
                let (names, was) = (names.join(", "), if conflicts.len() > 1 { "were" } else { "was" });
                Outcome::failed(format!(
                    "{names} {was} changed by somebody else at this moment; nothing was written. Read it again, then repeat the \
                     change"
                ))
            }
            Err(error) => Outcome::failed(causes::told(&error)),
        }
    }
}

/// Remembers what the model knows now, and returns it.
fn seen(staged: &StagedSet, remembered: &Remembered) -> Vec<(String, Digest)> {
    let files = staged.files().iter().filter_map(|file| Some((file, file.after()?)));
    let seen = files.map(|(file, after)| {
        let digest = Digest::of(after);
        remembered.put(digest, after);
        (file.to_wire().path, digest)
    });
    seen.collect()
}

/// Stages files: their contents are kept, and nothing else happens.
#[derive(Debug)]
struct Stage {
    blobs: Arc<dyn BlobStore>,
    remembered: Arc<Remembered>,
    staged: StagedSet,
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
        for file in self.staged.files() {
            if let Err(error) = file.store(&*self.blobs) {
                return Outcome::failed(causes::told(&error));
            }
        }
        let mut outcome = Outcome::ok(self.told);
        outcome.reads = seen(&self.staged, &self.remembered);
        let files = self.staged.files().iter().map(Staged::to_wire).collect();
        outcome.staged = Some(StagedFiles { files, step: self.step });
        outcome
    }
}
