//! One file of a plan: what is staged for it, hunk by hunk, and what applying some of it to the disk as it is now would write.
//! Not here: writing it (`apply`), whose hunks they are (`steps`), and plans as a whole (`session`).
//!
//! The hunks lead from the file as it was when the model began to the file as the model wants it. Their numbers are those of
//! the whole list for good: those that are applied are left out, and the others keep theirs.
use std::collections::BTreeSet;
use std::ops::Range;

use tenon_protocol::change::ConflictKind;

use crate::base::digest::Digest;
use crate::changes::apply::{Found, as_found};
use crate::changes::blobs::BlobStore;
use crate::changes::change::{FileEdit, Version};
use crate::changes::diff::{Hunk, lines};
use crate::changes::merge::{Merged, Piece, merge, moved};
use crate::journal::BlobError;
use crate::workspace::path::RelPath;
use crate::workspace::text::is_binary;

/// The number of what has no lines of its own: a mode, a binary file, a deletion, an empty file.
const WHOLE: u32 = 0;

/// What is staged for one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlanFile {
    /// The file.
    pub(crate) path: RelPath,
    /// What was there; `None`: nothing.
    pub(crate) before: Option<Version>,
    /// What shall be there; `None`: nothing.
    pub(crate) after: Option<Version>,
    /// Every hunk between the two, as it was numbered when it was staged.
    pub(crate) hunks: Vec<Hunk>,
    /// The numbers of those that are applied.
    pub(crate) applied: BTreeSet<u32>,
    /// What applying some of them left on the disk, if that was done.
    pub(crate) left: Option<Digest>,
}

/// A file as it is on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OnDisk {
    /// What was found.
    pub(crate) found: Found,
    /// Its bytes, where it is a regular file.
    pub(crate) bytes: Vec<u8>,
    /// Its permission bits.
    pub(crate) mode: u32,
}

/// What applying some hunks of a file would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fit {
    /// What would be written, with the new contents; `None` where nothing is to be written.
    pub(crate) edit: Option<(FileEdit, Option<Vec<u8>>)>,
    /// The hunks that this writes: their numbers as staged, their lines on the disk before and after.
    pub(crate) hunks: Vec<Hunk>,
    /// Hunks that are on the disk already.
    pub(crate) there: Vec<u32>,
    /// Hunks that cannot be written, and why.
    pub(crate) clashes: Vec<(u32, ConflictKind)>,
    /// Whether somebody edited other lines of the file since: both sides can be kept, if that is wished.
    pub(crate) has_moved: bool,
    /// The file that the hunks belong to: as it was staged, those applied before included.
    pub(crate) common: Option<Vec<u8>>,
    /// The file as it would be without anybody else's edits.
    pub(crate) ours: Option<Vec<u8>>,
}

/// Both ends of a staged text.
struct Ends {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl PlanFile {
    /// Returns the numbers of the hunks that are not applied.
    pub(crate) fn open(&self) -> BTreeSet<u32> {
        self.hunks.iter().map(|hunk| hunk.number).filter(|number| !self.applied.contains(number)).collect()
    }

    /// A link has no lines: it is taken whole.
    fn has_links(&self) -> bool {
        self.before.into_iter().chain(self.after).any(Version::is_link)
    }

    /// Returns what is still staged: the file with everything that is applied, the file with all, and the open hunks between
    /// the two.
    ///
    /// # Errors
    /// The contents cannot be read.
    pub(crate) fn staged(&self, blobs: &dyn BlobStore) -> Result<Rest, BlobError> {
        let get = |version: Option<Version>| version.map(|version| blobs.get(version.digest)).transpose();
        let (before, after) = (get(self.before)?, get(self.after)?);
        let modes = (self.before.map(|v| v.mode), self.after.map(|v| v.mode));
        let side = |bytes: Option<Vec<u8>>, mode: Option<u32>| bytes.zip(mode);
        let is_text = |bytes: &Option<Vec<u8>>| bytes.as_ref().is_some_and(|bytes| !is_binary(bytes));
        if !is_text(&before) || !is_text(&after) || self.has_links() {
            let hunks = if self.open().is_empty() { Vec::new() } else { self.hunks.clone() };
            return Ok(Rest { before: side(before, modes.0), after: side(after, modes.1), hunks });
        }
        let ends = Ends { before: before.unwrap_or_default(), after: after.unwrap_or_default() };
        let common = self.common(&ends);
        let open = self.open();
        let merged = merge(&common, &self.pieces(&ends, &open), &common);
        let mode = if self.applied.contains(&WHOLE) { modes.1 } else { modes.0 };
        let whole = self.hunks.iter().filter(|hunk| hunk.number == WHOLE && open.contains(&WHOLE)).cloned();
        Ok(Rest {
            before: side(Some(common), mode),
            after: side(Some(merged.bytes), modes.1),
            hunks: whole.chain(merged.placed).collect(),
        })
    }

    /// Finds out what applying the chosen hunks, all of them open, to the disk as it is would do.
    ///
    /// # Errors
    /// The contents cannot be read.
    pub(crate) fn fit(
        &self,
        chosen: &BTreeSet<u32>,
        disk: &OnDisk,
        blobs: &dyn BlobStore,
    ) -> Result<Fit, BlobError> {
        let get = |version: Option<Version>| version.map(|version| blobs.get(version.digest)).transpose();
        let (before, after) = (get(self.before)?, get(self.after)?);
        match (before, after) {
            (Some(before), Some(after)) if !is_binary(&before) && !is_binary(&after) && !self.has_links() => {
                Ok(self.fit_text(chosen, disk, &Ends { before, after }))
            }
            (before, after) => Ok(self.fit_whole(disk, before, after)),
        }
    }

    /// A file that comes, goes or is binary is taken whole.
    fn fit_whole(&self, disk: &OnDisk, before: Option<Vec<u8>>, after: Option<Vec<u8>>) -> Fit {
        let is = |version: Option<Version>| disk.found == as_found(version);
        let numbers: Vec<u32> = self.open().into_iter().collect();
        let is_after =
            is(self.after) && self.after.is_none_or(|after| after.mode == disk.mode || !is(self.before));
        if is_after {
            return Fit { there: numbers, ..Fit::default() };
        }
        if is(self.before) {
            let mode = |version: Version| Version { mode: disk.mode, ..version };
            let edit = FileEdit {
                path: self.path.clone(),
                from: None,
                before: self.before.map(mode),
                after: self.after,
            };
            return Fit { edit: Some((edit, after)), hunks: self.hunks.clone(), ..Fit::default() };
        }
        let kind = match disk.found {
            Found::Other | Found::Link(_) => ConflictKind::Type,
            Found::Absent => ConflictKind::Deleted,
            Found::Contents(_) if self.before.is_none() => ConflictKind::Created,
            Found::Contents(_) => ConflictKind::Edited,
        };
        let clashes = numbers.into_iter().map(|number| (number, kind)).collect();
        Fit { clashes, common: before, ours: after, ..Fit::default() }
    }

    fn fit_text(&self, chosen: &BTreeSet<u32>, disk: &OnDisk, ends: &Ends) -> Fit {
        let common = self.common(ends);
        let pieces = self.pieces(ends, chosen);
        let ours = merge(&common, &pieces, &common).bytes;
        let all = |kind| Fit {
            clashes: chosen.iter().map(|number| (*number, kind)).collect(),
            common: Some(common.clone()),
            ours: Some(ours.clone()),
            ..Fit::default()
        };
        let now = match disk.found {
            Found::Absent => return all(ConflictKind::Deleted),
            Found::Other | Found::Link(_) => return all(ConflictKind::Type),
            Found::Contents(_) if is_binary(&disk.bytes) => return all(ConflictKind::Edited),
            Found::Contents(digest) => digest,
        };
        let merged = merge(&common, &pieces, &disk.bytes);
        let has_moved = Digest::of(&common) != now
            && self.left != Some(now)
            && is_foreign(&merged, &self.pieces(ends, &self.open()), chosen);
        let mut fit = Fit {
            there: merged.there,
            clashes: merged.clashes.into_iter().map(|number| (number, ConflictKind::Edited)).collect(),
            has_moved,
            common: Some(common),
            ours: Some(ours),
            ..Fit::default()
        };
        let mode = match (chosen.contains(&WHOLE), self.after) {
            (true, Some(after)) if after.mode == disk.mode => {
                fit.there.insert(0, WHOLE);
                disk.mode
            }
            (true, Some(after)) => {
                fit.hunks.extend(self.hunks.iter().find(|hunk| hunk.number == WHOLE).cloned());
                after.mode
            }
            _ => disk.mode,
        };
        fit.hunks.extend(merged.placed);
        if !fit.hunks.is_empty() {
            let version = |digest, mode| Some(Version { digest, mode });
            let edit = FileEdit {
                path: self.path.clone(),
                from: None,
                before: version(now, disk.mode),
                after: version(Digest::of(&merged.bytes), mode),
            };
            fit.edit = Some((edit, Some(merged.bytes)));
        }
        fit
    }

    /// Returns the text as it was staged, with the hunks that are applied.
    fn common(&self, ends: &Ends) -> Vec<u8> {
        let after = lines(&ends.after);
        let applied =
            self.hunks.iter().filter(|hunk| hunk.number != WHOLE && self.applied.contains(&hunk.number));
        let pieces: Vec<Piece<'_>> = applied.map(|hunk| Piece::of(hunk, &after)).collect();
        merge(&ends.before, &pieces, &ends.before).bytes
    }

    /// Returns the pieces of some hunks, as they stand in the text with everything that is applied.
    fn pieces<'a>(&self, ends: &'a Ends, numbers: &BTreeSet<u32>) -> Vec<Piece<'a>> {
        let after = lines(&ends.after);
        let (mut grown, mut pieces) = (0, Vec::new());
        for hunk in self.hunks.iter().filter(|hunk| hunk.number != WHOLE) {
            if self.applied.contains(&hunk.number) {
                let length = |range: &Range<u32>| i64::from(range.end - range.start);
                grown += length(&hunk.after) - length(&hunk.before);
            } else if numbers.contains(&hunk.number) {
                let mut piece = Piece::of(hunk, &after);
                piece.old = moved(piece.old.start, grown)..moved(piece.old.end, grown);
                pieces.push(piece);
            }
        }
        pieces
    }
}

/// Tells whether somebody edited lines other than those of hunks that are not chosen: whoever edits those has decided about
/// them, and they are in nobody's way.
fn is_foreign(merged: &Merged, open: &[Piece<'_>], chosen: &BTreeSet<u32>) -> bool {
    let left: Vec<&Piece<'_>> = open.iter().filter(|piece| !chosen.contains(&piece.number)).collect();
    let holds = |own: &Range<u32>, edit: &Range<u32>| {
        // What was put in beside a hunk's lines is not within them.
        let beside = edit.is_empty() && (own.start == edit.start || own.end == edit.end);
        own == edit || (!beside && own.start <= edit.start && edit.end <= own.end)
    };
    !merged.foreign.iter().all(|edit| left.iter().any(|piece| holds(&piece.old, edit)))
}

/// What is still staged for a file: contents and mode on either side, and the hunks between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    /// What would be on the disk if nobody else edited it.
    pub(crate) before: Option<(Vec<u8>, u32)>,
    /// What would be there afterwards.
    pub(crate) after: Option<(Vec<u8>, u32)>,
    /// The hunks, with the numbers they were staged with.
    pub(crate) hunks: Vec<Hunk>,
}

#[cfg(test)]
mod tests;
