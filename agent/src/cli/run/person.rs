//! The person at the terminal: lines typed as answers. Not here: what is asked (`ask`).
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::os::fd::AsFd as _;

use rustix::termios::{QueueSelector, tcflush};
use tokio::sync::mpsc;

use crate::cli::terminal::Terminal;

/// Longest answer, in bytes: a terminal's own line is shorter.
const LINE_BYTES_MAX: u64 = 4096;

/// Somebody who can be asked.
#[derive(Debug)]
pub(crate) struct Person {
    /// The terminal where it is not standard input.
    tty: Option<File>,
    /// The thread that reads; made with the first question, since most runs have none.
    reader: Option<Reader>,
    /// Whether the thread is reading a line. It cannot be called back: a line that comes after its question was
    /// answered elsewhere goes to the next one, unless it was typed before that was shown.
    reading: bool,
}

#[derive(Debug)]
struct Reader {
    wanted: mpsc::Sender<()>,
    lines: mpsc::Receiver<Option<String>>,
}

impl Person {
    /// Finds the person: at standard input and error, or, where standard input is the prompt, at `/dev/tty`.
    pub(crate) fn find(terminal: Terminal, reads_stdin: bool) -> Option<Self> {
        let tty = match (terminal.error, terminal.input, reads_stdin) {
            (true, true, false) => None,
            (true, _, true) => Some(File::options().read(true).write(true).open("/dev/tty").ok()?),
            _ => return None,
        };
        Some(Self { tty, reader: None, reading: false })
    }

    /// Wants a line from here on. What was typed before is forgotten: nobody answers a question unseen.
    pub(crate) fn ask(&mut self) {
        match &self.tty {
            Some(tty) => tcflush(tty.as_fd(), QueueSelector::IFlush).ok(),
            None => tcflush(std::io::stdin().as_fd(), QueueSelector::IFlush).ok(),
        };
        if self.reader.is_none() {
            self.reader = self.start();
        }
        if !self.reading {
            self.reading = self.reader.as_ref().is_some_and(|reader| reader.wanted.try_send(()).is_ok());
        }
    }

    /// Returns the line; `None` if the person has gone. Cancelling it loses nothing.
    pub(crate) async fn line(&mut self) -> Option<String> {
        let reader = self.reader.as_mut()?;
        let line = reader.lines.recv().await.flatten();
        self.reading = false;
        line
    }

    fn start(&self) -> Option<Reader> {
        let (wanted, orders) = mpsc::channel(1);
        let (sender, lines) = mpsc::channel(1);
        let source: Box<dyn Read + Send> = match &self.tty {
            Some(tty) => Box::new(tty.try_clone().ok()?),
            None => Box::new(std::io::stdin()),
        };
        let read = move || read_lines(source, orders, &sender);
        std::thread::Builder::new().name("person".to_owned()).spawn(read).ok()?;
        Some(Reader { wanted, lines })
    }
}

/// Reads a line for each order, until the input or the one who orders is gone.
fn read_lines(
    source: Box<dyn Read + Send>,
    mut orders: mpsc::Receiver<()>,
    lines: &mpsc::Sender<Option<String>>,
) {
    let mut source = BufReader::new(source);
    while orders.blocking_recv().is_some() {
        let mut line = String::new();
        let line = match source.by_ref().take(LINE_BYTES_MAX).read_line(&mut line) {
            Ok(count) if count > 0 => Some(line),
            Ok(_) | Err(_) => None,
        };
        let is_end = line.is_none();
        if lines.blocking_send(line).is_err() || is_end {
            return;
        }
    }
}
