//! What a search finds, leaves out, and says about itself.
use std::fs;
use std::time::Duration;

use super::*;

fn tree(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Root) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let root = Root::open(folder.path()).unwrap();
    (folder, root)
}

fn check(root: &Root, pattern: &str, options: &GrepOptions) -> Vec<String> {
    let report = grep(root, pattern, options, &Stop::after(Duration::from_mins(1))).unwrap();
    assert!(!report.stopped);
    let mut lines: Vec<_> =
        report.matches.iter().map(|m| format!("{}:{}:{}", m.path, m.line, m.text)).collect();
    if report.truncated {
        lines.push("…".to_owned());
    }
    lines
}

#[test]
fn it_finds_text_and_leaves_out_what_is_ignored_binary_or_gits() {
    let (_folder, root) = tree(&[
        ("b.txt", b"none\r\nneedle here\r\n"),
        ("a/z.rs", b"needle\n"),
        (".hidden", b"Needle"),
        ("bin", b"needle\n\0"),
        (".gitignore", b"out/\n"),
        ("out/x", b"needle"),
        (".git/config", b"needle"),
        ("a/.gitignore", b"*.log\n"),
        ("a/y.log", b"needle"),
    ]);
    let plain = GrepOptions::default();
    assert_eq!(check(&root, "needle", &plain), ["a/z.rs:1:needle", "b.txt:2:needle here"]);
    let any_case = GrepOptions { ignore_case: true, ..plain.clone() };
    assert_eq!(check(&root, "^needle$", &any_case), [".hidden:1:Needle", "a/z.rs:1:needle"]);
    let rust = GrepOptions { glob: Some("*.rs".to_owned()), ..plain.clone() };
    assert_eq!(check(&root, "needle", &rust), ["a/z.rs:1:needle"]);
    let named = GrepOptions { path: RelPath::parse("out/x").unwrap(), ..plain.clone() };
    assert_eq!(check(&root, "needle", &named), ["out/x:1:needle"]);
    let below = GrepOptions { path: RelPath::parse("a").unwrap(), ..plain };
    assert_eq!(check(&root, "needle", &below), ["a/z.rs:1:needle"]);
}

#[test]
fn literal_text_is_no_expression_and_a_bad_expression_is_an_error() {
    let (_folder, root) = tree(&[("f", b"a.b\naxb\n(")]);
    assert_eq!(check(&root, "a.b", &GrepOptions { literal: true, ..GrepOptions::default() }), ["f:1:a.b"]);
    let stop = Stop::after(Duration::from_mins(1));
    assert!(matches!(grep(&root, "(", &GrepOptions::default(), &stop), Err(GrepError::Pattern(_))));
    let glob = GrepOptions { glob: Some("[".to_owned()), ..GrepOptions::default() };
    assert!(matches!(grep(&root, "a", &glob, &stop), Err(GrepError::Glob(_))));
    let gone = GrepOptions { path: RelPath::parse("gone").unwrap(), ..GrepOptions::default() };
    assert!(matches!(grep(&root, "a", &gone, &stop), Err(GrepError::File(FileError::NotFound(_)))));
}

#[test]
fn the_first_matches_by_path_are_kept_and_the_rest_is_said() {
    let many: Vec<(String, Vec<u8>)> =
        (0..200).map(|n| (format!("d{}/f{n:03}", n % 7), b"hit\nhit\nmiss\n".to_vec())).collect();
    let files: Vec<(&str, &[u8])> =
        many.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let (_folder, root) = tree(&files);
    let options = |matches_max| GrepOptions { matches_max, ..GrepOptions::default() };
    for _ in 0..5 {
        assert_eq!(
            check(&root, "hit", &options(3)),
            ["d0/f000:1:hit", "d0/f000:2:hit", "d0/f007:1:hit", "…"]
        );
    }
    assert_eq!(check(&root, "hit", &options(400)).len(), 400);
    assert_eq!(check(&root, "hit", &options(399)).len(), 400, "399 and the mark");
}

#[test]
fn a_long_line_is_cut_around_its_match() {
    let line = format!("{}needle{}", "é".repeat(40_000), "x".repeat(40_000));
    let (_folder, root) =
        tree(&[("min.js", line.as_bytes()), ("large", &[line.as_bytes(), &vec![b'\n'; 1 << 20]].concat())]);
    let report =
        grep(&root, "needle", &GrepOptions::default(), &Stop::after(Duration::from_mins(1))).unwrap();
    assert_eq!(report.matches.len(), 2);
    for found in report.matches {
        assert!(
            found.cut && found.text.contains("needle") && found.text.len() <= LINE_BYTES_MAX + 4,
            "{found:?}"
        );
    }
}

#[test]
fn a_stop_that_is_due_ends_the_search_and_says_so() {
    let (_folder, root) = tree(&[("f", b"hit")]);
    let stop = Stop::after(Duration::from_mins(1));
    stop.cancel();
    let report = grep(&root, "hit", &GrepOptions::default(), &stop).unwrap();
    assert!(report.stopped && report.matches.is_empty());
}

#[test]
fn links_are_not_searched_and_a_fifo_neither_blocks_nor_hides() {
    let (folder, root) = tree(&[("f", b"hit"), ("d/g", b"hit"), ("trap/g", b"hit")]);
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x"), "hit").unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
    std::os::unix::fs::symlink("f", folder.path().join("alias")).unwrap();
    let fifo = |name: &str| {
        rustix::fs::mknodat(
            rustix::fs::CWD,
            folder.path().join(name),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
    };
    fifo("pipe");
    fifo("trap/.gitignore");
    assert_eq!(check(&root, "hit", &GrepOptions::default()), ["d/g:1:hit", "f:1:hit"]);
    let out = GrepOptions { path: RelPath::parse("out").unwrap(), ..GrepOptions::default() };
    let stop = Stop::after(Duration::from_mins(1));
    assert!(matches!(grep(&root, "hit", &out, &stop), Err(GrepError::File(FileError::Outside(_)))));
    let pipe = GrepOptions { path: RelPath::parse("pipe").unwrap(), ..GrepOptions::default() };
    assert!(matches!(grep(&root, "hit", &pipe, &stop), Err(GrepError::File(FileError::Special(_)))));
}
