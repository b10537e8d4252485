//! What is chosen is what is written: the laws of a selection, and what stands in its way.
use proptest::prelude::*;

use super::*;
use crate::changes::blobs::tests::Memory;
use crate::changes::diff::{Side, diff};
use crate::changes::slow;

fn version(blobs: &Memory, text: Option<&[u8]>, mode: u32) -> Option<Version> {
    text.map(|text| Version { digest: blobs.put(text).unwrap(), mode })
}

fn staged(blobs: &Memory, before: Option<&[u8]>, after: Option<&[u8]>) -> PlanFile {
    let side = |bytes| Some(Side { bytes, mode: 0o644 });
    PlanFile {
        path: RelPath::parse("a").unwrap(),
        before: version(blobs, before, 0o644),
        after: version(blobs, after, 0o644),
        hunks: diff(before.and_then(side), after.and_then(side)).hunks,
        applied: BTreeSet::new(),
        left: None,
    }
}

fn disk(text: Option<&[u8]>) -> OnDisk {
    let found = text.map_or(Found::Absent, |text| Found::Contents(Digest::of(text)));
    OnDisk { found, bytes: text.unwrap_or_default().to_vec(), mode: 0o644 }
}

fn written(fit: &Fit, now: &[u8]) -> Vec<u8> {
    fit.edit.as_ref().map_or_else(|| now.to_vec(), |(_, bytes)| bytes.clone().unwrap_or_default())
}

const BEFORE: &str = "1\n2\n3\n4\n5\n6\n7\n";
const AFTER: &str = "one\n2\n3\nfour\n5\n6\nseven\n";

fn check(chosen: &[u32], now: Option<&str>) -> (String, bool, Vec<(u32, ConflictKind)>, Vec<u32>) {
    let blobs = Memory::default();
    let file = staged(&blobs, Some(BEFORE.as_bytes()), Some(AFTER.as_bytes()));
    let fit = file.fit(&chosen.iter().copied().collect(), &disk(now.map(str::as_bytes)), &blobs).unwrap();
    let text = String::from_utf8(written(&fit, now.unwrap_or_default().as_bytes())).unwrap();
    (text, fit.has_moved, fit.clashes, fit.there)
}

#[test]
fn what_somebody_else_edited_is_in_the_way_of_the_chosen_lines_alone() {
    let two = "one\n2\n3\nfour\n5\n6\n7\n";
    assert_eq!(check(&[1, 2], Some(BEFORE)), (two.to_owned(), false, vec![], vec![]));
    // Lines of a hunk that is not chosen.
    let edited = "1\n2\n3\n4\n5\n6\n7!\n";
    assert_eq!(
        check(&[1, 2], Some(edited)),
        ("one\n2\n3\nfour\n5\n6\n7!\n".to_owned(), false, vec![], vec![])
    );
    // Lines of no hunk.
    let edited = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
    assert_eq!(check(&[1], Some(edited)), ("one\n2\n3\n4\n5\n6\n7\n8\n9\n".to_owned(), true, vec![], vec![]));
    // Lines of a chosen hunk.
    let edited = "1!\n2\n3\n4\n5\n6\n7\n";
    let (text, _, clashes, _) = check(&[1, 2], Some(edited));
    assert_eq!((text.as_str(), clashes), ("1!\n2\n3\nfour\n5\n6\n7\n", vec![(1, ConflictKind::Edited)]));
    // Somebody made the same edit.
    let same = "one\n2\n3\n4\n5\n6\n7\n";
    assert_eq!(check(&[1, 2], Some(same)), (two.to_owned(), false, vec![], vec![1]));
    assert_eq!(check(&[1], None).2, [(1, ConflictKind::Deleted)]);
    assert_eq!(check(&[1], Some("1\0")).2, [(1, ConflictKind::Edited)]);
}

#[test]
fn files_that_come_go_or_are_binary_are_taken_whole() {
    let blobs = Memory::default();
    let fit = |before: Option<&str>, after: Option<&str>, now: Option<&str>| {
        let file = staged(&blobs, before.map(str::as_bytes), after.map(str::as_bytes));
        let fit = file.fit(&file.open(), &disk(now.map(str::as_bytes)), &blobs).unwrap();
        (fit.edit.is_some(), fit.there.len(), fit.clashes.first().map(|(_, kind)| *kind))
    };
    assert_eq!(fit(None, Some("x"), None), (true, 0, None));
    assert_eq!(fit(None, Some("x"), Some("x")), (false, 1, None));
    assert_eq!(fit(None, Some("x"), Some("y")), (false, 0, Some(ConflictKind::Created)));
    assert_eq!(fit(Some("x"), None, Some("x")), (true, 0, None));
    assert_eq!(fit(Some("x"), None, None), (false, 1, None));
    assert_eq!(fit(Some("x"), None, Some("y")), (false, 0, Some(ConflictKind::Edited)));
    assert_eq!(fit(Some("\0a"), Some("\0b"), Some("\0a")), (true, 0, None));
    assert_eq!(fit(Some("\0a"), Some("\0b"), Some("\0c")), (false, 0, Some(ConflictKind::Edited)));
    assert_eq!(fit(Some("\0a"), Some("\0b"), None), (false, 0, Some(ConflictKind::Deleted)));
}

#[test]
fn a_mode_is_a_hunk_of_its_own() {
    let blobs = Memory::default();
    let text: &[u8] = b"a\nb\n";
    let (before, after) = (Side { bytes: text, mode: 0o644 }, Side { bytes: b"a\nB\n", mode: 0o755 });
    let mut file = staged(&blobs, Some(before.bytes), Some(after.bytes));
    (file.hunks, file.after) =
        (diff(Some(before), Some(after)).hunks, version(&blobs, Some(after.bytes), 0o755));
    let mode = |chosen: &[u32]| {
        let fit = file.fit(&chosen.iter().copied().collect(), &disk(Some(text)), &blobs).unwrap();
        let (edit, bytes) = fit.edit.unwrap();
        (edit.after.unwrap().mode, bytes.unwrap())
    };
    assert_eq!(mode(&[0]), (0o755, text.to_vec()));
    assert_eq!(mode(&[1]), (0o644, b"a\nB\n".to_vec()));
    assert_eq!(mode(&[0, 1]), (0o755, b"a\nB\n".to_vec()));
}

/// The lines before, with those of some hunks replaced: a change made of just these.
fn by_hand(before: &[u8], after: &[u8], hunks: &[Hunk], chosen: &BTreeSet<u32>) -> Vec<u8> {
    let (old, new) = (lines(before), lines(after));
    let at = |line: u32| usize::try_from(line).unwrap();
    let (mut out, mut copied) = (Vec::new(), 0);
    for hunk in hunks.iter().filter(|hunk| chosen.contains(&hunk.number)) {
        out.extend(old[copied..at(hunk.before.start)].concat());
        out.extend(new[at(hunk.after.start)..at(hunk.after.end)].concat());
        copied = at(hunk.before.end);
    }
    out.extend(old[copied..].concat());
    out
}

fn text() -> impl Strategy<Value = String> {
    let line = |line: &usize| ["a\n", "b\n", "c\r\n"][*line];
    let lines = prop::collection::vec(0_usize..3, 0..10);
    (lines, 0_usize..3)
        .prop_map(move |(lines, last)| lines.iter().map(line).chain([["", "a", "b"][last]]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(slow(10_000, 200_000)))]

    /// A selection equals a change made of just those hunks, in whatever portions it is applied, and what is left over stays
    /// what it was, under its numbers.
    #[test]
    fn a_selection_is_a_change_of_just_those_hunks(
        before in text(), after in text(), portions in prop::collection::vec(0_usize..3, 12)
    ) {
        let blobs = Memory::default();
        let (before, after) = (before.into_bytes(), after.into_bytes());
        let mut file = staged(&blobs, Some(&before), Some(&after));
        let all = file.hunks.clone();
        let mut now = before.clone();
        for portion in 0..3 {
            let chosen: BTreeSet<u32> = all.iter().zip(portions.iter().cycle())
                .filter(|(_, of)| **of == portion).map(|(hunk, _)| hunk.number).collect();
            if chosen.is_empty() {
                continue;
            }
            let fit = file.fit(&chosen, &disk(Some(&now)), &blobs).unwrap();
            prop_assert!(!fit.has_moved && fit.clashes.is_empty() && fit.there.is_empty());
            prop_assert_eq!(fit.hunks.iter().map(|hunk| hunk.number).collect::<BTreeSet<_>>(), chosen.clone());
            let next = written(&fit, &now);
            // The hunks say which lines of the disk became which.
            prop_assert_eq!(&by_hand(&now, &next, &fit.hunks, &chosen), &next);
            now = next;
            file.applied.extend(&chosen);
            file.left = Some(Digest::of(&now));
            prop_assert_eq!(&by_hand(&before, &after, &all, &file.applied), &now);
            let rest = file.staged(&blobs).unwrap();
            prop_assert_eq!(&rest.before.unwrap().0, &now);
            prop_assert_eq!(&rest.after.unwrap().0, &after);
            prop_assert_eq!(rest.hunks.iter().map(|hunk| hunk.number).collect::<BTreeSet<_>>(), file.open());
        }
        prop_assert_eq!(now, after);
    }

    /// Whatever somebody else edits meanwhile, their lines are there afterwards, and what is not written clashes.
    #[test]
    fn no_line_of_anybody_else_is_lost(
        before in text(), after in text(), theirs in text(), chosen in prop::collection::btree_set(1_u32..8, 0..6)
    ) {
        let blobs = Memory::default();
        let file = staged(&blobs, Some(before.as_bytes()), Some(after.as_bytes()));
        let chosen: BTreeSet<u32> = chosen.intersection(&file.open()).copied().collect();
        let fit = file.fit(&chosen, &disk(Some(theirs.as_bytes())), &blobs).unwrap();
        let next = written(&fit, theirs.as_bytes());
        let numbers = |hunks: &[Hunk]| hunks.iter().map(|hunk| hunk.number).collect::<BTreeSet<u32>>();
        // What was written is the disk with these hunks and nothing else.
        prop_assert_eq!(&by_hand(theirs.as_bytes(), &next, &fit.hunks, &numbers(&fit.hunks)), &next);
        let mut accounted = numbers(&fit.hunks);
        accounted.extend(&fit.there);
        accounted.extend(fit.clashes.iter().map(|(number, _)| number));
        prop_assert_eq!(accounted, chosen);
        let (common, next) = (before.as_bytes(), lines(&next));
        let theirs = lines(theirs.as_bytes());
        let mut rest = next.iter();
        for edit in crate::changes::lines::changed(common, &theirs.concat()) {
            for line in edit.after {
                prop_assert!(rest.any(|found| *found == theirs[usize::try_from(line).unwrap()]));
            }
        }
    }
}
