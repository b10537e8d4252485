//! The terminal: what is one, colours, and the door that text of the agent goes through on its way to a person. Not here:
//! what is printed.
//!
//! Everything the commands print goes through here; `print!` is denied in the whole workspace.
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};

use crate::base::deceptive::steers;
use crate::config::environment::Variables;

/// What standard input, output and error are, and how to write to them.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts, and no state")]
pub(crate) struct Terminal {
    /// Whether standard input is a terminal.
    pub(crate) input: bool,
    /// Whether standard output is a terminal.
    pub(crate) output: bool,
    /// Whether standard error is a terminal.
    pub(crate) error: bool,
    colour: bool,
}

impl Terminal {
    /// Looks at the three standard streams. No colour where `NO_COLOR` is set to anything, where `TERM` is `dumb`, or
    /// where it was declined.
    pub(crate) fn of(variables: &Variables, no_color: bool) -> Self {
        let declined = no_color
            || variables.get("NO_COLOR").is_some_and(|value| !value.is_empty())
            || variables.get("TERM").is_some_and(|term| term == "dumb");
        Self {
            input: io::stdin().is_terminal(),
            output: io::stdout().is_terminal(),
            error: io::stderr().is_terminal(),
            colour: !declined,
        }
    }

    /// Returns the terminal for a command that writes everything to standard output: colours follow that one.
    #[must_use]
    pub(crate) const fn all_on_output(mut self) -> Self {
        self.error = self.output;
        self
    }

    /// Writes to standard output and flushes it.
    ///
    /// # Errors
    /// The output cannot be written: `BrokenPipe` if its reader has gone.
    pub(crate) fn print(self, text: &str) -> io::Result<()> {
        self.bytes(text.as_bytes())
    }

    /// Writes bytes to standard output as they are and flushes it: what the person's own program tells the terminal.
    ///
    /// # Errors
    /// As `print`.
    #[expect(clippy::unused_self, reason = "whoever prints has a terminal: nothing prints in passing")]
    pub(crate) fn bytes(self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.flush()
    }

    /// Writes a line to standard output.
    ///
    /// # Errors
    /// As `print`.
    pub(crate) fn line(self, text: &str) -> io::Result<()> {
        self.print(&format!("{text}\n"))
    }

    /// Writes a line to standard error. Where that cannot be written, nobody can be told.
    pub(crate) fn note(self, text: &str) {
        self.note_part(&format!("{text}\n"));
    }

    /// Writes to standard error without a line break.
    #[expect(clippy::unused_self, reason = "whoever prints has a terminal: nothing prints in passing")]
    pub(crate) fn note_part(self, text: &str) {
        let mut stderr = io::stderr().lock();
        stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()).ok();
    }

    fn styled(self, on: bool, style: Style, text: &str) -> Cow<'_, str> {
        if self.colour && on { Cow::Owned(format!("{style}{text}{style:#}")) } else { Cow::Borrowed(text) }
    }

    /// Makes text for standard error red.
    pub(crate) fn red(self, text: &str) -> Cow<'_, str> {
        self.styled(self.error, AnsiColor::Red.on_default().bold(), text)
    }

    /// Makes text for standard error green.
    pub(crate) fn green(self, text: &str) -> Cow<'_, str> {
        self.styled(self.error, AnsiColor::Green.on_default(), text)
    }

    /// Makes text for standard error cyan.
    pub(crate) fn cyan(self, text: &str) -> Cow<'_, str> {
        self.styled(self.error, AnsiColor::Cyan.on_default(), text)
    }

    /// Makes text for standard error faint.
    pub(crate) fn faint(self, text: &str) -> Cow<'_, str> {
        self.styled(self.error, Style::new().dimmed(), text)
    }

    /// Makes text for standard error bold.
    pub(crate) fn bold(self, text: &str) -> Cow<'_, str> {
        self.styled(self.error, Style::new().bold(), text)
    }

    /// Makes text for standard output bold.
    pub(crate) fn heading(self, text: &str) -> Cow<'_, str> {
        self.styled(self.output, Style::new().bold(), text)
    }
}

/// Returns text from the agent, a model, a tool or a file as it may be written to a terminal: line breaks and tabs stay,
/// every other control character is shown as an escape.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    escape(text, |character| matches!(character, '\n' | '\t'))
}

/// Returns `safe` text in one line: line breaks and tabs become spaces.
pub(crate) fn safe_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\n', '\t', '\r']) {
        let line = text.trim_end().replace("\r\n", " ").replace(['\n', '\t', '\r'], " ");
        return Cow::Owned(escape(&line, |_| false).into_owned());
    }
    escape(text, |_| false)
}

fn escape(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(|character| steers(character) && !stays(character)) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        // The carriage return of a line break shows nothing; dropping it keeps such text readable.
        if character == '\r' && rest.peek() == Some(&'\n') {
            continue;
        }
        if steers(character) && !stays(character) {
            // Writing to a string does not fail.
            write!(escaped, "\\u{{{:x}}}", u32::from(character)).ok();
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_deceive_is_shown_and_nothing_else_is_changed() {
        for plain in ["", "a line\nand\ttabs", "žluťoučký 日本語 🙂"] {
            assert!(matches!(safe(plain), Cow::Borrowed(_)), "{plain}");
        }
        assert_eq!(safe("\u{1b}]52;c;aGk=\u{7}"), "\\u{1b}]52;c;aGk=\\u{7}");
        assert_eq!(safe("a\r\nb\rc"), "a\nb\\u{d}c");
        assert_eq!(safe("\u{9b}31m \u{202e}txt"), "\\u{9b}31m \\u{202e}txt");
    }

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(safe_line("one\r\ntwo\tthree\u{8}\n"), "one two three\\u{8}");
    }

    #[test]
    fn no_control_character_ever_comes_through() {
        for code in (0..=0x9f_u32).chain(0x2000..0x2070) {
            let text: String = char::from_u32(code).into_iter().collect();
            let shown = safe_line(&text);
            assert!(!shown.chars().any(steers), "{code:x}");
        }
    }
}
