//! Text of files for a model and names for people: pages of numbered lines, escaping, telling binary from text. Not here:
//! limits of whole tool outputs (`tools`).
use std::borrow::Cow;
use std::fmt::Write as _;

use crate::base::deceptive::{is_invisible, steers};

/// The most lines of one page.
pub(crate) const LINES_MAX: usize = 2_000;

/// The most bytes of one page, numbers included.
const PAGE_BYTES_MAX: usize = 50 << 10;

/// The longest part of a line that is shown, in bytes.
const LINE_BYTES_MAX: usize = 2_000;

/// How far into a file a NUL is looked for; what git does.
const BINARY_BYTES_MAX: usize = 8_000;

/// A page of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// The lines, each as its number, a tab and its text.
    pub(crate) text: String,
    /// The number of the first line shown, from 1; one past the end if nothing is.
    pub(crate) first: usize,
    /// The number of the last line shown; `first - 1` if there is none.
    pub(crate) last: usize,
    /// How many lines the file has.
    pub(crate) lines: usize,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<usize>,
    /// How many of the shown lines were cut.
    pub(crate) cut: usize,
}

/// Returns the lines from `offset` (from 1), at most `limit` of them and at most a page.
pub(crate) fn page(text: &str, offset: usize, limit: usize) -> Page {
    let total = text.lines().count();
    let first = offset.max(1).min(total + 1);
    let mut page = Page { text: String::new(), first, last: first - 1, lines: total, next: None, cut: 0 };
    for (index, line) in text.lines().enumerate().skip(first - 1).take(limit.min(LINES_MAX)) {
        let shown = prefix(line, LINE_BYTES_MAX);
        if !page.text.is_empty() && page.text.len() + shown.len() + 8 > PAGE_BYTES_MAX {
            break;
        }
        page.cut += usize::from(shown.len() < line.len());
        page.last = index + 1;
        let mark = if shown.len() < line.len() { "…" } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(page.text, "{:>6}\t{shown}{mark}", index + 1);
    }
    page.next = (page.last < total).then_some(page.last + 1);
    page
}

/// Returns the longest beginning of `text` that has at most `bytes_max` bytes, whole characters only.
fn prefix(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Tells whether contents are binary: a NUL near the beginning.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    memchr::memchr(0, &bytes[..bytes.len().min(BINARY_BYTES_MAX)]).is_some()
}

/// Returns a name as it may be shown to a person: control characters, and those that reorder or hide text, as `\u{…}`, so
/// that a file's name can neither drive a terminal nor pose as another.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_deceptive) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_deceptive(character) { out.extend(character.escape_unicode()) } else { out.push(character) }
    }
    Cow::Owned(out)
}

/// In a name nothing may be hidden.
fn is_deceptive(character: char) -> bool {
    steers(character) || is_invisible(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_numbered_and_says_where_to_go_on() {
        let shown = page("one\ntwo\r\nthree", 2, 1);
        assert_eq!((shown.text.as_str(), shown.first, shown.last, shown.lines), ("     2\ttwo\n", 2, 2, 3));
        assert_eq!(shown.next, Some(3));
        assert_eq!(page("one\ntwo\nthree", 3, 10).next, None);
        let beyond = page("one\n", 9, 10);
        assert_eq!((beyond.first, beyond.last, beyond.next), (2, 1, None));
    }

    #[test]
    fn a_page_is_bounded_in_lines_and_bytes() {
        assert_eq!(page(&"x\n".repeat(5_000), 1, 9_999).last, LINES_MAX);
        let long = page(&format!("{}\n", "é".repeat(3_000)).repeat(100), 1, 100);
        assert_eq!(long.cut, long.last);
        assert!(long.text.len() <= PAGE_BYTES_MAX && long.next == Some(long.last + 1), "{}", long.text.len());
    }

    #[test]
    fn names_cannot_drive_a_terminal() {
        assert_eq!(escape("plain é"), "plain é");
        assert_eq!(escape("a\u{1b}]8;;x\u{7}b\nc"), "a\\u{1b}]8;;x\\u{7}b\\u{a}c");
        assert_eq!(escape("evil\u{202e}txt.exe"), "evil\\u{202e}txt.exe");
    }

    #[test]
    fn a_nul_makes_a_file_binary() {
        assert!(is_binary(b"ab\0c"));
        assert!(!is_binary("grüße\n".as_bytes()));
    }
}
