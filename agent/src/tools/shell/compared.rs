//! What a command wrote where no layer caught it: compared, and told as its change. What is protected is there already; it is put
//! back, and asked about. Not here: the comparison (`changes::capture`), and layers (`caught`).
use std::fmt::Write as _;
use std::sync::Arc;

use tenon_protocol::change::{Conflict, FileChange};

use crate::base::causes;
use crate::changes::apply::{Applied, ApplyError, apply, remove_empty};
use crate::changes::blobs::BlobStore;
use crate::changes::capture::{Before, CapturedFile, Committed, compare, in_the_way, uncovered};
use crate::changes::change::{ChangeSet, FileEdit};
use crate::sandbox::Needs;
use crate::tools::RunContext;
use crate::tools::background::blocking;
use crate::tools::context::Unsaved;
use crate::tools::prepared::ToolFailure;
use crate::tools::shell::caught::Caught;
use crate::tools::shell::told::told;
use crate::tools::shell::verdict::Verdict;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;

/// Bytes of contents that are kept in memory while a command runs, so that what it changes can be undone.
const ROOM_BYTES: u64 = 16 << 20;

/// Protected names in what the model is told; the rest is counted.
const NAMES_MAX: usize = 10;

/// What is needed to compare.
#[derive(Debug)]
pub(super) struct Compared {
    root: Arc<Root>,
    blobs: Arc<dyn BlobStore>,
    unsaved: Unsaved,
    before: Before,
}

impl Compared {
    /// Looks at the workspace before a command. Blocks.
    pub(super) fn look(
        root: Arc<Root>,
        blobs: Arc<dyn BlobStore>,
        unsaved: Unsaved,
        wanted: &[RelPath],
        since_ns: Option<i128>,
    ) -> Self {
        let before = Before::look(&root, wanted, ROOM_BYTES, since_ns);
        Self { root, blobs, unsaved, before }
    }

    /// Tells what the command did. What is protected is put back before anybody is asked about it, and written again if it is
    /// allowed.
    pub(super) async fn settle(self, context: &RunContext, needs: &Needs) -> Caught {
        let Self { root, blobs, unsaved, before } = self;
        let place = Place { root: Arc::clone(&root), blobs: Arc::clone(&blobs) };
        let compared = blocking(move || {
            compare(&root, &before, &*blobs, &|path| unsaved.0.contains_key(path), None)
                .map_err(|error| ToolFailure::new(causes::told(&error)))
        });
        match compared.await.flatten() {
            Ok(committed) => place.judged(committed, context, needs).await,
            Err(failure) => Caught {
                note: format!("[what the command changed could not be found out: {failure}]"),
                committed: Committed {
                    uncovered: vec![uncovered(
                        &RelPath::root(),
                        &format!("what the command changed is not known: {failure}"),
                    )],
                    ..Committed::default()
                },
                ..Caught::default()
            },
        }
    }
}

/// Where files are put back and written again.
#[derive(Clone, Debug)]
struct Place {
    root: Arc<Root>,
    blobs: Arc<dyn BlobStore>,
}

impl Place {
    /// Asks about what the policy does not let a command write.
    async fn judged(self, mut committed: Committed, context: &RunContext, needs: &Needs) -> Caught {
        let Some(judge) = context.written.judge().await else {
            return Caught { committed, ..Caught::default() };
        };
        let files: Vec<CapturedFile> = committed.files.iter().filter_map(captured).collect();
        let mut verdict = Verdict::of(files.iter().map(|file| &file.edit.path), &judge, needs);
        let held: Vec<CapturedFile> =
            files.into_iter().filter(|file| verdict.reason(&file.edit.path).is_some()).collect();
        if held.is_empty() {
            return Caught { committed, ..Caught::default() };
        }
        let (place, folders) = (self.clone(), committed.folders.clone());
        let Ok(Back { files: back, stuck, folders }) = blocking(move || place.put_back(held, folders)).await
        else {
            return Caught { committed, ..Caught::default() };
        };
        committed.folders = folders;
        let is_back = |path: &RelPath| back.iter().any(|file| file.edit.path == *path);
        committed.files.retain(|file| path_of(file).is_none_or(|path| !is_back(&path)));
        let mut note = String::new();
        for (path, error) in stuck.iter().take(NAMES_MAX) {
            let reason = verdict.reason(path).unwrap_or_default();
            // Writing to a String cannot fail.
            let _ = writeln!(
                note,
                "[{path} is written, and nobody was asked: {reason}. It could not be put back: {error}. Tell the person]"
            );
        }
        verdict.forget(&stuck.into_iter().map(|(path, _)| path).collect::<Vec<_>>());
        let mut begun = None;
        if verdict.is_open() {
            let blobs = Arc::clone(&self.blobs);
            let question = blocking(move || (verdict.question(&back, &*blobs), verdict, back)).await;
            let Ok((question, asked, back)) = question else {
                return Caught { committed, ..Caught::default() };
            };
            verdict = asked;
            if verdict.close(context.written.ask(question).await) {
                let again: Vec<CapturedFile> =
                    back.into_iter().filter(|file| verdict.reason(&file.edit.path).is_none()).collect();
                let files = committed.files.iter().chain(again.iter().map(|file| &file.wire)).cloned();
                begun = context.written.begin(files.collect()).await;
                let Ok(Written { files, folders, conflicts }) =
                    blocking(move || self.write_again(again)).await
                else {
                    return Caught { begun, committed, ..Caught::default() };
                };
                committed.files.extend(files);
                committed.folders.extend(folders);
                committed.conflicts.extend(conflicts);
            }
        }
        note.push_str(&told(&committed, &verdict.refused));
        Caught { begun, committed, note: note.trim_end().to_owned(), ..Caught::default() }
    }

    /// Puts files back to what they were, each for itself: one that somebody writes at this moment stays. Blocks.
    fn put_back(&self, held: Vec<CapturedFile>, folders: Vec<RelPath>) -> Back {
        let (mut back, mut stuck) = (Vec::new(), Vec::new());
        for file in held {
            let (before, after) = (file.edit.after, file.edit.before);
            match self.write(FileEdit { before, after, ..file.edit.clone() }) {
                Ok(_) => back.push(file),
                Err(error) => stuck.push((file.edit.path, causes::told(&error))),
            }
        }
        let is_for =
            |folder: &RelPath, file: &CapturedFile| file.edit.path.as_path().starts_with(folder.as_path());
        let theirs = folders.iter().filter(|folder| back.iter().any(|file| is_for(folder, file)));
        remove_empty(&self.root, &theirs.cloned().collect::<Vec<_>>());
        let is_there = |folder: &RelPath| self.root.stat(folder).is_ok_and(|stat| stat.is_some());
        Back { files: back, stuck, folders: folders.into_iter().filter(is_there).collect() }
    }

    /// Writes files again that were put back. Blocks.
    fn write_again(&self, files: Vec<CapturedFile>) -> Written {
        let mut written = Written::default();
        for file in files {
            match self.write(file.edit.clone()) {
                Ok(applied) => {
                    written.folders.extend(applied.created);
                    written.files.push(file.wire);
                }
                Err(error) => {
                    tracing::warn!(path = %file.edit.path, error = %causes::told(&error), "not written again");
                    written.conflicts.push(in_the_way(&self.root, &file.edit));
                }
            }
        }
        written
    }

    fn write(&self, edit: FileEdit) -> Result<Applied, ApplyError> {
        match ChangeSet::new(vec![edit]) {
            Ok(change) => apply(&self.root, &change, &*self.blobs),
            // One edit is always a change.
            Err(_) => Ok(Applied::default()),
        }
    }
}

/// What was put back.
struct Back {
    files: Vec<CapturedFile>,
    /// What was not, and why.
    stuck: Vec<(RelPath, String)>,
    /// The folders that the command made and that are still there.
    folders: Vec<RelPath>,
}

/// What was written again.
#[derive(Default)]
struct Written {
    files: Vec<FileChange>,
    folders: Vec<RelPath>,
    conflicts: Vec<Conflict>,
}

fn path_of(file: &FileChange) -> Option<RelPath> {
    RelPath::from_wire(&file.path, file.path_encoded == Some(true)).ok()
}

fn captured(wire: &FileChange) -> Option<CapturedFile> {
    let edit = FileEdit::from_wire(wire)?;
    Some(CapturedFile { edit, wire: wire.clone(), modified_ns: None })
}
