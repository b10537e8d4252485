//! The patch form of a change: unified text that people read and `git apply` takes. Not here: finding the hunks (`diff`).
//!
//! Each hunk is a block of its own and its number ends the `@@` line. Blocks have three lines of context, fewer where two
//! hunks are close: git refuses blocks that share lines, and takes a block without context behind it to be the end of the
//! file, so the lines between two hunks are dealt out to both and the first always gets one. What a patch cannot carry
//! (contents of a binary file, permission bits other than "executable") stands as a line of text that git passes over.
use std::fmt::Write as _;
use std::ops::Range;

use crate::changes::diff::{FileDiff, Hunk, Side, bytes_of, lines, place};
use crate::workspace::identity::LINK_MODE;
use crate::workspace::path::RelPath;
use crate::workspace::text;

/// Lines of context on either side.
const CONTEXT: u32 = 3;

/// One file of a patch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PatchFile<'a> {
    /// The file; after a move its new name.
    pub(crate) path: &'a RelPath,
    /// The old name, if the file moves.
    pub(crate) from: Option<&'a RelPath>,
    /// The version before; `None` if there was none.
    pub(crate) before: Option<Side<'a>>,
    /// The version after; `None` if there is none.
    pub(crate) after: Option<Side<'a>>,
    /// What differs between the two.
    pub(crate) diff: &'a FileDiff,
}

/// Returns the patch of some files. Contents that are not UTF-8 are shown with replacements, so for those the patch is to
/// be read and not applied.
pub(crate) fn patch(files: &[PatchFile<'_>]) -> String {
    let mut out = Vec::new();
    for file in files {
        write_file(&mut out, file);
    }
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn write_file(out: &mut Vec<u8>, file: &PatchFile<'_>) {
    let (old, new) = (file.from.unwrap_or(file.path), file.path);
    let kind = |side: Side<'_>| match side.mode {
        LINK_MODE => "120000",
        mode if mode & 0o100 == 0 => "100644",
        _ => "100755",
    };
    let mut head = String::new();
    match (file.before, file.after) {
        (None, Some(side)) => line(&mut head, &format!("new file mode {}", kind(side))),
        (Some(side), None) => line(&mut head, &format!("deleted file mode {}", kind(side))),
        (Some(before), Some(after)) if kind(before) != kind(after) => {
            line(&mut head, &format!("old mode {}\nnew mode {}", kind(before), kind(after)));
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
    if file.from.is_some() {
        line(&mut head, &format!("rename from {}\nrename to {}", quote("", old), quote("", new)));
    }
    let shown: Vec<&Hunk> =
        file.diff.hunks.iter().filter(|hunk| !hunk.before.is_empty() || !hunk.after.is_empty()).collect();
    if file.diff.binary {
        // `new file` and `deleted file` without contents would be applied as empty ones.
        let size = |side: Option<Side<'_>>| side.map_or(0, |side| side.bytes.len());
        let (before, after) = (size(file.before), size(file.after));
        line_bytes(out, &format!("# binary file {new}: {before} bytes before, {after} after (hunk 0)"));
        return;
    }
    if let (Some(before), Some(after)) = (file.before, file.after)
        && (before.mode == LINK_MODE || after.mode == LINK_MODE)
    {
        // Git has no form for this but a deletion and an addition, which would be two files to choose from.
        line_bytes(out, &format!("# {new}: {} before, {} after (hunk 0)", what(before), what(after)));
        return;
    }
    if let (Some(before), Some(after)) = (file.before, file.after)
        && before.mode != after.mode
        && kind(before) == kind(after)
    {
        line_bytes(
            out,
            &format!("# mode of {new}: {:o} before, {:o} after (hunk 0)", before.mode, after.mode),
        );
    }
    if head.is_empty() && shown.is_empty() {
        return;
    }
    line_bytes(out, &format!("diff --git {} {}", quote("a/", old), quote("b/", new)));
    out.extend_from_slice(head.as_bytes());
    if shown.is_empty() {
        return;
    }
    let name = |prefix: &str, path: &RelPath, present: bool| {
        if !present {
            return "/dev/null".to_owned();
        }
        let quoted = quote(prefix, path);
        // Behind a name with a blank git wants a tab, to know where it ends.
        if quoted.contains(' ') && !quoted.starts_with('"') { format!("{quoted}\t") } else { quoted }
    };
    line_bytes(out, &format!("--- {}", name("a/", old, file.before.is_some())));
    line_bytes(out, &format!("+++ {}", name("b/", new, file.after.is_some())));
    write_hunks(out, &shown, &lines(bytes_of(file.before)), &lines(bytes_of(file.after)));
}

/// Says what a side is, where a link is one of the two.
fn what(side: Side<'_>) -> String {
    if side.mode == LINK_MODE {
        format!("a link to {}", text::escape(&String::from_utf8_lossy(side.bytes)))
    } else {
        format!("a file of {} bytes", side.bytes.len())
    }
}

fn write_hunks(out: &mut Vec<u8>, hunks: &[&Hunk], old: &[&[u8]], new: &[&[u8]]) {
    let total = u32::try_from(old.len()).unwrap_or(u32::MAX);
    let mut free = 0;
    for (index, hunk) in hunks.iter().enumerate() {
        let lead = (hunk.before.start - free).min(CONTEXT);
        let gap = hunks.get(index + 1).map_or(total, |next| next.before.start) - hunk.before.end;
        let is_last = index + 1 == hunks.len();
        let trail = if is_last { gap.min(CONTEXT) } else { gap.div_ceil(2).min(CONTEXT) };
        free = hunk.before.end + trail;
        let (mut old_start, old_count) = place(&(hunk.before.start - lead..free));
        if index > 0 && old_count == 0 && old_start == 1 {
            // Lines came before and after the only line there was, and the block before has it. Git takes an empty old
            // side at 1 for the beginning of the file, where this is not; it finds the place by the new side.
            old_start = 2;
        }
        let (new_start, new_count) = place(&(hunk.after.start - lead..hunk.after.end + trail));
        line_bytes(
            out,
            &format!("@@ -{old_start},{old_count} +{new_start},{new_count} @@ hunk {}", hunk.number),
        );
        write_lines(out, b' ', old, &(hunk.before.start - lead..hunk.before.start));
        write_lines(out, b'-', old, &hunk.before);
        write_lines(out, b'+', new, &hunk.after);
        write_lines(out, b' ', old, &(hunk.before.end..free));
    }
}

fn write_lines(out: &mut Vec<u8>, mark: u8, lines: &[&[u8]], range: &Range<u32>) {
    let index = |line: u32| usize::try_from(line).unwrap_or(usize::MAX);
    for line in lines.get(index(range.start)..index(range.end)).unwrap_or_default() {
        out.push(mark);
        out.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            out.extend_from_slice(b"\n\\ No newline at end of file\n");
        }
    }
}

/// Returns a name as git writes it: as it is, or in quotes with C's escapes where a line could not hold it.
fn quote(prefix: &str, path: &RelPath) -> String {
    let bytes = path.as_bytes();
    if let Ok(name) = std::str::from_utf8(bytes)
        && !name.contains(['"', '\\'])
        && text::escape(name) == name
    {
        return format!("{prefix}{name}");
    }
    let mut out = format!("\"{prefix}");
    for byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => out.push(char::from(*byte)),
            // Writing to a String cannot fail.
            other => drop(write!(out, "\\{other:03o}")),
        }
    }
    out.push('"');
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn line_bytes(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}

#[cfg(test)]
mod tests;
