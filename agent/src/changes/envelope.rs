//! A patch as a model writes it, read into what it asks of each file. Not here: finding the places (`place`), and unified diffs
//! (`unified`), which say the same in another form.
//!
//! The form is the one that models know from elsewhere: between `*** Begin Patch` and `*** End Patch` one section a file, and
//! hunks that name their place by lines of context instead of line numbers, which models get wrong. What cannot be misread is
//! tolerated (a fence or a shell command around the patch, blank lines without their blank, CRLF); what could mean two things
//! is an error that names the line.
use crate::changes::unified;

/// What a patch asks of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilePatch {
    /// The file, as the patch names it.
    pub(crate) path: String,
    /// What shall become of it.
    pub(crate) what: Asked,
}

/// What shall become of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It is made, with this text.
    Add(String),
    /// It goes.
    Delete,
    /// Lines of it become others, and it may get another name.
    Update {
        /// The new name, if it gets one.
        to: Option<String>,
        /// The hunks, as they stand in the patch.
        hunks: Vec<PatchHunk>,
    },
}

/// One hunk, its place still to be found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PatchHunk {
    /// The line of the patch on which it begins, from 1.
    pub(crate) line: usize,
    /// Lines of the file behind which it stands, outermost first.
    pub(crate) anchors: Vec<String>,
    /// Its lines, without their ends.
    pub(crate) lines: Vec<(Mark, String)>,
    /// Whether its last line is the file's last.
    pub(crate) at_end: bool,
    /// Whether the file ends with a line end afterwards; `None`: as before.
    pub(crate) final_newline: Option<bool>,
}

/// What a line of a hunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It is there and stays.
    Keep,
    /// It is there and goes.
    Remove,
    /// It comes.
    Add,
}

/// Why a text is no patch. Each message tells the model what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatchError {
    /// It is in no form that is known.
    #[error(
        "this is no patch: it has to begin with `*** Begin Patch`, then for each file `*** Update File: PATH`, `*** Add File: PATH` or \
         `*** Delete File: PATH`, and end with `*** End Patch`"
    )]
    Form,
    /// Its end is missing.
    #[error("the patch does not end with `*** End Patch`, so it may have been cut; send all of it again")]
    Cut,
    /// Nothing is in it.
    #[error("the patch names no file")]
    Empty,
    /// A line does not belong where it stands.
    #[error("line {line} of the patch, `{text}`, {what}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// Its beginning.
        text: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A section has nothing to do.
    #[error(
        "line {line} of the patch: nothing is to be changed in `{path}`; give at least one line that begins with `-` or `+`"
    )]
    Nothing {
        /// The section's first line, from 1.
        line: usize,
        /// The file.
        path: String,
    },
}

/// Characters of a line that an error repeats.
const TEXT_CHARS_MAX: usize = 80;

impl PatchError {
    /// Makes the error about one line, counted from 0.
    pub(super) fn at(index: usize, text: &str, what: &'static str) -> Self {
        Self::Line { line: index + 1, text: text.chars().take(TEXT_CHARS_MAX).collect(), what }
    }
}

/// Reads a patch.
///
/// # Errors
/// See [`PatchError`].
pub(crate) fn parse(text: &str) -> Result<Vec<FilePatch>, PatchError> {
    let lines = lines_of(text);
    let Some(begin) = lines.iter().position(|line| line.trim() == BEGIN) else {
        return unified::parse(&lines);
    };
    let end = lines
        .iter()
        .rposition(|line| line.trim() == END)
        .filter(|end| *end > begin)
        .ok_or(PatchError::Cut)?;
    let mut files: Vec<FilePatch> = Vec::new();
    let mut at = begin + 1;
    while at < end {
        if lines[at].trim().is_empty() {
            at += 1;
            continue;
        }
        let (file, next) = section(&lines[..end], at)?;
        at = next;
        join(&mut files, file);
    }
    if files.is_empty() { Err(PatchError::Empty) } else { Ok(files) }
}

const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";
const END_OF_FILE: &str = "*** End of File";

/// Splits into lines without their ends. CRs are the patch's own line ends where every line has one.
fn lines_of(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.split('\n').collect();
    let ended = lines.len().saturating_sub(1);
    let is_crlf = ended > 0 && lines[..ended].iter().all(|line| line.ends_with('\r'));
    if is_crlf { lines.iter().map(|line| line.strip_suffix('\r').unwrap_or(line)).collect() } else { lines }
}

/// Sections of one file are one: a model that repeats the header means the same file.
fn join(files: &mut Vec<FilePatch>, file: FilePatch) {
    if let Asked::Update { to: None, hunks } = &file.what
        && let Some(known) = files.iter_mut().find(|known| known.path == file.path)
        && let Asked::Update { hunks: before, .. } = &mut known.what
    {
        before.extend(hunks.iter().cloned());
        return;
    }
    files.push(file);
}

/// Reads the section that begins on a line; returns it with the line behind it.
fn section(lines: &[&str], at: usize) -> Result<(FilePatch, usize), PatchError> {
    let header = lines[at].trim_end();
    let named = |prefix: &str| header.strip_prefix(prefix).map(|path| path.trim().to_owned());
    if let Some(path) = named("*** Add File:") {
        let (text, next) = added(lines, at + 1)?;
        return Ok((FilePatch { path, what: Asked::Add(text) }, next));
    }
    if let Some(path) = named("*** Delete File:") {
        return Ok((FilePatch { path, what: Asked::Delete }, at + 1));
    }
    let Some(path) = named("*** Update File:") else {
        let what = "is no header of a file: `*** Update File: PATH`, `*** Add File: PATH` or `*** Delete File: PATH` is expected";
        return Err(PatchError::at(at, header, what));
    };
    let to =
        lines.get(at + 1).and_then(|line| line.strip_prefix("*** Move to:")).map(|to| to.trim().to_owned());
    let (hunks, next) = hunks(lines, at + 1 + usize::from(to.is_some()))?;
    let changes = hunks.iter().any(|hunk| hunk.lines.iter().any(|(mark, _)| *mark != Mark::Keep));
    if !changes && to.is_none() {
        return Err(PatchError::Nothing { line: at + 1, path });
    }
    Ok((FilePatch { path, what: Asked::Update { to, hunks } }, next))
}

/// Tells whether a line can only be a header of this form.
fn is_header(line: &str) -> bool {
    ["*** Add File:", "*** Delete File:", "*** Update File:"].iter().any(|header| line.starts_with(header))
}

/// Reads the lines of a new file.
fn added(lines: &[&str], mut at: usize) -> Result<(String, usize), PatchError> {
    let mut text = String::new();
    while let Some(line) = lines.get(at).filter(|line| !is_header(line)) {
        if let Some(line) = line.strip_prefix('+') {
            text.push_str(line);
            text.push('\n');
        } else if lines[at..].iter().take_while(|line| !is_header(line)).any(|line| !line.trim().is_empty()) {
            return Err(PatchError::at(at, line, "has to begin with `+`, like every line of a new file"));
        }
        at += 1;
    }
    Ok((text, at))
}

/// Reads the hunks of a file.
fn hunks(lines: &[&str], mut at: usize) -> Result<(Vec<PatchHunk>, usize), PatchError> {
    let mut hunks: Vec<PatchHunk> = Vec::new();
    let mut open = PatchHunk { line: at + 1, ..PatchHunk::default() };
    while let Some(line) = lines.get(at).filter(|line| !is_header(line)) {
        if let Some(anchor) = line.strip_prefix("@@") {
            if !open.lines.is_empty() {
                hunks.push(std::mem::take(&mut open).ended(&lines[..at]));
                open.line = at + 1;
            }
            open.anchors.extend(named_place(anchor));
        } else if line.trim_end() == END_OF_FILE {
            open.at_end = true;
        } else if let Some(line) = marked(line) {
            open.lines.push(line);
        } else {
            let what =
                "has to begin with a blank (it stays), `-` (it goes), `+` (it comes) or `@@` (a new hunk)";
            return Err(PatchError::at(at, line, what));
        }
        at += 1;
    }
    if !open.lines.is_empty() {
        hunks.push(open.ended(&lines[..at]));
    }
    hunks.retain(|hunk| !hunk.lines.is_empty());
    Ok((hunks, at))
}

impl PatchHunk {
    /// Ends the hunk whose last line is the last of these. Empty lines between two hunks, or before a header, are the patch's
    /// own and not the file's.
    pub(super) fn ended(mut self, lines: &[&str]) -> Self {
        for _ in lines.iter().rev().take_while(|line| line.is_empty()) {
            self.lines.pop_if(|(mark, text)| *mark == Mark::Keep && text.is_empty());
        }
        self
    }
}

/// Returns the line that an `@@` names; none where it only begins a hunk, or has line numbers, which are nobody's to trust.
pub(super) fn named_place(behind: &str) -> Option<String> {
    let place = behind.trim();
    let place = if place.starts_with('-') {
        place.split_once("@@").map_or("", |(_, place)| place.trim())
    } else {
        place
    };
    let place = place.strip_suffix("@@").unwrap_or(place).trim();
    (!place.is_empty()).then(|| place.to_owned())
}

/// Reads a line of a hunk. One that is empty lost the blank of its context on the way.
pub(super) fn marked(line: &str) -> Option<(Mark, String)> {
    let mark = match line.as_bytes().first() {
        None => return Some((Mark::Keep, String::new())),
        Some(b' ') => Mark::Keep,
        Some(b'-') => Mark::Remove,
        Some(b'+') => Mark::Add,
        Some(_) => return None,
    };
    Some((mark, line[1..].to_owned()))
}

#[cfg(test)]
mod tests;
