//! What both sides did is in the merged text, or the merge says where it cannot be.
use proptest::prelude::*;

use super::*;
use crate::changes::slow;

fn check(base: &str, ours: &str, theirs: &str) -> Result<String, Vec<Clash>> {
    merge(base.as_bytes(), ours.as_bytes(), theirs.as_bytes()).map(|text| String::from_utf8(text).unwrap())
}

#[test]
fn edits_of_different_lines_are_both_kept() {
    let base = "a\nb\nc\nd\n";
    assert_eq!(check(base, "A\nb\nc\nd\n", "a\nb\nc\nD\n"), Ok("A\nb\nc\nD\n".to_owned()));
    // Neighbours are not the same lines.
    assert_eq!(check(base, "A\nb\nc\nd\n", "a\nB\nc\nd\n"), Ok("A\nB\nc\nd\n".to_owned()));
    assert_eq!(check(base, "c\nd\n", "a\nb\nx\nc\nd\n"), Ok("x\nc\nd\n".to_owned()));
    // The same edit twice is one.
    assert_eq!(check(base, "a\nx\nc\nd\n", "a\nx\nc\nD\n"), Ok("a\nx\nc\nD\n".to_owned()));
    // Lines that either took away are gone.
    assert_eq!(check(base, "a\nd\n", "a\nb\nd\n"), Ok("a\nd\n".to_owned()));
    assert_eq!(check(base, "a\nd\n", "a\nb\n"), Ok("a\n".to_owned()));
}

#[test]
fn edits_of_the_same_lines_clash_and_name_them() {
    let base = "a\nb\nc\nd\n";
    assert_eq!(check(base, "a\nx\nc\nd\n", "a\ny\nz\nc\nd\n"), Err(vec![Clash { base: 1..2, theirs: 1..3 }]));
    // Nobody chose the order of two insertions at one place.
    assert_eq!(
        check(base, "a\nx\nb\nc\nd\n", "a\ny\nb\nc\nd\n"),
        Err(vec![Clash { base: 1..1, theirs: 1..2 }])
    );
    // Into the middle of what goes.
    assert_eq!(check(base, "a\nd\n", "a\nb\nx\nc\nd\n"), Err(vec![Clash { base: 1..3, theirs: 1..4 }]));
    // A line that both moved would be there twice.
    let (base, ours, theirs) = ("a\nb\nc\nd\ne\nf\n", "c\na\nb\nd\ne\nf\n", "a\nb\nd\ne\nf\nc\n");
    assert_eq!(check(base, ours, theirs), Err(vec![Clash { base: 0..0, theirs: 0..0 }]));
    // A line that lost its end would take in the next one.
    assert!(check("a\n", "a\nb\n", "a").is_err());
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec("[a-d]", 0..8).prop_flat_map(|lines| {
        any::<bool>().prop_map(move |end| lines.join("\n") + if end { "\n" } else { "" })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(slow(10_000, 50_000)))]

    #[test]
    fn who_does_nothing_changes_nothing(base in text(), side in text()) {
        prop_assert_eq!(check(&base, &side, &base), Ok(side.clone()));
        prop_assert_eq!(check(&base, &base, &side), Ok(side.clone()));
        prop_assert_eq!(check(&base, &side, &side), Ok(side));
    }

    /// Lines that only they have are in the result, in their order, whatever we did; and it is the same from both sides.
    #[test]
    fn no_line_of_theirs_is_lost(
        base in prop::collection::vec("[a-d]\n", 0..8),
        ours in prop::collection::vec("[a-d]\n", 0..8),
        theirs in prop::collection::vec("[a-dX-Z]\n", 0..8),
    ) {
        let (base, ours, theirs) = (base.concat(), ours.concat(), theirs.concat());
        let merged = check(&base, &ours, &theirs);
        let turned = check(&base, &theirs, &ours);
        prop_assert_eq!(merged.as_ref().ok(), turned.as_ref().ok());
        if let Ok(merged) = merged {
            let own = |text: &str| text.lines().filter(|line| *line > "D" && *line < "a").map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(own(&merged), own(&theirs));
        }
    }
}
