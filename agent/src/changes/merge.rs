//! Some hunks of a file put into another version of it, line by line. Not here: which hunks (`plan`), and files as a whole.
//!
//! Hunks and the edits of the other version are told apart by the lines of the common version that they replace. Two that share
//! or touch lines are in each other's way: of two insertions at one place nobody could say which comes first.
use std::ops::Range;

use crate::changes::diff::{Hunk, lines};
use crate::changes::lines::{at, changed};

/// A hunk with the lines it brings.
#[derive(Clone, Debug)]
pub(crate) struct Piece<'a> {
    /// Its number.
    pub(crate) number: u32,
    /// The lines it replaces in the common version, from 0.
    pub(crate) old: Range<u32>,
    /// What it puts there.
    pub(crate) new: Vec<&'a [u8]>,
}

impl<'a> Piece<'a> {
    /// Returns the piece that a hunk of a file stands for; `after` are the lines that the hunk leads to.
    pub(crate) fn of(hunk: &Hunk, after: &[&'a [u8]]) -> Self {
        let new = after.get(at(hunk.after.start)..at(hunk.after.end)).unwrap_or_default().to_vec();
        Self { number: hunk.number, old: hunk.before.clone(), new }
    }

    fn is(&self, other: &Piece<'_>) -> bool {
        self.old == other.old && self.new == other.new
    }

    fn touches(&self, other: &Range<u32>) -> bool {
        self.old.start <= other.end && other.start <= self.old.end
    }

    fn growth(&self) -> i64 {
        i64::try_from(self.new.len()).unwrap_or(i64::MAX) - i64::from(self.old.end - self.old.start)
    }
}

/// What came of putting pieces into another version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Merged {
    /// The other version with every piece that nothing stood in the way of.
    pub(crate) bytes: Vec<u8>,
    /// The pieces that were put in: the lines they replaced there, and those they became.
    pub(crate) placed: Vec<Hunk>,
    /// The pieces that the other version has already.
    pub(crate) there: Vec<u32>,
    /// The pieces that something stood in the way of.
    pub(crate) clashes: Vec<u32>,
    /// The lines of the common version that the other version replaced by something that is no piece of ours.
    pub(crate) foreign: Vec<Range<u32>>,
}

/// Puts pieces of `common`, in file order and apart from each other, into `theirs`.
pub(crate) fn merge(common: &[u8], pieces: &[Piece<'_>], theirs: &[u8]) -> Merged {
    let theirs_lines = lines(theirs);
    let edits: Vec<Piece<'_>> =
        changed(common, theirs).iter().map(|hunk| Piece::of(hunk, &theirs_lines)).collect();
    let mut merged = Merged {
        foreign: edits
            .iter()
            .filter(|edit| !pieces.iter().any(|piece| piece.is(edit)))
            .map(|edit| edit.old.clone())
            .collect(),
        ..Merged::default()
    };
    let (mut copied, mut grown) = (0, 0);
    for piece in pieces {
        if edits.iter().any(|edit| edit.is(piece)) {
            merged.there.push(piece.number);
            continue;
        }
        if edits.iter().any(|edit| piece.touches(&edit.old)) {
            merged.clashes.push(piece.number);
            continue;
        }
        let before = edits.iter().filter(|edit| edit.old.end < piece.old.start);
        let start = moved(piece.old.start, before.map(Piece::growth).sum());
        let end = start + (piece.old.end - piece.old.start);
        merged.bytes.extend(theirs_lines.get(copied..at(start)).unwrap_or_default().concat());
        merged.bytes.extend(piece.new.concat());
        copied = at(end);
        let after = moved(start, grown);
        grown += piece.growth();
        let length = u32::try_from(piece.new.len()).unwrap_or(u32::MAX);
        merged.placed.push(Hunk {
            number: piece.number,
            before: start..end,
            after: after..after.saturating_add(length),
        });
    }
    merged.bytes.extend(theirs_lines.get(copied..).unwrap_or_default().concat());
    merged
}

/// Returns a line's number after lines before it came or went.
pub(crate) fn moved(line: u32, by: i64) -> u32 {
    u32::try_from(i64::from(line) + by).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Makes pieces of all that differs between two texts, and puts those of these numbers into a third.
    fn check(common: &str, ours: &str, numbers: &[u32], theirs: &str) -> (String, Vec<u32>, Vec<u32>) {
        let ours = lines(ours.as_bytes());
        let hunks = changed(common.as_bytes(), &ours.concat());
        let wanted = hunks.iter().filter(|hunk| numbers.contains(&hunk.number));
        let pieces: Vec<Piece<'_>> = wanted.map(|hunk| Piece::of(hunk, &ours)).collect();
        let merged = merge(common.as_bytes(), &pieces, theirs.as_bytes());
        (String::from_utf8(merged.bytes).unwrap(), merged.there, merged.clashes)
    }

    #[test]
    fn what_is_apart_is_kept_and_what_touches_clashes() {
        let (base, ours) = ("a\nb\nc\nd\ne\n", "A\nb\nc\nd\nE\n");
        assert_eq!(check(base, ours, &[1, 2], base), (ours.to_owned(), vec![], vec![]));
        assert_eq!(check(base, ours, &[2], base).0, "a\nb\nc\nd\nE\n");
        let theirs = "0\na\nb\nc\nx\ny\nd\ne\n";
        assert_eq!(check(base, ours, &[2], theirs).0, "0\na\nb\nc\nx\ny\nd\nE\n");
        assert_eq!(
            check(base, ours, &[1, 2], theirs),
            ("0\na\nb\nc\nx\ny\nd\nE\n".to_owned(), vec![], vec![1])
        );
        assert_eq!(
            check(base, ours, &[1], "A\nb\nc\nd\ne\n"),
            ("A\nb\nc\nd\ne\n".to_owned(), vec![1], vec![])
        );
        assert_eq!(check(base, ours, &[1], "Z\nb\nc\nd\ne\n").2, [1]);
        assert_eq!(check("", "a\n", &[1], ""), ("a\n".to_owned(), vec![], vec![]));
        assert_eq!(check("a", "a\nb", &[1], "a"), ("a\nb".to_owned(), vec![], vec![]));
        assert_eq!(check("a", "a\nb", &[1], "a\n").2, [1]);
    }

    /// Lines of a small alphabet, so that texts have much in common.
    fn text() -> impl Strategy<Value = String> {
        let line = |line: &usize| ["a\n", "b\n", "c\r\n"][*line];
        let lines = prop::collection::vec(0_usize..3, 0..10);
        (lines, 0_usize..3)
            .prop_map(move |(lines, last)| lines.iter().map(line).chain([["", "a", "b"][last]]).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(crate::changes::slow(10_000, 200_000)))]

        #[test]
        fn nothing_of_theirs_is_lost(common in text(), ours in text(), theirs in text(), chosen in prop::collection::vec(1_u32..8, 0..5)) {
            let (merged, there, clashes) = check(&common, &ours, &chosen, &theirs);
            let edits = changed(common.as_bytes(), theirs.as_bytes());
            let theirs = lines(theirs.as_bytes());
            let merged = merged.into_bytes();
            let merged = lines(&merged);
            // Every line that the other side brought stands in the result, in its order.
            let mut rest = merged.iter();
            for edit in &edits {
                for line in &theirs[at(edit.after.start)..at(edit.after.end)] {
                    prop_assert!(rest.any(|found| found == line), "{:?} is lost", line);
                }
            }
            prop_assert!(there.iter().all(|number| !clashes.contains(number)));
        }
    }
}
