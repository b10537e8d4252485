//! What the model is shown of what the sender of a message looked at: text behind the message, so that everything before it
//! stays the same from request to request. Not here: what clients tell (`looking`).
use std::fmt::Write as _;

use tenon_protocol::content::LineRange;
use tenon_protocol::context::{ContextUsed, Diagnostic};

/// Returns the text.
pub(super) fn shown(used: &ContextUsed) -> String {
    let mut text =
        "[what the person has in their editor now; it may have nothing to do with the message]\n".to_owned();
    // Writing to a string cannot fail.
    if let Some(path) = &used.path {
        let _infallible = writeln!(text, "in front: {path}");
    }
    if let Some(selection) = &used.selection {
        let _infallible = writeln!(
            text,
            "selected there, {}:\n{}",
            lines(&selection.range),
            selection.text.trim_end_matches('\n')
        );
    }
    if let Some(visible) = &used.visible {
        let _infallible = writeln!(text, "also visible: {}", visible.join(", "));
    }
    if let Some(dirty) = &used.dirty {
        let _infallible = writeln!(text, "not saved: {}", dirty.join(", "));
    }
    for diagnostic in used.diagnostics.iter().flatten() {
        let _infallible = writeln!(text, "{}", problem(diagnostic));
    }
    text
}

fn lines(range: &LineRange) -> String {
    if range.start == range.end {
        format!("line {}", range.start)
    } else {
        format!("lines {} to {}", range.start, range.end)
    }
}

fn problem(diagnostic: &Diagnostic) -> String {
    let place = diagnostic.range.as_ref().map_or_else(String::new, |range| format!(":{}", range.start));
    let severity = diagnostic.severity.map_or("problem", tenon_protocol::context::Severity::as_str);
    let source = diagnostic.source.as_ref().map_or_else(String::new, |source| format!(" ({source})"));
    format!("{}{place}: {severity}: {}{source}", diagnostic.path, diagnostic.message.trim())
}
