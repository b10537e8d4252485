//! Unified diffs, as git and `diff -u` write them and models copy them, read into the same as any other patch. Not here: writing
//! them (`patch`).
//!
//! Line numbers are passed over: models get them wrong, and the lines themselves say where a hunk belongs.
use crate::changes::envelope::{Asked, FilePatch, Mark, PatchError, PatchHunk, marked, named_place};

/// Reads the sections of a unified diff.
pub(super) fn parse(lines: &[&str]) -> Result<Vec<FilePatch>, PatchError> {
    let mut files = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let sides =
            (lines[at].strip_prefix("--- "), lines.get(at + 1).and_then(|line| line.strip_prefix("+++ ")));
        if let (Some(old), Some(new)) = sides {
            let (hunks, next) = hunks(lines, at + 2)?;
            files.push(file(at, name(old), name(new), hunks)?);
            at = next;
        } else {
            check(lines, at)?;
            at += 1;
        }
    }
    if files.is_empty() { Err(PatchError::Form) } else { Ok(files) }
}

/// Refuses what a section asks beside its lines: it would be passed over unseen.
fn check(lines: &[&str], at: usize) -> Result<(), PatchError> {
    let line = lines[at];
    if line.starts_with("new mode ") {
        return Err(PatchError::at(
            at,
            line,
            "asks for another mode, which a patch cannot give: use the shell",
        ));
    }
    let mut rest = lines[at + 1..].iter().take_while(|line| !line.starts_with("diff --git "));
    if line.starts_with("diff --git ") && !rest.any(|line| line.starts_with("+++ ")) {
        let what = "has no lines: say `*** Move to: PATH`, `*** Add File: PATH` or `*** Delete File: PATH` in the other form";
        return Err(PatchError::at(at, line, what));
    }
    Ok(())
}

/// Returns the name of a side; none for a file that is not there.
fn name(text: &str) -> Option<String> {
    let name = text.split('\t').next().unwrap_or_default().trim();
    let name = name.strip_prefix("a/").or_else(|| name.strip_prefix("b/")).unwrap_or(name);
    (name != "/dev/null").then(|| name.to_owned())
}

fn file(
    at: usize,
    old: Option<String>,
    new: Option<String>,
    hunks: Vec<PatchHunk>,
) -> Result<FilePatch, PatchError> {
    match (old, new) {
        (None, Some(path)) => {
            let mut text = String::new();
            for (_, line) in hunks.iter().flat_map(|hunk| &hunk.lines).filter(|(mark, _)| *mark == Mark::Add)
            {
                text.push_str(line);
                text.push('\n');
            }
            if hunks.last().is_some_and(|hunk| hunk.final_newline == Some(false)) {
                text.pop();
            }
            Ok(FilePatch { path, what: Asked::Add(text) })
        }
        (Some(path), None) => Ok(FilePatch { path, what: Asked::Delete }),
        (Some(path), Some(new)) => {
            let to = (new != path).then_some(new);
            Ok(FilePatch { path, what: Asked::Update { to, hunks } })
        }
        (None, None) => Err(PatchError::at(at, "--- /dev/null", "names no file on either side")),
    }
}

/// Reads the hunks of a file, each up to the next header.
fn hunks(lines: &[&str], mut at: usize) -> Result<(Vec<PatchHunk>, usize), PatchError> {
    let mut hunks = Vec::new();
    while let Some(header) = lines.get(at).and_then(|line| line.strip_prefix("@@")) {
        let mut hunk = PatchHunk {
            line: at + 1,
            anchors: named_place(header).into_iter().collect(),
            ..PatchHunk::default()
        };
        at += 1;
        while let Some(line) = lines.get(at).filter(|line| !is_over(lines, at, line)) {
            if line.starts_with('\\') {
                hunk.has_no_line_end();
            } else if let Some(line) = marked(line) {
                hunk.lines.push(line);
            } else {
                let what = "is no line of a hunk: it has to begin with a blank, `-` or `+`";
                return Err(PatchError::at(at, line, what));
            }
            at += 1;
        }
        hunks.push(hunk.ended(&lines[..at]));
    }
    Ok((hunks, at))
}

/// Tells whether a hunk ends before a line.
fn is_over(lines: &[&str], at: usize, line: &str) -> bool {
    let is_file = line.starts_with("--- ") && lines.get(at + 1).is_some_and(|next| next.starts_with("+++ "));
    is_file || line.starts_with("@@") || line.starts_with("diff --git ") || line.starts_with("```")
}

impl PatchHunk {
    /// The line that was read last is the last of the file and has no line end.
    fn has_no_line_end(&mut self) {
        self.at_end = true;
        let is_old = self.lines.last().is_some_and(|(mark, _)| *mark == Mark::Remove);
        self.final_newline = Some(is_old);
    }
}
