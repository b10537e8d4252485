//! Where the hunks of a patch belong in a file, and the file with them. Not here: reading a patch (`envelope`).
//!
//! A hunk belongs where its lines stand, and nowhere else: at the one place where they do, or the first behind the lines that it
//! names. Lines that differ in white space only are taken where no others are and the place is the only one, as an edit's are.
//! What is written is exactly the lines that come; every line that stays is copied from the file.
use std::ops::Range;

use crate::changes::diff::lines;
use crate::changes::edit::uses_crlf;
use crate::changes::envelope::{Mark, PatchHunk};
use crate::changes::tolerant::{nearest, normal, reindent};

/// How many places an error names.
const PLACES_MAX: usize = 5;

/// The byte order mark of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A file with all hunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patched {
    /// The new contents.
    pub(crate) bytes: Vec<u8>,
    /// The hunks, counted from 1, that were placed in spite of white space. It must be said to the model.
    pub(crate) tolerated: Vec<usize>,
}

/// Why a hunk has no place. Each message tells the model what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hunk {hunk} (line {line} of the patch) {why}")]
pub(crate) struct PlaceError {
    /// Which hunk of the file, from 1.
    pub(crate) hunk: usize,
    /// Where it stands in the patch, from 1.
    pub(crate) line: usize,
    /// Why.
    pub(crate) why: Why,
}

/// What is wrong with the place of a hunk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Why {
    /// Its lines are not in the file.
    #[error("is not in the file: expected{}", instead(.expected, .found))]
    NotFound {
        /// The first line that is not where it should be.
        expected: String,
        /// The line, from 1, where it should be, and what stands there.
        found: Vec<(usize, String)>,
    },
    /// Its lines are there more than once.
    #[error("fits in {count} places, at line {}; add lines around it, or name the line that it stands behind with `@@ LINE`", numbers(.lines))]
    NotUnique {
        /// How often.
        count: usize,
        /// The first of them, from 1.
        lines: Vec<usize>,
    },
    /// It only adds, and does not say where.
    #[error("adds lines and does not say where: begin it with a line of the file that stands before them")]
    Nowhere,
    /// It changes what another hunk changes.
    #[error("changes lines that another hunk of the patch changes too; make one hunk of the two")]
    Overlap,
}

fn instead(expected: &str, found: &[(usize, String)]) -> String {
    let near: Vec<String> = found.iter().map(|(line, text)| format!("line {line} is `{text}`")).collect();
    let near = if near.is_empty() { "nothing in it is like that".to_owned() } else { near.join(", ") };
    format!(" `{expected}`, and {near}. Read the file again and copy its lines exactly")
}

fn numbers(lines: &[usize]) -> String {
    lines.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

/// Lines that become others.
#[derive(Debug)]
struct Edit {
    lines: Range<usize>,
    new: Vec<String>,
    hunk: usize,
}

/// Finds the place of every hunk and makes the file that they ask for.
///
/// # Errors
/// See [`Why`]; nothing of the patch is done then.
pub(crate) fn patched(old: &[u8], hunks: &[PatchHunk]) -> Result<Patched, PlaceError> {
    // A mark at the beginning is no part of the first line.
    let (mark, old) = old.split_at(if old.starts_with(BOM) { BOM.len() } else { 0 });
    let file = File::new(old);
    let (mut edits, mut tolerated, mut from) = (Vec::new(), Vec::new(), 0);
    for (index, hunk) in hunks.iter().enumerate() {
        let fail = |why| PlaceError { hunk: index + 1, line: hunk.line, why };
        let found = file.place(hunk, from).map_err(fail)?;
        if !found.is_exact {
            tolerated.push(index + 1);
        }
        from = found.lines.end;
        edits.extend(file.edits(hunk, index, &found));
    }
    // Insertions come before what begins on the same line.
    edits.sort_by_key(|edit: &Edit| (edit.lines.start, edit.lines.end));
    for pair in edits.windows(2) {
        let [one, other] = pair else { continue };
        let meet = other.lines.start < one.lines.end || one.lines == other.lines;
        if meet && one.hunk != other.hunk {
            let hunk = one.hunk.max(other.hunk);
            return Err(PlaceError { hunk: hunk + 1, line: hunks[hunk].line, why: Why::Overlap });
        }
    }
    let ends = hunks.iter().rev().find_map(|hunk| hunk.final_newline);
    Ok(Patched { bytes: [mark, &file.with(&edits, ends)].concat(), tolerated })
}

/// Where a hunk was found.
#[derive(Debug)]
struct Place {
    lines: Range<usize>,
    is_exact: bool,
}

/// A file as lines.
#[derive(Debug)]
struct File<'a> {
    bytes: &'a [u8],
    /// Each with its end.
    lines: Vec<&'a [u8]>,
    /// Each as a patch names it: without its end.
    texts: Vec<&'a [u8]>,
}

fn bare(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

impl<'a> File<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let lines = lines(bytes);
        let texts = lines.iter().map(|line| bare(line)).collect();
        Self { bytes, lines, texts }
    }

    fn place(&self, hunk: &PatchHunk, from: usize) -> Result<Place, Why> {
        let old: Vec<&str> = hunk.old().collect();
        if old.is_empty() {
            return self.insertion(hunk);
        }
        let is = |at: usize, line: &str| {
            let text = self.texts[at];
            text == line.as_bytes() || line.strip_suffix('\r').is_some_and(|line| line.as_bytes() == text)
        };
        let exact = self.places(&old, hunk, is);
        if let Some(start) = self.choose(&exact, hunk, from)? {
            return Ok(Place { lines: start..start + old.len(), is_exact: true });
        }
        let normals: Vec<String> = old.iter().map(|line| normal(line)).collect();
        if normals.iter().any(|line| !line.is_empty()) {
            let file: Vec<String> =
                self.texts.iter().map(|line| normal(&String::from_utf8_lossy(line))).collect();
            let alike = (0..(file.len() + 1).saturating_sub(normals.len()))
                .filter(|start| file[*start..*start + normals.len()] == normals)
                .collect::<Vec<usize>>();
            match alike.as_slice() {
                [] => {}
                [start] => return Ok(Place { lines: *start..*start + old.len(), is_exact: false }),
                [..] => return Err(not_unique(&alike)),
            }
        }
        Err(self.not_found(&old))
    }

    /// Returns the first lines of the places where all old lines stand.
    fn places(&self, old: &[&str], hunk: &PatchHunk, is: impl Fn(usize, &str) -> bool) -> Vec<usize> {
        let last = (self.texts.len() + 1).saturating_sub(old.len());
        let first = if hunk.at_end { last.saturating_sub(1) } else { 0 };
        let fits = |start: &usize| old.iter().enumerate().all(|(line, text)| is(start + line, text));
        (first..last).filter(fits).collect()
    }

    /// Chooses among places: the only one, the only one that is left behind the hunk before, or the first behind the lines that
    /// the hunk names.
    fn choose(&self, places: &[usize], hunk: &PatchHunk, from: usize) -> Result<Option<usize>, Why> {
        let behind: Vec<usize> = places.iter().copied().filter(|start| *start >= from).collect();
        match (places, behind.as_slice()) {
            ([], _) => Ok(None),
            ([only], _) | (_, [only]) => Ok(Some(*only)),
            _ if hunk.anchors.is_empty() => Err(not_unique(places)),
            _ => {
                let anchor = self.anchor(hunk).ok_or_else(|| not_unique(places))?;
                let first = |from: usize| places.iter().copied().find(|start| *start >= from);
                first(anchor.max(from))
                    .or_else(|| first(anchor))
                    .map_or_else(|| Err(not_unique(places)), |start| Ok(Some(start)))
            }
        }
    }

    /// Returns the last of the lines that a hunk names, each looked for behind the one before; it may be one of the hunk's own.
    fn anchor(&self, hunk: &PatchHunk) -> Option<usize> {
        let mut at = 0;
        for anchor in &hunk.anchors {
            at = *self.named(anchor, at).first()?;
        }
        Some(at)
    }

    /// Returns the lines, from one on, that are this text but for blanks around it; where there are none, those that begin with
    /// it.
    fn named(&self, text: &str, from: usize) -> Vec<usize> {
        let with = |is: &dyn Fn(&str) -> bool| -> Vec<usize> {
            let lines = self.texts.iter().enumerate().skip(from);
            lines.filter(|(_, line)| is(String::from_utf8_lossy(line).trim())).map(|(at, _)| at).collect()
        };
        let whole = with(&|line| line == text);
        if whole.is_empty() { with(&|line| line.starts_with(text)) } else { whole }
    }

    /// A hunk that only adds: behind the one line that it names, or at the end.
    fn insertion(&self, hunk: &PatchHunk) -> Result<Place, Why> {
        let at = match hunk.anchors.split_last() {
            _ if hunk.at_end || self.lines.is_empty() => self.lines.len(),
            None => return Err(Why::Nowhere),
            Some((last, outer)) => {
                let outer = PatchHunk { anchors: outer.to_vec(), ..PatchHunk::default() };
                match self.named(last, self.anchor(&outer).ok_or(Why::Nowhere)?).as_slice() {
                    [] => return Err(Why::Nowhere),
                    [only] => only + 1,
                    places @ [..] => return Err(not_unique(places)),
                }
            }
        };
        Ok(Place { lines: at..at, is_exact: true })
    }

    /// Says how far the best place goes.
    fn not_found(&self, old: &[&str]) -> Why {
        let fits = |start: usize| {
            let lines = old.iter().zip(self.texts.iter().skip(start));
            lines.take_while(|(line, text)| line.as_bytes() == **text).count()
        };
        let best = (0..self.texts.len()).map(|start| (fits(start), start));
        let best = best.max_by_key(|(count, start)| (*count, usize::MAX - start));
        // A place where nothing but empty lines agree is none.
        let says = |count: usize| old.iter().take(count).any(|line| !line.trim().is_empty());
        if let Some((count, start)) = best.filter(|(count, _)| says(*count)) {
            let there = self.texts.get(start + count).map(|text| String::from_utf8_lossy(text).into_owned());
            let there = there.unwrap_or_else(|| "the end of the file".to_owned());
            let expected = old.get(count).copied().unwrap_or_default().to_owned();
            return Why::NotFound { expected, found: vec![(start + count + 1, there)] };
        }
        let first = old.iter().find(|line| !line.trim().is_empty()).copied().unwrap_or_default();
        Why::NotFound { expected: first.to_owned(), found: nearest(self.bytes, first) }
    }

    /// Returns what a hunk makes of the lines where it was found.
    fn edits(&self, hunk: &PatchHunk, index: usize, place: &Place) -> Vec<Edit> {
        let mut added: Vec<String> =
            hunk.lines.iter().filter(|(mark, _)| *mark == Mark::Add).map(|(_, line)| line.clone()).collect();
        if !place.is_exact && !added.is_empty() {
            // What comes is indented as what it stands between.
            let find = hunk.old().collect::<Vec<_>>().join("\n");
            let adapted = reindent(&self.lines[place.lines.clone()].concat(), &find, &added.join("\n"));
            added = adapted.split('\n').map(str::to_owned).collect();
        }
        let (mut at, mut added, mut edits) = (place.lines.start, added.into_iter(), Vec::new());
        let mut open: Option<Edit> = None;
        for (mark, _) in &hunk.lines {
            if *mark == Mark::Keep {
                edits.extend(open.take());
                at += 1;
                continue;
            }
            let edit = open.get_or_insert_with(|| Edit { lines: at..at, new: Vec::new(), hunk: index });
            if *mark == Mark::Remove {
                at += 1;
                edit.lines.end = at;
            } else {
                edit.new.extend(added.next());
            }
        }
        edits.extend(open);
        edits
    }

    /// Returns the file with edits, in order.
    fn with(&self, edits: &[Edit], final_newline: Option<bool>) -> Vec<u8> {
        let end: &[u8] = if uses_crlf(self.bytes) { b"\r\n" } else { b"\n" };
        let ended = self.lines.last().is_none_or(|line| line.ends_with(b"\n"));
        let mut out: Vec<u8> = Vec::with_capacity(self.bytes.len());
        let push = |out: &mut Vec<u8>, line: &[u8]| {
            if !out.is_empty() && !out.ends_with(b"\n") {
                out.extend_from_slice(end);
            }
            out.extend_from_slice(line);
        };
        let mut at = 0;
        for edit in edits {
            self.lines[at..edit.lines.start].iter().for_each(|line| push(&mut out, line));
            for line in &edit.new {
                push(&mut out, line.strip_suffix('\r').unwrap_or(line).as_bytes());
                out.extend_from_slice(end);
            }
            at = edit.lines.end;
        }
        self.lines[at..].iter().for_each(|line| push(&mut out, line));
        match final_newline.unwrap_or(ended) {
            true if !out.is_empty() && !out.ends_with(b"\n") => out.extend_from_slice(end),
            true => {}
            false => out.truncate(bare(&out).len()),
        }
        out
    }
}

fn not_unique(places: &[usize]) -> Why {
    Why::NotUnique { count: places.len(), lines: places.iter().take(PLACES_MAX).map(|at| at + 1).collect() }
}

impl PatchHunk {
    /// Returns the lines that the file has where this belongs.
    fn old(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter(|(mark, _)| *mark != Mark::Add).map(|(_, line)| line.as_str())
    }
}

#[cfg(test)]
mod tests;
