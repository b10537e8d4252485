//! The output of a job on its way to a person: each byte once, in order. Not here: where it comes from (`follow`).
use crate::cli::failure::Failure;
use crate::cli::terminal::Terminal;

/// Where the output goes.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: Terminal,
    /// How many bytes were shown.
    place: u64,
    /// Whether a carriage return waits for what follows it.
    is_returned: bool,
}

impl Screen {
    /// Begins at a place of the output.
    pub(super) const fn at(terminal: Terminal, place: u64) -> Self {
        Self { terminal, place, is_returned: false }
    }

    /// Returns how many bytes were shown, or are given up.
    pub(super) const fn place(&self) -> u64 {
        self.place
    }

    /// Tells how many bytes are missing in front of this place.
    pub(super) const fn missing(&self, from: u64) -> u64 {
        from.saturating_sub(self.place)
    }

    /// Shows what is new of these bytes. A terminal gets them as they are; a file or a pipe gets lines that end as in files.
    ///
    /// # Errors
    /// The output cannot be written.
    pub(super) fn show(&mut self, from: u64, bytes: &[u8]) -> Result<(), Failure> {
        let end = from.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if end <= self.place {
            return Ok(());
        }
        let known = usize::try_from(self.place.saturating_sub(from)).unwrap_or(usize::MAX);
        let new = bytes.get(known..).unwrap_or_default();
        self.place = end;
        if self.terminal.output {
            self.terminal.bytes(new)?;
        } else {
            let lines = self.lines(new);
            self.terminal.bytes(&lines)?;
        }
        Ok(())
    }

    fn lines(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut lines = Vec::with_capacity(bytes.len() + 1);
        for byte in bytes {
            if std::mem::take(&mut self.is_returned) && *byte != b'\n' {
                lines.push(b'\r');
            }
            if *byte == b'\r' {
                self.is_returned = true;
            } else {
                lines.push(*byte);
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::environment::Variables;

    #[test]
    fn line_ends_are_those_of_files_wherever_they_are_cut() {
        let mut screen = Screen::at(Terminal::of(&Variables::new(), true), 0);
        let pieces = [&b"a\r"[..], b"\nb\rc\r", b"\r\n"];
        let all: Vec<u8> = pieces.iter().flat_map(|piece| screen.lines(piece)).collect();
        assert_eq!(String::from_utf8(all).unwrap(), "a\nb\rc\r\n");
        assert_eq!(screen.missing(3), 3);
    }
}
