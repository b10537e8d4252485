//! The terminal of a command: a pair of pseudoterminal ends, of which the daemon keeps the one that controls. Not here: the
//! other end, which becomes the command's three standard streams (`supervisor`).
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{InputModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};
use tokio::io::unix::AsyncFd;

use crate::process::system;

/// How large a terminal is, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TerminalSize {
    /// Lines.
    pub(crate) rows: u16,
    /// Characters of a line.
    pub(crate) columns: u16,
}

impl TerminalSize {
    fn winsize(self) -> Winsize {
        Winsize { ws_row: self.rows, ws_col: self.columns, ws_xpixel: 0, ws_ypixel: 0 }
    }
}

/// Opens a terminal: the end that stays here, and the one for the command. Neither becomes this process's own terminal.
pub(in crate::process) fn open(size: TerminalSize) -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags)?;
    unlockpt(&ours)?;
    let theirs = ioctl_tiocgptpeer(&ours, flags)?;
    let mut modes = tcgetattr(&theirs)?;
    // A character of several bytes is erased as one.
    modes.input_modes |= InputModes::IUTF8;
    tcsetattr(&theirs, OptionalActions::Now, &modes)?;
    tcsetwinsize(&ours, size.winsize())?;
    Ok((ours, theirs))
}

/// The controlling end of a command's terminal. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Terminal(Arc<AsyncFd<OwnedFd>>);

impl Terminal {
    /// Takes over the end that `open` kept. Must be called within the runtime.
    pub(in crate::process) fn new(ours: OwnedFd) -> io::Result<Self> {
        let flags = fcntl_getfl(&ours)?;
        fcntl_setfl(&ours, flags | OFlags::NONBLOCK)?;
        Ok(Self(Arc::new(system::watch(ours)?)))
    }

    /// Writes some of the bytes, as if they were typed, and returns how many; waits while the command reads nothing. Cancel
    /// safe.
    pub(crate) async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.0.writable().await?;
            if let Ok(written) = ready.try_io(|end| Ok(rustix::io::write(end, bytes)?)) {
                return written;
            }
        }
    }

    /// Changes the size; what runs in the terminal is told by a signal.
    pub(crate) fn resize(&self, size: TerminalSize) -> io::Result<()> {
        Ok(tcsetwinsize(&*self.0, size.winsize())?)
    }

    /// Waits for output and returns what is there, at most `bytes_max`; empty when nobody has the other end open any more.
    /// Cancel safe.
    pub(in crate::process) async fn read(&self, bytes_max: usize) -> io::Result<Vec<u8>> {
        loop {
            let mut ready = self.0.readable().await?;
            match ready.try_io(|end| read(end.get_ref(), bytes_max)) {
                Ok(bytes) => return bytes,
                Err(_would_block) => {}
            }
        }
    }

    /// Returns what is there without waiting; an error where nothing is.
    pub(in crate::process) fn read_rest(&self, bytes_max: usize) -> io::Result<Vec<u8>> {
        read(self.0.get_ref(), bytes_max)
    }
}

fn read(end: &OwnedFd, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(bytes_max);
    match rustix::io::read(end, rustix::buffer::spare_capacity(&mut bytes)) {
        // What a pseudoterminal says for "the other end is closed".
        Ok(_) | Err(Errno::IO) => {
            bytes.shrink_to_fit();
            Ok(bytes)
        }
        Err(error) => Err(error.into()),
    }
}
