//! A patch as a person reads it: coloured and safe, bounded where somebody is asked about it. Not here: where patches come from.
use std::borrow::Cow;

use crate::cli::terminal::{Terminal, safe_line};

/// Lines shown of a patch; who wants more has the editor, or `--profile read` and a closer look.
const LINES_MAX: usize = 200;

/// Renders a patch for standard error.
pub(crate) fn render(terminal: Terminal, patch: &str) -> String {
    let mut text = String::new();
    let lines = patch.lines().count();
    coloured(terminal, patch.lines().take(LINES_MAX), &mut text);
    let more = lines.saturating_sub(LINES_MAX);
    if more > 0 {
        text.push_str(&terminal.faint(&format!("… {more} more lines")));
        text.push('\n');
    }
    text
}

/// Renders all of a patch.
pub(crate) fn whole(terminal: Terminal, patch: &str) -> String {
    let mut text = String::new();
    coloured(terminal, patch.lines(), &mut text);
    text
}

fn coloured<'a>(terminal: Terminal, lines: impl Iterator<Item = &'a str>, text: &mut String) {
    for line in lines {
        let line = shown(line);
        let coloured = match line.as_bytes().first() {
            _ if line.starts_with("+++") || line.starts_with("---") => terminal.bold(&line),
            Some(b'+') => terminal.green(&line),
            Some(b'-') => terminal.red(&line),
            Some(b'@') => terminal.cyan(&line),
            _ => Cow::Borrowed(&*line),
        };
        text.push_str(&coloured);
        text.push('\n');
    }
}

/// A line with its tabs kept: they are layout in a patch.
fn shown(line: &str) -> Cow<'_, str> {
    if line.contains('\t') {
        let cells: Vec<Cow<'_, str>> = line.split('\t').map(safe_line).collect();
        return Cow::Owned(cells.join("\t"));
    }
    safe_line(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment::Variables;

    #[test]
    fn a_patch_is_bounded_and_cannot_move_the_cursor() {
        let terminal = Terminal::of(&Variables::new(), true);
        assert_eq!(render(terminal, "+a\tb\u{1b}[2J\n-c"), "+a\tb\\u{1b}[2J\n-c\n");
        let long = "+x\n".repeat(LINES_MAX + 3);
        assert!(render(terminal, &long).ends_with("+x\n… 3 more lines\n"));
    }
}
