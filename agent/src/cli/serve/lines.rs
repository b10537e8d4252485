//! Standard error as the agent logs to it: it never holds the agent up. Not here: what is logged.
//!
//! Whoever starts the agent may leave its standard error unread, and a terminal may stand still: a write would then wait, and
//! with it a thread that serves everybody. So a line goes out only while there is room for it, and what is lost is counted and
//! told with the next line that goes out.
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tracing_subscriber::fmt::MakeWriter;

/// Bytes that a pipe takes without waiting when it has room (`PIPE_BUF` on Linux; elsewhere it is 512 or more).
const PIECE_BYTES: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// Makes a line out of each event.
#[derive(Debug, Default)]
pub(super) struct Lines {
    lost: AtomicU64,
}

/// One event on its way.
#[derive(Debug)]
pub(super) struct Line<'a> {
    lost: &'a AtomicU64,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { lost: &self.lost }
    }
}

impl Write for Line<'_> {
    /// Takes a line, whatever becomes of it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // Held over look and write: two that look before either writes would find room for one.
        let mut out = io::stderr().lock();
        send(&mut out, self.lost, line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn send(out: &mut (impl AsFd + Write), lost: &AtomicU64, line: &[u8]) {
    let before = lost.load(Ordering::Relaxed);
    let note =
        if before > 0 { format!("{before} lines were lost here: nobody read them\n") } else { String::new() };
    let whole = [note.as_bytes(), line].concat();
    let is_out = whole.chunks(PIECE_BYTES).all(|piece| has_room(out) && out.write_all(piece).is_ok());
    if is_out {
        lost.fetch_sub(before, Ordering::Relaxed);
    } else {
        lost.fetch_add(1, Ordering::Relaxed);
    }
}

fn has_room(out: &impl AsFd) -> bool {
    let mut fds = [PollFd::new(out, PollFlags::OUT)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    // An error of the other end shows in the write, which does not wait then.
    poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read as _;

    use rustix::pipe::{PipeFlags, pipe_with};

    use super::*;

    #[test]
    fn a_line_that_nobody_reads_is_lost_and_counted_and_told() {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let (mut reader, mut out) = (File::from(reader), File::from(writer));
        let lost = AtomicU64::new(0);
        // More than a pipe holds, in lines that are shorter and longer than a piece. It would stand still here.
        let lines: Vec<String> = (0..1_000).map(|n| format!("{n} {}\n", "x".repeat(n * 7 % 9_000))).collect();
        for line in &lines {
            send(&mut out, &lost, line.as_bytes());
        }
        let gone = lost.load(Ordering::Relaxed);
        assert!(gone > 0 && gone < 1_000, "{gone}");
        let mut held = vec![0; 1 << 20];
        let len = reader.read(&mut held).unwrap();
        assert!(held[..len].starts_with(lines[..10].concat().as_bytes()));
        send(&mut out, &lost, b"the next\n");
        drop(out);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert!(
            rest.ends_with(&format!("{gone} lines were lost here: nobody read them\nthe next\n")),
            "{rest}"
        );
        assert_eq!(lost.load(Ordering::Relaxed), 0);
    }
}
