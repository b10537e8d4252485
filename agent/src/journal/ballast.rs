//! Room kept for the end of a running turn: a file that is given up when the disk is full. Not here: who is refused then.
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::FallocateFlags;
use tokio::sync::watch;

use crate::journal::executor::Work;

/// Room for the last commits of the turns that run: a settlement is a few kilobytes, a long answer some hundred.
const BALLAST_BYTES: u64 = 4 << 20;

const NAME: &str = "ballast";

/// The reserve of disk space.
#[derive(Debug)]
pub(in crate::journal) struct Ballast {
    file: PathBuf,
    /// Set from the moment the reserve is given up until it is there again.
    full: watch::Sender<bool>,
}

impl Ballast {
    pub(in crate::journal) fn new(directory: &Path) -> Self {
        Self { file: directory.join(NAME), full: watch::Sender::new(false) }
    }

    /// Sets the reserve aside, if it is not there yet. Where there is no room for it the disk counts as full.
    pub(in crate::journal) fn fill(&self) {
        let there = fs::metadata(&self.file).is_ok_and(|found| found.len() == BALLAST_BYTES);
        let filled = there || self.write().is_ok();
        self.turn(!filled);
        if !filled {
            drop(fs::remove_file(&self.file));
        }
    }

    /// Gives the reserve up; `false` if it was given up before.
    pub(in crate::journal) fn release(&self) -> bool {
        self.turn(true);
        fs::remove_file(&self.file).is_ok()
    }

    /// Tells whether the disk is full; if it was, tries to set the reserve aside again.
    pub(in crate::journal) fn is_full(&self) -> bool {
        if *self.full.borrow() {
            self.fill();
        }
        *self.full.borrow()
    }

    /// Returns a receiver that is woken when the disk has become full, or has room again.
    pub(in crate::journal) fn changes(&self) -> watch::Receiver<bool> {
        self.full.subscribe()
    }

    /// Returns the bytes that are free for the person; `None` where the file system does not say.
    pub(in crate::journal) fn free_bytes(&self) -> Option<u64> {
        let found = rustix::fs::statvfs(self.file.parent()?).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    }

    fn turn(&self, full: bool) {
        self.full.send_if_modified(|present| std::mem::replace(present, full) != full);
    }

    fn write(&self) -> io::Result<()> {
        // One that a crash cut short may have any mode.
        drop(fs::remove_file(&self.file));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.file)?;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, BALLAST_BYTES) {
            Ok(()) => Ok(()),
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => zeros(file),
            Err(error) => Err(error.into()),
        }
    }
}

/// Sets the reserve aside on another thread.
#[derive(Debug)]
pub(in crate::journal) struct Reserve(pub(in crate::journal) Arc<Ballast>);

impl Work for Reserve {
    fn step(&mut self) -> ControlFlow<()> {
        self.0.fill();
        ControlFlow::Break(())
    }
}

/// Writes the reserve where the file system cannot allocate it.
fn zeros(mut file: File) -> io::Result<()> {
    let zeros = vec![0; 64 << 10];
    let mut left = BALLAST_BYTES;
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all(&zeros[..part])?;
        left -= u64::try_from(part).unwrap_or(left);
    }
    Ok(())
}
