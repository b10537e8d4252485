//! What differs between two versions of a file, as numbered hunks. Not here: the patch form (`patch`).
use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput, sources};
use tenon_protocol::change::Hunk as WireHunk;

use crate::workspace::identity::LINK_MODE;
use crate::workspace::text::is_binary;

/// Hunks of a file that are told apart: more are one, from the first changed line to the last, so that what is recorded of a
/// change stays small.
const HUNKS_MAX: usize = 10_000;

/// One version of a file, in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Side<'a> {
    /// Its contents.
    pub(crate) bytes: &'a [u8],
    /// Its permission bits, 0–07777.
    pub(crate) mode: u32,
}

/// A maximal run of changed lines, without context.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Hunk {
    /// Its number in the file, from 1 in file order, given once and never changed; 0 stands for what has no lines of its
    /// own: a mode, a binary file, a deletion.
    pub(crate) number: u32,
    /// The lines it replaces, from 0.
    pub(crate) before: Range<u32>,
    /// The lines it puts there, from 0.
    pub(crate) after: Range<u32>,
}

impl Hunk {
    /// Returns the hunk as clients see it: lines from 1; for an empty side the line after which it goes.
    pub(crate) fn to_wire(&self) -> WireHunk {
        let (old_start, old_lines) = place(&self.before);
        let (new_start, new_lines) = place(&self.after);
        WireHunk { n: self.number, old_start, old_lines, new_start, new_lines }
    }
}

impl Hunk {
    /// Reads a hunk as clients see it.
    pub(crate) fn from_wire(wire: &WireHunk) -> Self {
        let range = |start: u64, count: u64| {
            let start = u32::try_from(start.saturating_sub(u64::from(count > 0))).unwrap_or(u32::MAX);
            start..start.saturating_add(u32::try_from(count).unwrap_or(u32::MAX))
        };
        Self {
            number: wire.n,
            before: range(wire.old_start, wire.old_lines),
            after: range(wire.new_start, wire.new_lines),
        }
    }
}

/// Returns a range of lines as diffs write it: first line from 1, or for an empty one the line before it, and length.
pub(super) fn place(lines: &Range<u32>) -> (u64, u64) {
    let count = u64::from(lines.end.saturating_sub(lines.start));
    (u64::from(lines.start) + u64::from(count > 0), count)
}

/// What differs between two versions of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileDiff {
    /// The hunks, in file order; number 0 comes first.
    pub(crate) hunks: Vec<Hunk>,
    /// Lines that came.
    pub(crate) added: u32,
    /// Lines that went.
    pub(crate) removed: u32,
    /// One of the versions is binary: there are no lines.
    pub(crate) binary: bool,
}

/// Compares two versions; `None` is a file that is not there.
///
/// The cost is near linear, also for files without a line in common. A line includes its end, so a change of line ends is
/// a change of every line.
pub(crate) fn diff(before: Option<Side<'_>>, after: Option<Side<'_>>) -> FileDiff {
    let (old, new) = (bytes_of(before), bytes_of(after));
    let whole = Hunk { number: 0, before: 0..0, after: 0..0 };
    if let (Some(before), Some(after)) = (before, after)
        && (before.mode == LINK_MODE || after.mode == LINK_MODE)
    {
        // A link has no lines to choose from, and what becomes one or ceases to be one even less.
        let hunks = if before == after { Vec::new() } else { vec![whole] };
        return FileDiff { hunks, ..FileDiff::default() };
    }
    if is_binary(old) || is_binary(new) {
        return FileDiff { hunks: vec![whole], binary: true, ..FileDiff::default() };
    }
    let mut found = line_diff(old, new);
    match (before, after) {
        // A deletion is chosen whole or not at all.
        (Some(_), None) => {
            found.hunks = vec![Hunk { before: 0..found.removed, ..whole }];
        }
        (Some(old), Some(new)) if old.mode != new.mode => found.hunks.insert(0, whole),
        (None, Some(new)) if new.bytes.is_empty() => found.hunks.push(whole),
        (Some(_), Some(_)) | (None, _) => {}
    }
    found
}

/// Returns the contents of a side; none if there is no file.
pub(super) fn bytes_of(side: Option<Side<'_>>) -> &[u8] {
    side.map_or(&[], |side| side.bytes)
}

/// Returns the lines of some bytes, their ends included.
pub(super) fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    sources::byte_lines(bytes).collect()
}

fn line_diff(old: &[u8], new: &[u8]) -> FileDiff {
    let input = InternedInput::new(sources::byte_lines(old), sources::byte_lines(new));
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let hunks: Vec<Hunk> = (1..)
        .zip(diff.hunks())
        .map(|(number, hunk)| Hunk { number, before: hunk.before, after: hunk.after })
        .collect();
    if let [first, .., last] = &hunks[..]
        && hunks.len() > HUNKS_MAX
    {
        let (before, after) = (first.before.start..last.before.end, first.after.start..last.after.end);
        let (added, removed) = (after.end - after.start, before.end - before.start);
        return FileDiff { hunks: vec![Hunk { number: 1, before, after }], added, removed, binary: false };
    }
    FileDiff { hunks, added: diff.count_additions(), removed: diff.count_removals(), binary: false }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn both(before: &[u8], after: &[u8]) -> FileDiff {
        let side = |bytes| Some(Side { bytes, mode: 0o644 });
        diff(side(before), side(after))
    }

    fn check(before: Option<&str>, after: Option<&str>) -> Vec<(u32, Range<u32>, Range<u32>)> {
        let [before, after] =
            [before, after].map(|t| t.map(|text| Side { bytes: text.as_bytes(), mode: 0o644 }));
        diff(before, after).hunks.into_iter().map(|hunk| (hunk.number, hunk.before, hunk.after)).collect()
    }

    #[test]
    fn hunks_are_runs_of_changed_lines() {
        assert_eq!(check(Some("a\nb\nc\n"), Some("a\nx\nc\ny\n")), [(1, 1..2, 1..2), (2, 3..3, 3..4)]);
        assert_eq!(check(Some("a\n"), Some("a")), [(1, 0..1, 0..1)]);
        assert_eq!(check(None, Some("a\nb\n")), [(1, 0..0, 0..2)]);
        assert_eq!(check(Some("a\nb\n"), None), [(0, 0..2, 0..0)]);
        assert_eq!(check(None, Some("")), [(0, 0..0, 0..0)]);
        assert_eq!(check(Some("a"), Some("\0")), [(0, 0..0, 0..0)]);
        assert_eq!(check(Some("a"), Some("a")), []);
    }

    #[test]
    fn too_many_hunks_are_one() {
        let text = |odd: &str, lines: usize| {
            (0..lines).map(|n| if n % 2 == 0 { "same\n" } else { odd }).collect::<String>()
        };
        let check = |lines: usize| both(text("a\n", lines).as_bytes(), text("b\n", lines).as_bytes());
        assert_eq!(check(2 * HUNKS_MAX).hunks.len(), HUNKS_MAX);
        let found = check(2 * HUNKS_MAX + 2);
        let last = u32::try_from(2 * HUNKS_MAX + 2).unwrap();
        assert_eq!(found.hunks, [Hunk { number: 1, before: 1..last, after: 1..last }]);
        assert_eq!((found.added, found.removed), (last - 1, last - 1));
    }

    #[test]
    fn a_mode_is_hunk_nought_beside_the_lines() {
        let found =
            diff(Some(Side { bytes: b"a\n", mode: 0o644 }), Some(Side { bytes: b"b\n", mode: 0o755 }));
        assert_eq!(found.hunks.iter().map(|hunk| hunk.number).collect::<Vec<_>>(), [0, 1]);
        assert_eq!((found.added, found.removed), (1, 1));
    }

    #[test]
    fn clients_count_lines_from_one() {
        let hunk = Hunk { number: 2, before: 3..3, after: 3..5 };
        let wire = hunk.to_wire();
        assert_eq!(Hunk::from_wire(&wire), hunk);
        assert_eq!((wire.n, wire.old_start, wire.old_lines, wire.new_start, wire.new_lines), (2, 3, 0, 4, 2));
    }

    proptest! {
        #[test]
        fn hunks_lead_from_before_to_after(a in "[ab\r\n]{0,40}", b in "[ab\r\n]{0,40}") {
            let hunks = both(a.as_bytes(), b.as_bytes()).hunks;
            // Numbered from 1 without a gap, in order, with an unchanged line between neighbours.
            for (number, hunk) in (1..).zip(&hunks) {
                prop_assert_eq!(hunk.number, number);
                prop_assert!(!hunk.before.is_empty() || !hunk.after.is_empty());
            }
            prop_assert!(hunks.windows(2).all(|pair| pair[0].before.end < pair[1].before.start
                && pair[0].after.end < pair[1].after.start));
            prop_assert_eq!(replaced(a.as_bytes(), b.as_bytes(), &hunks), b.into_bytes());
        }
    }

    /// The lines before, those of each hunk replaced.
    fn replaced(before: &[u8], after: &[u8], hunks: &[Hunk]) -> Vec<u8> {
        let (old, new) = (lines(before), lines(after));
        let at = |line: u32| usize::try_from(line).unwrap();
        let mut out = Vec::new();
        let mut copied = 0;
        for hunk in hunks {
            out.extend(old[copied..at(hunk.before.start)].concat());
            out.extend(new[at(hunk.after.start)..at(hunk.after.end)].concat());
            copied = at(hunk.before.end);
        }
        out.extend(old[copied..].concat());
        out
    }
}
