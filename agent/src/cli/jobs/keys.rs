//! What a person types while a job is shown: raw keys of a terminal, or standard input where it is asked for. Not here:
//! where it goes (`follow`).
use std::io::{self, Read as _};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tenon_protocol::job::JobSize;
use tokio::sync::mpsc;

use crate::cli::failure::Failure;
use crate::cli::terminal::Terminal;

/// Bytes read at once.
const CHUNK_BYTES: usize = 4 * 1024;

/// Chunks that wait to be sent; then nothing is read.
const CHUNKS_MAX: usize = 16;

/// What ends a terminal's input.
const END_OF_INPUT: u8 = 4;

/// The input of a person. Dropping it gives the terminal back as it was.
#[derive(Debug)]
pub(super) struct Keys {
    chunks: Option<mpsc::Receiver<Vec<u8>>>,
    /// The terminal's modes before.
    before: Option<Termios>,
}

impl Keys {
    /// Takes over standard input: a terminal key by key; anything else only if it is asked for, to its end.
    pub(super) fn take(terminal: Terminal, wants_stdin: bool) -> Result<Self, Failure> {
        let is_raw = terminal.input && terminal.output;
        if !is_raw && !wants_stdin {
            return Ok(Self { chunks: None, before: None });
        }
        let before = if is_raw { Some(make_raw().map_err(|error| unusable(&error))?) } else { None };
        let (sender, chunks) = mpsc::channel(CHUNKS_MAX);
        let keys = Self { chunks: Some(chunks), before };
        // It ends with the process at the latest: a read cannot be taken back.
        let reading = std::thread::Builder::new().name("keys".to_owned()).spawn(move || read(&sender));
        reading.map_err(|error| unusable(&error))?;
        Ok(keys)
    }

    /// Returns whether keys come one by one.
    pub(super) const fn is_raw(&self) -> bool {
        self.before.is_some()
    }

    /// Returns what was typed; waits for ever when nothing can come. Cancelling it loses nothing.
    pub(super) async fn next(&mut self) -> Vec<u8> {
        if let Some(chunks) = &mut self.chunks
            && let Some(chunk) = chunks.recv().await
        {
            return chunk;
        }
        self.chunks = None;
        std::future::pending().await
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // A terminal that is gone needs nothing back.
            tcsetattr(io::stdin(), OptionalActions::Flush, before).ok();
        }
    }
}

fn make_raw() -> io::Result<Termios> {
    let before = tcgetattr(io::stdin())?;
    let mut raw = before.clone();
    raw.make_raw();
    tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
    Ok(before)
}

fn unusable(error: &io::Error) -> Failure {
    Failure::failed(format!("standard input cannot be used: {error}"))
}

fn read(sender: &mpsc::Sender<Vec<u8>>) {
    let mut chunk = [0; CHUNK_BYTES];
    loop {
        match io::stdin().lock().read(&mut chunk) {
            Ok(0) => return drop(sender.blocking_send(vec![END_OF_INPUT])),
            Ok(count) if sender.blocking_send(chunk[..count].to_vec()).is_err() => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Returns the size of the person's terminal, if there is one.
pub(super) fn size(terminal: Terminal) -> Option<JobSize> {
    let size = terminal.output.then(|| tcgetwinsize(io::stdout()).ok()).flatten()?;
    (size.ws_row > 0 && size.ws_col > 0)
        .then(|| JobSize { rows: size.ws_row.min(1_000), columns: size.ws_col.min(1_000) })
}
