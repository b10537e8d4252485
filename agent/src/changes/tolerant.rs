//! Finding whole lines that differ from a text in white space only, and lines that look like it. Not here: deciding when
//! that is allowed (`edit`).
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// How many lines are compared to say what is nearest; beyond that the hint is not worth its time.
const NEAR_LINES_MAX: usize = 5_000;

/// How many near lines are named, and how much of each, in characters.
const NEAR_MAX: usize = 2;
const NEAR_CHARS_MAX: usize = 160;

/// Below this likeness (0–1) a line is no help.
const LIKENESS_MIN: f64 = 0.5;

/// Why there is no one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// There is none.
    NotFound,
    /// There are these.
    NotUnique(Vec<Range<usize>>),
}

/// Finds the one run of whole lines that equals the lines of `find` when every run of white space counts as one blank and
/// that at either end as none. The range ends before the last line's end unless `find` ends with one too.
pub(super) fn find(old: &[u8], find: &str) -> Result<Range<usize>, Failure> {
    let wanted: Vec<String> = find.lines().map(normal).collect();
    if wanted.iter().all(String::is_empty) {
        return Err(Failure::NotFound);
    }
    let lines = line_ranges(old);
    let normals: Vec<String> = lines.iter().map(|line| normal(&text(&old[line.clone()]))).collect();
    let mut places: Vec<_> = (0..(lines.len() + 1).saturating_sub(wanted.len()))
        .filter(|first| normals[*first..*first + wanted.len()] == wanted)
        .map(|first| {
            let (start, last) = (lines[first].start, lines[first + wanted.len() - 1].clone());
            let end =
                if find.ends_with('\n') { last.end } else { last.start + trim_line_end(&old[last]).len() };
            start..end
        })
        .collect();
    match places.len() {
        0 => Err(Failure::NotFound),
        1 => Ok(places.remove(0)),
        _ => Err(Failure::NotUnique(places)),
    }
}

/// Gives `replace` the indentation of the place it goes to. An indentation that `find` has on some line becomes what the
/// file has on that line; any other keeps its distance if the file's differs from `find`'s by one and the same beginning.
pub(super) fn reindent(place: &[u8], find: &str, replace: &str) -> String {
    let place = text(place);
    let mut map: BTreeMap<&str, &str> = BTreeMap::new();
    for (theirs, ours) in find.lines().zip(place.lines()).filter(|(line, _)| !line.trim().is_empty()) {
        map.entry(indent(theirs)).or_insert(indent(ours));
    }
    let shift = map.iter().next().and_then(|(theirs, ours)| {
        let added = ours.strip_suffix(theirs);
        let removed = theirs.strip_suffix(ours);
        match (added, removed) {
            (Some(added), _) if map.iter().all(|(t, o)| o.strip_prefix(added) == Some(t)) => {
                Some((added, ""))
            }
            (None, Some(removed)) if map.iter().all(|(t, o)| t.strip_prefix(removed) == Some(o)) => {
                Some(("", removed))
            }
            _ => None,
        }
    });
    let mut out = String::with_capacity(replace.len());
    for line in replace.split_inclusive('\n') {
        let blank = line.trim().is_empty();
        let own = indent(line);
        match (map.get(own), shift) {
            _ if blank => out.push_str(line),
            (Some(ours), _) => {
                out.push_str(ours);
                out.push_str(&line[own.len()..]);
            }
            (None, Some((added, removed))) => {
                out.push_str(added);
                out.push_str(line.strip_prefix(removed).unwrap_or(line));
            }
            (None, None) => out.push_str(line),
        }
    }
    // The text to find ended its last line and the file does not: nor does what replaces it.
    if find.ends_with('\n') && !place.ends_with('\n') && out.ends_with('\n') {
        out.truncate(trim_line_end(out.as_bytes()).len());
    }
    out
}

/// Returns the lines of the file most like the first line of `find` that says something: number from 1, and text.
pub(super) fn nearest(old: &[u8], find: &str) -> Vec<(usize, String)> {
    let Some(wanted) = find.lines().map(normal).find(|line| !line.is_empty()).map(|line| cut(&line)) else {
        return Vec::new();
    };
    let mut best: Vec<(f64, usize, String)> = Vec::new();
    for (index, line) in line_ranges(old).into_iter().take(NEAR_LINES_MAX).enumerate() {
        let shown = cut(trim_line_end_text(&text(&old[line])).trim());
        let likeness = strsim::sorensen_dice(&wanted, &shown);
        if likeness >= LIKENESS_MIN {
            best.push((likeness, index + 1, shown));
        }
    }
    // The most alike first, and among equals the first in the file.
    best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    best.into_iter().take(NEAR_MAX).map(|(_, line, text)| (line, text)).collect()
}

fn cut(line: &str) -> String {
    line.chars().take(NEAR_CHARS_MAX).collect()
}

/// Returns a line with every run of white space as one blank, and none at either end.
pub(super) fn normal(line: &str) -> String {
    line.trim_start_matches('\u{feff}').split_whitespace().collect::<Vec<_>>().join(" ")
}

fn indent(line: &str) -> &str {
    let rest = line.trim_start_matches([' ', '\t']);
    &line[..line.len() - rest.len()]
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn trim_line_end_text(line: &str) -> &str {
    line.trim_end_matches(['\n', '\r'])
}

/// Returns the ranges of all lines, their ends included. A BOM is no part of the first line, so that it is never replaced.
fn line_ranges(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut start = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut lines = Vec::new();
    while start < bytes.len() {
        let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at + 1);
        lines.push(start..end);
        start = end;
    }
    lines
}
