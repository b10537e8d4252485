//! The patch form, read by our eyes and by git.
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use proptest::prelude::*;

use super::*;
use crate::changes::diff::diff;

type Version<'a> = Option<(&'a str, u32)>;

fn check(path: &str, from: Option<&str>, before: Version<'_>, after: Version<'_>) -> String {
    let (before, after) =
        [before, after].map(|v| v.map(|(text, mode)| Side { bytes: text.as_bytes(), mode })).into();
    let (path, from) = (RelPath::parse(path).unwrap(), from.map(|from| RelPath::parse(from).unwrap()));
    patch(&[PatchFile { path: &path, from: from.as_ref(), before, after, diff: &diff(before, after) }])
}

/// Has git apply a patch to one file in a folder without a repository, and returns what is there afterwards.
#[expect(clippy::disallowed_methods, reason = "the claim is that git takes it, so git is asked")]
fn git(patch: &str, path: &str, before: Version<'_>, result: &str) -> Option<(Vec<u8>, bool)> {
    let folder = tempfile::tempdir().unwrap();
    if let Some((text, mode)) = before {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let mut git = std::process::Command::new("git")
        .args(["apply", "--whitespace=nowarn", "-"])
        .current_dir(folder.path())
        .env("GIT_CEILING_DIRECTORIES", folder.path().parent().unwrap())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(patch.as_bytes()).unwrap();
    let output = git.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{patch}", String::from_utf8_lossy(&output.stderr));
    let file = folder.path().join(result);
    let mode = fs::metadata(&file).ok()?.permissions().mode();
    Some((fs::read(file).unwrap(), mode & 0o100 != 0))
}

#[expect(clippy::unnecessary_wraps, reason = "a version that is there, as the checks take it")]
fn plain(text: &str) -> Version<'_> {
    Some((text, 0o644))
}

#[test]
fn every_hunk_is_a_block_with_its_number() {
    let before: String = (1..=12).map(|n| format!("{n}\n")).collect::<Vec<_>>().concat();
    let after = before.replace("2\n3\n", "2\nthree\n").replace("5\n", "").replace("12\n", "12");
    let patch = check("a b.txt", None, plain(&before), plain(&after));
    assert_eq!(
        patch.replace('\t', "<tab>"),
        "\
diff --git a/a b.txt b/a b.txt
--- a/a b.txt<tab>
+++ b/a b.txt<tab>
@@ -1,4 +1,4 @@ hunk 1
 1
 2
-3
+three
 4
@@ -5,4 +5,3 @@ hunk 2
-5
 6
 7
 8
@@ -9,4 +8,4 @@ hunk 3
 9
 10
 11
-12
+12
\\ No newline at end of file
"
    );
    assert_eq!(git(&patch, "a b.txt", plain(&before), "a b.txt"), Some((after.into_bytes(), false)));
}

#[test]
fn lines_around_the_only_line_are_two_blocks_that_git_takes() {
    let patch = check("f", None, plain("a\n"), plain("b\na\nb\n"));
    assert_eq!(git(&patch, "f", plain("a\n"), "f"), Some((b"b\na\nb\n".to_vec(), false)));
}

#[test]
fn new_deleted_moved_and_executable_files_are_taken_by_git() {
    let new = check("d/new", None, None, Some(("x\n", 0o755)));
    assert_eq!(git(&new, "d/new", None, "d/new"), Some((b"x\n".to_vec(), true)));
    let empty = check("new", None, None, plain(""));
    assert_eq!(git(&empty, "new", None, "new"), Some((Vec::new(), false)));
    let gone = check("old", None, plain("x"), None);
    assert!(gone.contains("@@ -1,1 +0,0 @@ hunk 0"), "{gone}");
    assert_eq!(git(&gone, "old", plain("x"), "old"), None);
    let moved = check("b", Some("a"), plain("x\ny\n"), Some(("x\nz\n", 0o755)));
    assert_eq!(git(&moved, "a", plain("x\ny\n"), "b"), Some((b"x\nz\n".to_vec(), true)));
    let only_mode = check("a", None, plain("x\n"), Some(("x\n", 0o755)));
    assert_eq!(git(&only_mode, "a", plain("x\n"), "a"), Some((b"x\n".to_vec(), true)));
}

#[test]
fn names_that_a_line_cannot_hold_are_quoted() {
    for name in [
        "q\"uote",
        "tab\there",
        "new\nline",
        "back\\slash",
        "bell\u{7}",
        "grüße",
        "two  blanks ",
        "bidi\u{202e}x",
    ] {
        let patch = check(name, None, plain("a\n"), plain("b\n"));
        assert!(
            !patch.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'))
                && !patch.contains('\u{202e}')
        );
        assert_eq!(git(&patch, name, plain("a\n"), name), Some((b"b\n".to_vec(), false)), "{patch}");
    }
}

#[test]
fn what_a_patch_cannot_carry_is_said_and_does_not_spoil_the_rest() {
    let binary = check("logo.png", None, plain("a\0b"), plain("a\0bc"));
    assert_eq!(binary, "# binary file logo.png: 3 bytes before, 4 after (hunk 0)\n");
    let mode = check("f", None, Some(("x\n", 0o644)), Some(("y\n", 0o600)));
    assert!(mode.starts_with("# mode of f: 644 before, 600 after (hunk 0)\ndiff --git"), "{mode}");
    let both = format!("{binary}{mode}{binary}");
    assert_eq!(git(&both, "f", plain("x\n"), "f"), Some((b"y\n".to_vec(), false)));
}

/// The reader of our own patches that the law below needs: blocks as git reads them, without searching.
fn apply(before: &[u8], patch: &str) -> Vec<u8> {
    let old = lines(before);
    let (mut out, mut at) = (Vec::new(), 0);
    for line in patch.split_inclusive('\n') {
        if let Some(block) = line.strip_prefix("@@ -") {
            let (start, rest) = block.split_once(',').unwrap();
            let count: usize = rest.split(' ').next().unwrap().parse().unwrap();
            let start = start.parse::<usize>().unwrap() - usize::from(count > 0);
            let start = start.min(old.len());
            assert!(start >= at, "blocks overlap");
            out.extend(old[at..start].concat());
            at = start;
        } else if line.starts_with('\\') {
            assert_eq!(out.pop(), Some(b'\n'));
        } else if let Some(text) = line.strip_prefix(' ') {
            out.extend(text.as_bytes());
            at += 1;
        } else if line.starts_with('-') && !line.starts_with("--- ") {
            at += 1;
            // A removed line without an end is not in `out`; its mark must not cut what is.
            if !old[at - 1].ends_with(b"\n") {
                out.push(b'\n');
            }
        } else if let Some(text) = line.strip_prefix('+').filter(|_| !line.starts_with("+++ ")) {
            out.extend(text.as_bytes());
        }
    }
    out.extend(old[at..].concat());
    out
}

proptest! {
    #[test]
    fn a_patch_of_two_texts_applied_to_the_first_gives_the_second(a in "[abc\n]{0,60}", b in "[abc\n]{0,60}") {
        let patch = check("f", None, plain(&a), plain(&b));
        prop_assert_eq!(apply(a.as_bytes(), &patch), b.into_bytes());
    }
}

proptest! {
    // A process a case.
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn git_applies_the_patch_of_any_two_texts(a in "([ab]\r?\n){0,16}[ab]?", b in "([ab]\r?\n){0,16}[ab]?") {
        let patch = check("f", None, plain(&a), plain(&b));
        if a != b {
            prop_assert_eq!(git(&patch, "f", plain(&a), "f").unwrap().0, b.into_bytes());
        }
    }
}
