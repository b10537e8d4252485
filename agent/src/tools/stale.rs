//! Refusing to overwrite what the model has not seen. Not here: what it has seen (`changes::read_set`).
use crate::base::digest::Digest;
use crate::changes::diff::{Side, diff};
use crate::changes::patch::{PatchFile, patch};
use crate::changes::read_set::Seen;
use crate::tools::ToolContext;
use crate::tools::limits::DIFFERENCE_BYTES_MAX;
use crate::tools::output::floor;
use crate::tools::prepared::ToolFailure;
use crate::tools::remembered::Remembered;
use crate::workspace::path::RelPath;
use crate::workspace::read::FileRead;

/// Requires that the model has seen the file as it is. A file that is gone may be written anew: nothing is lost by that.
///
/// # Errors
/// It was never read, or it changed since; then the failure shows the difference. Blocks.
pub(super) fn require_current(
    context: &ToolContext,
    remembered: &Remembered,
    path: &RelPath,
    now: Option<&FileRead>,
) -> Result<(), ToolFailure> {
    match (context.reads.check(path, now.map(|file| file.digest)), now) {
        (Seen::New | Seen::Current, _) | (_, None) => Ok(()),
        (Seen::Unread, Some(_)) => Err(ToolFailure::new(format!(
            "`{path}` exists and was not read in this session; nothing was written. Read it first, then call this again"
        ))),
        (Seen::Stale { seen, .. }, Some(now)) => {
            let difference = difference(context, remembered, path, seen, now)
                .map_or_else(String::new, |text| format!(" What changed since you saw it:\n{text}\n"));
            Err(ToolFailure::new(format!(
                "`{path}` was changed by somebody else since you saw it; nothing was written.{difference} Read it again, then \
                 repeat the change on what is there now"
            )))
        }
    }
}

fn difference(
    context: &ToolContext,
    remembered: &Remembered,
    path: &RelPath,
    seen: Digest,
    now: &FileRead,
) -> Option<String> {
    let before = remembered.get(seen).or_else(|| context.blobs.get(seen).ok().map(Into::into))?;
    let before = Side { bytes: &before, mode: now.mode };
    let after = Side { bytes: &now.bytes, mode: now.mode };
    let found = diff(Some(before), Some(after));
    let mut text =
        patch(&[PatchFile { path, from: None, before: Some(before), after: Some(after), diff: &found }]);
    if text.len() > DIFFERENCE_BYTES_MAX {
        text.truncate(floor(&text, DIFFERENCE_BYTES_MAX));
        text.push_str("\n[… the difference goes on …]");
    }
    Some(text)
}
