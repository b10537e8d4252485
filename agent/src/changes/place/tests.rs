//! A hunk is written at its place or not at all, and nothing else of the file changes.
use proptest::prelude::*;

use super::*;
use crate::changes::diff::{Side, diff};
use crate::changes::envelope::{Asked, parse};
use crate::changes::patch::{PatchFile, patch};
use crate::changes::slow;
use crate::workspace::path::RelPath;

fn run(file: &str, patch: &str) -> Result<Patched, PlaceError> {
    let files = parse(&format!("*** Begin Patch\n*** Update File: a\n{patch}\n*** End Patch")).unwrap();
    let Asked::Update { hunks, .. } = &files[0].what else { panic!() };
    patched(file.as_bytes(), hunks)
}

fn check(file: &str, patch: &str) -> String {
    let patched = run(file, patch).unwrap();
    assert!(patched.tolerated.is_empty());
    String::from_utf8(patched.bytes).unwrap()
}

fn refused(file: &str, patch: &str) -> String {
    run(file, patch).unwrap_err().to_string()
}

#[test]
fn hunks_are_written_where_their_lines_stand() {
    let file = "a\nb\nc\nd\ne\n";
    assert_eq!(check(file, "@@\n b\n-c\n+C\n+CC\n d"), "a\nb\nC\nCC\nd\ne\n");
    assert_eq!(check(file, "@@\n-a\n@@\n d\n+x\n-e"), "b\nc\nd\nx\n");
    // In any order, and with context that two of them share.
    assert_eq!(check(file, "@@\n d\n-e\n@@\n-b\n c\n d"), "a\nc\nd\n");
    assert_eq!(check(file, "@@\n-a\n-b\n-c\n-d\n-e"), "");
    assert_eq!(check("", "@@\n+one\n+two"), "one\ntwo\n");
    assert_eq!(check(file, "@@ b\n+x"), "a\nb\nx\nc\nd\ne\n");
    assert_eq!(check(file, "+x\n*** End of File"), "a\nb\nc\nd\ne\nx\n");
}

#[test]
fn what_stays_keeps_its_bytes() {
    assert_eq!(check("a\r\nb\r\n", "@@\n a\n+x\n-b\n+y"), "a\r\nx\r\ny\r\n");
    assert_eq!(check("a\nb", "@@\n b\n+c"), "a\nb\nc");
    assert_eq!(check("a\nb", "@@\n-b"), "a");
    assert_eq!(check("\u{feff}a\nb\n", "@@\n-a\n+x"), "\u{feff}x\nb\n");
    assert_eq!(check("\u{feff}a\n", "@@\n+x\n a"), "\u{feff}x\na\n");
    assert_eq!(check("a\r\nb\nc\n", "@@\n-b\n+x"), "a\r\nx\nc\n");
}

#[test]
fn one_of_many_places_is_named() {
    let file = "fn a() {\n    go();\n}\nfn b() {\n    go();\n}\n";
    let text = refused(file, "@@\n-    go();\n+    stop();");
    assert!(text.starts_with("hunk 1 (line 3 of the patch) fits in 2 places, at line 2, 5;"), "{text}");
    let stopped = "fn a() {\n    go();\n}\nfn b() {\n    stop();\n}\n";
    assert_eq!(check(file, "@@ fn b() {\n-    go();\n+    stop();"), stopped);
    assert_eq!(check(file, "@@ fn b\n-    go();\n+    stop();"), stopped);
    assert_eq!(check(file, "@@\n fn b() {\n-    go();\n+    stop();"), stopped);
    assert_eq!(check(file, "-    go();\n+    stop();\n }\n*** End of File"), stopped);
    // The first hunk says where the second can only be.
    assert_eq!(check(file, "@@\n fn a() {\n-    go();\n@@\n-    go();"), "fn a() {\n}\nfn b() {\n}\n");
    assert!(refused(file, "@@ fn c\n-    go();").contains("fits in 2 places"));
    assert!(refused(file, "@@ }\n+x").contains("fits in 2 places"));
}

#[test]
fn white_space_is_passed_over_at_the_only_place_and_said() {
    let file = "if x {\n\tgo();\n\tstop();\n}\n";
    let found = run(file, "@@\n if x {\n-    go();\n+    run();\n+    run();\n     stop();").unwrap();
    assert_eq!(
        (found.tolerated, found.bytes.as_slice()),
        (vec![1], b"if x {\n\trun();\n\trun();\n\tstop();\n}\n".as_slice())
    );
    assert!(refused("\tx\n\ty\n\tx\n", "@@\n-x").contains("fits in 2 places"));
}

#[test]
fn a_refusal_says_what_was_expected_and_what_is_there() {
    let file = "one\ntwo\nthree\n";
    let text = refused(file, "@@\n one\n@@\n one\n two\n-3\n+4");
    assert_eq!(
        text,
        "hunk 2 (line 5 of the patch) is not in the file: expected `3`, and line 3 is `three`. Read the file again and copy its \
         lines exactly"
    );
    assert!(refused(file, "@@\n-thre\n+x").contains("expected `thre`, and line 3 is `three`"));
    assert!(refused(file, "@@\n-zzzzz\n+x").contains("nothing in it is like that"));
    assert!(refused(file, "@@\n three\n-four").contains("line 4 is `the end of the file`"));
    assert!(refused(file, "+x").contains("does not say where"));
    assert!(
        refused(file, "@@\n-two\n+x\n@@\n one\n-two")
            .starts_with("hunk 2 (line 6 of the patch) changes lines that another")
    );
}

fn text() -> impl Strategy<Value = String> {
    let line = |line: &usize| ["a\n", "b\n", "  b\n", "\n"][*line];
    let lines = prop::collection::vec(0_usize..4, 0..9);
    (lines, 0_usize..3)
        .prop_map(move |(lines, last)| lines.iter().map(line).chain([["", "a", "d"][last]]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(slow(10_000, 100_000)))]

    /// The patch of two texts, read back, makes the one of the other, or says that lines occur more than once: it is never
    /// written elsewhere.
    #[test]
    fn a_patch_of_our_own_is_written_right_or_not_at_all(old in text(), new in text()) {
        prop_assume!(old != new);
        let side = |text| Side { bytes: text, mode: 0o644 };
        let (before, after) = (side(old.as_bytes()), side(new.as_bytes()));
        let found = diff(Some(before), Some(after));
        let path = RelPath::parse("a").unwrap();
        let text = patch(&[PatchFile { path: &path, from: None, before: Some(before), after: Some(after), diff: &found }]);
        let files = parse(&text).unwrap();
        let Asked::Update { hunks, .. } = &files[0].what else { panic!() };
        match patched(old.as_bytes(), hunks) {
            Ok(patched) => prop_assert_eq!(String::from_utf8(patched.bytes).unwrap(), new),
            Err(error) => {
                prop_assert!(matches!(error.why, Why::NotUnique { .. } | Why::Nowhere), "{error}: {text}");
            }
        }
    }
}
