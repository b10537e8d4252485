//! Replacing text in a file as a model asks for it. Not here: reading or writing the file.
//!
//! Bytes are kept: what is not matched is copied as it is, BOM, line ends and a missing final newline included. Contents
//! need not be UTF-8.
use std::ops::Range;

use memchr::memmem;

use crate::changes::tolerant;

/// How many places an error names before it says "and more".
const PLACES_MAX: usize = 10;

/// Whether one place or every place is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The text must occur exactly once.
    Unique,
    /// Every occurrence is replaced.
    All,
}

/// How the text was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matched {
    /// Byte for byte, line ends apart.
    Exact,
    /// Whole lines that differ in white space only; the replacement's indentation was adapted to the file's.
    Whitespace,
}

/// An edit worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edited {
    /// The new contents.
    pub(crate) bytes: Vec<u8>,
    /// How the text was found. Anything but exact must be said to the model.
    pub(crate) matched: Matched,
    /// How many places were replaced.
    pub(crate) count: usize,
}

/// Why an edit was not made. Each message tells the model what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EditError {
    /// There is nothing to look for.
    #[error("the text to replace is empty; use write to create a file or replace it whole")]
    Empty,
    /// The edit changes nothing.
    #[error("the text to replace and its replacement are the same; nothing to do")]
    NoChange,
    /// The text is not there.
    #[error("the text to replace is not in the file{}; read the file again and copy the text exactly", near_text(.near))]
    NotFound {
        /// The lines that look most like its first line: number from 1, and text.
        near: Vec<(usize, String)>,
    },
    /// The text is there more than once.
    #[error(
        "the text to replace occurs {count} times, at {}; add lines around it until it is unique, or set `all`",
        lines_text(.lines, *.count)
    )]
    NotUnique {
        /// How often.
        count: usize,
        /// On which lines, from 1; the first ten.
        lines: Vec<usize>,
    },
    /// The text is not there, and ignoring white space it is there more than once.
    #[error(
        "the text to replace is not in the file exactly; ignoring white space it occurs {count} times, at {}; \
         read the file again and copy the text exactly, with lines around it that make it unique",
        lines_text(.lines, *.count)
    )]
    Tolerant {
        /// How often.
        count: usize,
        /// On which lines, from 1; the first ten.
        lines: Vec<usize>,
    },
}

/// Replaces `find` with `replace`. An exact match comes first, line ends apart: text with `\n` matches a file with CRLF, and
/// what replaces it gets CRLF. Without one, whole lines that differ in white space only are taken if there is exactly one
/// such place, whatever `scope` says.
///
/// # Errors
/// Nothing to look for, nothing to change, not found, or not unique.
pub(crate) fn apply(old: &[u8], find: &str, replace: &str, scope: Scope) -> Result<Edited, EditError> {
    if find.is_empty() {
        return Err(EditError::Empty);
    }
    if find == replace {
        return Err(EditError::NoChange);
    }
    let found = exact(old, find);
    let (places, matched) = match (found.len(), scope) {
        (0, _) => (
            vec![tolerant::find(old, find).map_err(|error| with_near(error, old, find))?],
            Matched::Whitespace,
        ),
        (1, _) | (_, Scope::All) => (found, Matched::Exact),
        (count, Scope::Unique) => return Err(EditError::NotUnique { count, lines: lines_of(old, &found) }),
    };
    let mut bytes = Vec::with_capacity(old.len() + replace.len());
    let (mut copied, mut count) = (0, 0);
    for place in places {
        let Some(between) = old.get(copied..place.start) else { continue };
        bytes.extend_from_slice(between);
        count += 1;
        let text = match matched {
            Matched::Exact => replace.to_owned(),
            Matched::Whitespace => tolerant::reindent(&old[place.clone()], find, replace),
        };
        bytes.extend_from_slice(with_line_ends(&text, find, old, &place).as_bytes());
        copied = place.end;
    }
    bytes.extend_from_slice(&old[copied..]);
    if bytes == old { Err(EditError::NoChange) } else { Ok(Edited { bytes, matched, count }) }
}

/// Finds all places byte for byte; if there is none, with `\n` standing for CRLF. Places do not overlap, except
/// that a second one which overlaps the first is returned too, so that "unique" is not claimed.
fn exact(old: &[u8], find: &str) -> Vec<Range<usize>> {
    let places = occurrences(old, find);
    if !places.is_empty() || !find.contains('\n') {
        return places;
    }
    occurrences(old, &crlf(find))
}

fn occurrences(old: &[u8], find: &str) -> Vec<Range<usize>> {
    let places: Vec<_> = memmem::find_iter(old, find).map(|at| at..at + find.len()).collect();
    let [only] = places.as_slice() else { return places };
    let again = memmem::find(&old[only.start + 1..], find.as_bytes()).map(|at| at + only.start + 1);
    places.iter().cloned().chain(again.map(|at| at..at + find.len())).collect()
}

/// Gives the bare `\n` of a replacement the line ends of the place it goes to. A text to find that names `\r` itself shows
/// that its author means line ends literally.
fn with_line_ends(text: &str, find: &str, old: &[u8], place: &Range<usize>) -> String {
    if find.contains('\r') || !text.contains('\n') {
        return text.to_owned();
    }
    let around = &old[place.clone()];
    let sample = if memchr::memchr(b'\n', around).is_some() { around } else { old };
    if uses_crlf(sample) { crlf(text) } else { text.to_owned() }
}

/// Tells whether most line ends are CRLF.
pub(super) fn uses_crlf(bytes: &[u8]) -> bool {
    let all = memchr::memchr_iter(b'\n', bytes).count();
    let crlf = memmem::find_iter(bytes, "\r\n").count();
    crlf * 2 > all
}

fn crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

/// Returns the line numbers, from 1, of the first places.
fn lines_of(old: &[u8], places: &[Range<usize>]) -> Vec<usize> {
    places
        .iter()
        .take(PLACES_MAX)
        .map(|place| memchr::memchr_iter(b'\n', &old[..place.start]).count() + 1)
        .collect()
}

fn with_near(error: tolerant::Failure, old: &[u8], find: &str) -> EditError {
    match error {
        tolerant::Failure::NotFound => EditError::NotFound { near: tolerant::nearest(old, find) },
        tolerant::Failure::NotUnique(places) => {
            EditError::Tolerant { count: places.len(), lines: lines_of(old, &places) }
        }
    }
}

fn near_text(near: &[(usize, String)]) -> String {
    let lines: Vec<_> = near.iter().map(|(line, text)| format!("line {line}: `{text}`")).collect();
    if lines.is_empty() { String::new() } else { format!("; most alike is {}", lines.join(", ")) }
}

fn lines_text(lines: &[usize], count: usize) -> String {
    let numbers: Vec<_> = lines.iter().map(usize::to_string).collect();
    let more = if count > lines.len() { " and more" } else { "" };
    format!("line {}{more}", numbers.join(", "))
}

#[cfg(test)]
mod tests;
