//! What a command wrote where no layer caught it: compared, and told as its change. Not here: the comparison
//! (`changes::capture`), and layers (`caught`).
use std::fmt::Write as _;
use std::sync::Arc;

use crate::base::causes;
use crate::changes::blobs::BlobStore;
use crate::changes::capture::{Before, Committed, compare, uncovered};
use crate::tools::RunContext;
use crate::tools::background::blocking;
use crate::tools::context::{Judgement, Unsaved};
use crate::tools::prepared::ToolFailure;
use crate::tools::shell::caught::Caught;
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

    /// Tells what the command did. Nothing of it can be withheld any more: what is protected is named.
    pub(super) async fn settle(self, context: &RunContext) -> Caught {
        let Self { root, blobs, unsaved, before } = self;
        let compared = blocking(move || {
            compare(&root, &before, &*blobs, &|path| unsaved.0.contains_key(path), None)
                .map_err(|error| ToolFailure::new(causes::told(&error)))
        });
        match compared.await.flatten() {
            Ok(committed) => {
                let note = protected(&committed, context).await;
                Caught { committed, note, ..Caught::default() }
            }
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

/// Names what the policy would have withheld.
async fn protected(committed: &Committed, context: &RunContext) -> String {
    let Some(judge) = context.written.judge().await else { return String::new() };
    let mut note = String::new();
    let mut more = 0_usize;
    for file in &committed.files {
        let Ok(path) = RelPath::from_wire(&file.path, file.path_encoded == Some(true)) else { continue };
        let (Judgement::Ask(reason) | Judgement::Refuse(reason)) = judge.judge(&path) else { continue };
        more += 1;
        if more <= NAMES_MAX {
            // Writing to a String cannot fail.
            let _ = writeln!(note, "[{path} is written, and nobody was asked: {reason}. Tell the person]");
        }
    }
    if let Some(more) = more.checked_sub(NAMES_MAX).filter(|more| *more > 0) {
        let _ = writeln!(note, "[and {more} more of that kind]");
    }
    note.truncate(note.trim_end().len());
    note
}
