//! Conflicts of a revert as people and clients are told them: which lines, whose, what can be done. Not here: finding them.
use std::ops::Range;

use tenon_protocol::change::{Conflict, ConflictKind};
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::ids::ChangeId;

use crate::base::causes;
use crate::base::digest::Digest;
use crate::changes::apply::{self, ApplyError, Found};
use crate::changes::revert::Blocked;
use crate::journal::BlobError;
use crate::projections::history::WirePath;
use crate::session::prefix::reference;

/// Places of a file that are named in a sentence.
const PLACES_MAX: usize = 3;

/// Makes what clients are told of a file that something stands in the way of.
pub(super) fn conflict(
    name: &WirePath,
    blocked: &Blocked,
    later: Vec<ChangeId>,
    unsaved_in: Option<&str>,
) -> Conflict {
    let reference = |digest: Option<Digest>| digest.map(reference);
    Conflict {
        path: name.0.clone(),
        kind: blocked.kind,
        // Lines that can be kept on both sides are kept without a question, but for those that may be somebody else's.
        mergeable: blocked.kind == ConflictKind::Uncertain,
        text: text(&name.0, blocked, &later, unsaved_in.unwrap_or("an editor")),
        hunk: blocked.hunk,
        base: reference(blocked.base),
        ours: reference(blocked.ours),
        theirs: reference(blocked.theirs),
        changes: (!later.is_empty()).then_some(later),
        path_encoded: name.1.then_some(true),
    }
}

fn text(path: &str, blocked: &Blocked, later: &[ChangeId], editor: &str) -> String {
    let whose = whose(blocked, later);
    match blocked.kind {
        ConflictKind::Edited if blocked.ours.is_none() => {
            format!("{path} was made by the agent and edited since by {whose}: it is not deleted")
        }
        ConflictKind::Edited if blocked.lines.is_empty() => format!("{path} was edited since by {whose}"),
        ConflictKind::Unheard(_) => format!("{path} was edited since by {whose}"),
        ConflictKind::Edited => format!("{path}: {} edited since by {whose}", places(&blocked.lines)),
        ConflictKind::Deleted => format!("{path} was deleted since by {whose}"),
        ConflictKind::Created => {
            format!("{path} was deleted by the agent and made anew since by {whose}")
        }
        ConflictKind::Type => format!("{path} is no regular file any more"),
        ConflictKind::Dirty => format!("{path} has changes in {editor} that are not saved"),
        ConflictKind::Uncertain => {
            format!("{path} was changed while a command ran: by it or by somebody else, which cannot be told")
        }
    }
}

fn whose(blocked: &Blocked, later: &[ChangeId]) -> String {
    let ids: Vec<&str> = later.iter().map(ChangeId::as_str).collect();
    let noun = if ids.len() == 1 { "a later change" } else { "later changes" };
    match (ids.is_empty(), blocked.is_others) {
        (true, _) => "somebody else".to_owned(),
        (false, true) => format!("{noun} of this session ({}) and by somebody else", ids.join(", ")),
        (false, false) => format!("{noun} of this session ({})", ids.join(", ")),
    }
}

/// Returns the places as a subject with its verb.
fn places(lines: &[Range<u32>]) -> String {
    let place = |range: &Range<u32>| match range.end.saturating_sub(range.start) {
        0 => format!("what stood behind line {}", range.start),
        1 => format!("line {}", range.end),
        _ => format!("lines {}–{}", range.start + 1, range.end),
    };
    let named: Vec<String> = lines.iter().take(PLACES_MAX).map(place).collect();
    let more = if lines.len() > PLACES_MAX { " and more" } else { "" };
    let is_one = matches!(lines, [range] if range.len() < 2);
    format!("{}{more} {}", named.join(", "), if is_one { "was" } else { "were" })
}

/// Returns error 1202.
pub(super) fn refusal(conflicts: &[Conflict]) -> RpcError {
    let message = match conflicts {
        [one] => format!("{}; nothing was changed", one.text),
        _ => format!("{} files cannot be taken back as they are; nothing was changed", conflicts.len()),
    };
    let error = RpcError::new(ErrorKind::Conflict, message).retry(Retry::Never).with("conflicts", conflicts);
    let error = error
        .hint("`partial` takes back the rest")
        .hint("`resolve` says for each path: `keep` leaves it, `ours-after-backup` brings the earlier content and keeps the present one");
    if conflicts.iter().any(|conflict| conflict.changes.is_some()) {
        return error
            .hint("to take the later changes back too, go to the checkpoint before the first of them all");
    }
    error
}

/// Returns what is told when the disk or somebody else came between.
pub(super) fn failure(error: &ApplyError) -> RpcError {
    match error {
        ApplyError::Conflict(conflicts) => {
            let conflicts: Vec<Conflict> = conflicts.iter().map(raced).collect();
            refusal(&conflicts).retry(Retry::Now)
        }
        ApplyError::Blob(BlobError::StorageFull) => {
            RpcError::new(ErrorKind::StorageFull, "the disk is full: nothing was changed")
        }
        ApplyError::Blob(_) | ApplyError::File(_) | ApplyError::Incomplete { .. } => {
            RpcError::new(ErrorKind::Failed, causes::told(error)).retry(Retry::Now)
        }
    }
}

/// A file that was edited in the moment before it was written.
fn raced(conflict: &apply::Conflict) -> Conflict {
    let (path, encoded) = conflict.path.to_wire();
    let (kind, theirs) = match conflict.found {
        Found::Absent => (ConflictKind::Deleted, None),
        Found::Contents(digest) => (ConflictKind::Edited, Some(reference(digest))),
        Found::Link(digest) => (ConflictKind::Type, Some(reference(digest))),
        Found::Other => (ConflictKind::Type, None),
    };
    Conflict {
        text: format!("{path} was changed by somebody else at this moment"),
        path: path.into_owned(),
        kind,
        mergeable: false,
        hunk: None,
        base: None,
        ours: None,
        theirs,
        changes: None,
        path_encoded: encoded.then_some(true),
    }
}
