//! Reading a secret from a person: from the terminal without showing it, or from standard input. Not here: what it is for.
use std::fs::File;
use std::io::{self, Read, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::cli::failure::{Failure, FailureKind};

/// Longest secret in bytes; more is somebody's file by mistake.
const BYTES_MAX: u64 = 64 * 1024;

/// Asks for a line on the terminal, whatever standard input and output are, and does not show what is typed.
///
/// # Errors
/// There is no terminal, or the person gave up.
pub(crate) fn ask(prompt: &str) -> Result<String, Failure> {
    let nobody = |_| {
        Failure::usage("there is no terminal to ask at").hint("`--stdin` reads the key from standard input")
    };
    let tty = File::options().read(true).write(true).open("/dev/tty").map_err(nobody)?;
    let silent = Silent::make(&tty).map_err(|error| {
        Failure::failed(format!("the terminal cannot be kept from showing the key: {error}"))
    })?;
    (&tty).write_all(prompt.as_bytes())?;
    let line = read_line(&mut &tty);
    drop(silent);
    (&tty).write_all(b"\n")?;
    line
}

/// Reads standard input to its end.
///
/// # Errors
/// It cannot be read, is empty, or is no text.
pub(crate) fn from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let read = io::stdin().lock().take(BYTES_MAX).read_to_string(&mut text);
    read.map_err(|error| Failure::failed(format!("standard input cannot be read: {error}")))?;
    if text.trim().is_empty() {
        return Err(
            Failure::usage("standard input is empty").hint("`tenon auth login PROVIDER --stdin < FILE`")
        );
    }
    Ok(text.trim().to_owned())
}

/// Reads bytes up to the end of the line. The terminal edits nothing meanwhile, so the usual keys are ours: signals too, for a
/// process that ended here would leave the terminal silent.
fn read_line(input: &mut impl Read) -> Result<String, Failure> {
    let mut line = Vec::new();
    let mut byte = [0];
    let given_up = || Failure::new(FailureKind::Interrupted, "given up");
    while u64::try_from(line.len()).unwrap_or(u64::MAX) < BYTES_MAX {
        if input.read(&mut byte)? == 0 {
            return Err(given_up());
        }
        match byte[0] {
            b'\r' | b'\n' => break,
            // Ctrl-C, and Ctrl-D on an empty line.
            0x03 => return Err(given_up()),
            0x04 if line.is_empty() => return Err(given_up()),
            // Backspace and delete; Ctrl-U takes all back.
            0x08 | 0x7f => drop(line.pop()),
            0x15 => line.clear(),
            typed => line.push(typed),
        }
    }
    String::from_utf8(line).map_err(|_| Failure::usage("that was no text"))
}

/// A terminal that shows nothing, until this is dropped.
struct Silent<'a> {
    tty: &'a File,
    before: Termios,
}

impl<'a> Silent<'a> {
    fn make(tty: &'a File) -> io::Result<Self> {
        let before = tcgetattr(tty)?;
        let mut now = before.clone();
        now.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        // What was typed before the question is forgotten.
        tcsetattr(tty, OptionalActions::Flush, &now)?;
        Ok(Self { tty, before })
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // There is nobody to tell but the terminal itself.
        tcsetattr(self.tty, OptionalActions::Flush, &self.before).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_keys_edit_what_is_typed() {
        let read = |typed: &[u8]| read_line(&mut &*typed).map_err(|failure| failure.kind);
        assert_eq!(read(b"test-key\r").unwrap(), "test-key");
        assert_eq!(read(b"wrong\x15test-kex\x7fy\nmore").unwrap(), "test-key");
        for given_up in [&b"test\x03"[..], b"\x04", b"test"] {
            assert_eq!(read(given_up), Err(FailureKind::Interrupted));
        }
    }
}
