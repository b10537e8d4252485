//! A Rust file as the rules see it: its text, its code without comments and strings, and which lines are tests.
//!
//! Not here: syntax trees. The rules are about words, and a scan of words reads a thousand files in no time.

mod mask;

use anyhow::{Context, Result};
use std::ops::Range;
use std::path::Path;

/// One Rust file.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Path from the root of the project, with `/` between names.
    pub(crate) path: String,
    /// The text as it is.
    pub(crate) text: String,
    /// The text with comments, strings and characters blanked; the same length in lines.
    code: String,
    /// Lines (from 0) that belong to an item under `#[cfg(test)]`.
    test_lines: Vec<Range<usize>>,
}

impl SourceFile {
    /// Reads the file at `path` beneath `root`.
    pub(crate) fn read(root: &Path, path: &str) -> Result<Self> {
        let text = std::fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"))?;
        Ok(Self::new(path, &text))
    }

    /// Takes a file that is already in memory.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = mask::mask(text);
        let test_lines = test_lines(&code);
        Self { path: path.to_owned(), text: text.to_owned(), code, test_lines }
    }

    /// Returns whether the whole file is tests: `tests.rs`, and everything in the package `tests`.
    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/") || self.path.starts_with("tests/")
    }

    /// Returns the code of every line that is not a test, with its number from 1.
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let everything_is_test = self.is_test();
        let lines = self.code.lines().enumerate();
        lines
            .filter(move |(index, _)| !everything_is_test && !self.is_test_line(*index))
            .map(|(i, l)| (i + 1, l))
    }

    /// Returns the code as one text, the lines of tests left empty, so that lines keep their numbers.
    pub(crate) fn code_text(&self) -> String {
        let everything_is_test = self.is_test();
        let lines = self.code.lines().enumerate();
        let kept = lines.map(|(i, line)| if everything_is_test || self.is_test_line(i) { "" } else { line });
        kept.collect::<Vec<_>>().join("\n")
    }

    /// Returns how many lines there are without tests.
    pub(crate) fn length(&self) -> usize {
        self.code_lines().count()
    }

    /// Returns the lines of the `//!` header.
    pub(crate) fn header(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim)
    }

    /// Returns the top-level module of the agent that this file is part of, if it is part of one.
    pub(crate) fn module(&self) -> Option<&str> {
        let path = self.path.strip_prefix("agent/src/")?;
        let name = path.split('/').next()?;
        let name = name.strip_suffix(".rs").unwrap_or(name);
        Some(name).filter(|name| !matches!(*name, "lib" | "main" | "bench_journal" | "bench_commands"))
    }

    fn is_test_line(&self, index: usize) -> bool {
        self.test_lines.iter().any(|lines| lines.contains(&index))
    }
}

/// Returns the number, from 1, of the line that holds the byte at `at`.
pub(crate) fn line_number(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Returns where `word` stands in `line` as a whole word, as byte offsets.
pub(crate) fn find_word<'a>(line: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = line[..*at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// Returns whether `line` holds `word` as a whole word.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    find_word(line, word).next().is_some()
}

/// Finds the lines of every item under `#[cfg(test)]`: from the attribute to the end of its braces or its semicolon.
fn test_lines(code: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, attribute) in code.match_indices("#[cfg(test)]") {
        let first = code[..at].matches('\n').count();
        if found.last().is_some_and(|lines| lines.contains(&first)) {
            continue;
        }
        let body = &code[at + attribute.len()..];
        let last = first + body[..item_length(body)].matches('\n').count();
        found.push(first..last + 1);
    }
    found
}

/// Returns the length in bytes of the item that `code` starts with.
fn item_length(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && c == '}' {
                    return at;
                }
            }
            ';' if depth == 0 => return at,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_do_not_count() {
        let text = "//! X.\nfn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        let file = SourceFile::new("agent/src/base/x.rs", text);
        assert_eq!(file.length(), 3);
        assert_eq!(file.code_lines().last(), Some((7, "fn c() {}")));
        assert_eq!(file.module(), Some("base"));
    }

    #[test]
    fn a_declared_test_file_ends_at_the_semicolon() {
        let file = SourceFile::new("xtask/src/x.rs", "//! X.\n#[cfg(test)]\nmod tests;\nfn a() {}\n");
        assert_eq!(file.length(), 2);
        assert_eq!(file.module(), None);
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("use crate::wire;", "wire"));
        assert!(!has_word("use crate::wires;", "wire"));
        assert!(!has_word("unsafe_code", "unsafe"));
    }

    #[test]
    fn test_files_are_known_by_name() {
        assert!(SourceFile::new("agent/src/wire/codec/tests.rs", "").is_test());
        assert!(!SourceFile::new("agent/src/wire/codec.rs", "").is_test());
    }
}
