//! What the model is told of files that a command wrote, below the command's output. Not here: what happened to them.
use std::fmt::Write as _;

use tenon_protocol::change::Conflict;

use crate::changes::capture::Committed;
use crate::workspace::path::RelPath;

/// Names in one sentence; the rest is counted.
const NAMES_MAX: usize = 10;

/// Says what did not go as the command meant it; nothing where all did.
pub(super) fn told(committed: &Committed, refused: &[(RelPath, String)]) -> String {
    let mut note = String::new();
    // Writing to a String cannot fail.
    for (path, reason) in refused.iter().take(NAMES_MAX) {
        let _ = writeln!(note, "[{path} was not written: {reason}]");
    }
    if let Some(more) = refused.len().checked_sub(NAMES_MAX).filter(|more| *more > 0) {
        let _ = writeln!(note, "[and {more} more files were not written]");
    }
    for conflict in committed.conflicts.iter().take(NAMES_MAX) {
        let _ = writeln!(note, "[{}]", sentence(conflict));
    }
    if let Some(more) = committed.conflicts.len().checked_sub(NAMES_MAX).filter(|more| *more > 0) {
        let _ = writeln!(note, "[and {more} more files were changed by somebody else]");
    }
    note.truncate(note.trim_end().len());
    note
}

fn sentence(conflict: &Conflict) -> String {
    format!("conflict: {}. Read it again before you change it", conflict.text)
}
