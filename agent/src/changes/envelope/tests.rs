//! What a patch says is what is read, in both forms, and what could mean two things is refused with its line.
use proptest::prelude::*;

use super::*;

fn hunk(line: usize, anchors: &[&str], lines: &[&str]) -> PatchHunk {
    PatchHunk {
        line,
        anchors: anchors.iter().map(|anchor| (*anchor).to_owned()).collect(),
        lines: lines.iter().map(|line| marked(line).unwrap()).collect(),
        ..PatchHunk::default()
    }
}

fn update(path: &str, to: Option<&str>, hunks: Vec<PatchHunk>) -> FilePatch {
    FilePatch { path: path.to_owned(), what: Asked::Update { to: to.map(str::to_owned), hunks } }
}

#[test]
fn every_kind_of_section_is_read() {
    let text = "*** Begin Patch\n*** Add File: new.txt\n+one\n+\n+two\n*** Update File: src/a.rs\n*** Move to: src/b.rs\n\
                @@ impl A\n@@ fn f() {\n \n-old\n+new\n@@\n-x\n\n*** End of File\n\n*** Delete File: gone.txt\n*** End Patch\n";
    let last = PatchHunk { at_end: true, ..hunk(13, &[], &["-x", ""]) };
    assert_eq!(
        parse(text).unwrap(),
        [
            FilePatch { path: "new.txt".to_owned(), what: Asked::Add("one\n\ntwo\n".to_owned()) },
            update(
                "src/a.rs",
                Some("src/b.rs"),
                vec![hunk(8, &["impl A", "fn f() {"], &[" ", "-old", "+new"]), last]
            ),
            FilePatch { path: "gone.txt".to_owned(), what: Asked::Delete },
        ]
    );
}

#[test]
fn what_cannot_be_misread_is_tolerated() {
    let check = |text: &str| parse(text).unwrap();
    let plain = check("*** Begin Patch\n*** Update File: a\n@@\n x\n-y\n+z\n*** End Patch");
    assert_eq!(plain, [update("a", None, vec![hunk(3, &[], &[" x", "-y", "+z"])])]);
    // A fence, a shell command around it, CRLF, blanks behind a header, no `@@` at all.
    let fenced = check("```diff\n*** Begin Patch\n*** Update File: a\n@@\n x\n-y\n+z\n*** End Patch\n```\n");
    let shell = check(
        "apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: a  \n x\n-y\n+z\n\n*** End Patch\nEOF\n",
    );
    let crlf = check("*** Begin Patch\r\n*** Update File: a\r\n@@\r\n x\r\n-y\r\n+z\r\n*** End Patch\r\n");
    for other in [fenced, shell, crlf] {
        let Asked::Update { hunks, .. } = &other[0].what else { panic!() };
        assert_eq!(
            (other.len(), other[0].path.as_str(), &hunks[0].lines),
            (1, "a", &hunk(0, &[], &[" x", "-y", "+z"]).lines)
        );
    }
    // A header that is repeated means the same file.
    let twice = check("*** Begin Patch\n*** Update File: a\n-x\n*** Update File: a\n-y\n*** End Patch");
    assert_eq!(twice, [update("a", None, vec![hunk(3, &[], &["-x"]), hunk(5, &[], &["-y"])])]);
}

#[test]
fn a_unified_diff_says_the_same() {
    let text = "diff --git a/a b/a\nindex 1..2 100644\n--- a/a\n+++ b/a\n@@ -7,3 +9,3 @@ fn f() {\n x\n-y\n+z\n@@ -40 +40 @@\n-last\n\
                \\ No newline at end of file\n+last\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+n\n\\ No newline at end of file\n\
                --- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-g\n--- old\n+++ other\n@@\n-1\n+2\n";
    let last = PatchHunk { at_end: true, final_newline: Some(true), ..hunk(9, &[], &["-last", "+last"]) };
    assert_eq!(
        parse(text).unwrap(),
        [
            update("a", None, vec![hunk(5, &["fn f() {"], &[" x", "-y", "+z"]), last]),
            FilePatch { path: "new".to_owned(), what: Asked::Add("n".to_owned()) },
            FilePatch { path: "gone".to_owned(), what: Asked::Delete },
            update("old", Some("other"), vec![hunk(24, &[], &["-1", "+2"])]),
        ]
    );
}

#[test]
fn what_could_mean_two_things_is_refused_with_its_line() {
    let check = |text: &str| parse(text).unwrap_err().to_string();
    let inside = |text: &str| check(&format!("*** Begin Patch\n{text}\n*** End Patch"));
    assert!(check("replace x by y").starts_with("this is no patch: it has to begin with `*** Begin Patch`"));
    assert!(check("*** Begin Patch\n*** Update File: a\n-x\n").contains("may have been cut"));
    assert_eq!(inside(""), "the patch names no file");
    assert!(
        inside("*** Change File: a\n-x")
            .starts_with("line 2 of the patch, `*** Change File: a`, is no header")
    );
    assert!(inside("*** Add File: a\n+x\ny").starts_with("line 4 of the patch, `y`, has to begin with `+`"));
    assert!(
        inside("*** Update File: a\n x\ny")
            .starts_with("line 4 of the patch, `y`, has to begin with a blank")
    );
    assert!(
        inside("*** Update File: a\n x").starts_with("line 2 of the patch: nothing is to be changed in `a`")
    );
    assert!(check("diff --git a/a b/b\nrename from a\nrename to b\n").contains("has no lines"));
    assert!(
        check("diff --git a/a b/a\nold mode 100644\nnew mode 100755\n--- a/a\n+++ b/a\n@@\n-x\n")
            .contains("use the shell")
    );
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "([-+ @*]{0,3}( ?(Begin|End|Update|Add) (Patch|File): ?)?[ab]?\r?\n){0,12}", cut in 0_usize..200) {
        drop(parse(&text));
        let whole = format!("*** Begin Patch\n*** Update File: a\n{text}*** End Patch\n");
        drop(parse(&whole));
        drop(parse(whole.get(..cut).unwrap_or(&whole)));
        drop(parse(&format!("--- a\n+++ b\n{text}")));
    }
}
