//! Room kept for the end of a running turn: a file that is given up when the disk is full. Not here: who is refused then.
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::FallocateFlags;

use crate::journal::executor::Work;

/// Room for the last commits of the turns that run: a settlement is a few kilobytes, a long answer some hundred.
const BALLAST_BYTES: u64 = 4 << 20;

const NAME: &str = "ballast";

/// The reserve of disk space.
#[derive(Debug)]
pub(in crate::journal) struct Ballast {
    file: PathBuf,
    /// Set from the moment the reserve is given up until it is there again.
    full: AtomicBool,
}

impl Ballast {
    pub(in crate::journal) fn new(directory: &Path) -> Self {
        Self { file: directory.join(NAME), full: AtomicBool::new(false) }
    }

    /// Sets the reserve aside, if it is not there yet. Where there is no room for it the disk counts as full.
    pub(in crate::journal) fn fill(&self) {
        let there = fs::metadata(&self.file).is_ok_and(|found| found.len() == BALLAST_BYTES);
        let filled = there || self.write().is_ok();
        self.full.store(!filled, Ordering::Release);
        if !filled {
            drop(fs::remove_file(&self.file));
        }
    }

    /// Gives the reserve up; `false` if it was given up before.
    pub(in crate::journal) fn release(&self) -> bool {
        self.full.store(true, Ordering::Release);
        fs::remove_file(&self.file).is_ok()
    }

    /// Tells whether the disk is full; if it was, tries to set the reserve aside again.
    pub(in crate::journal) fn is_full(&self) -> bool {
        if self.full.load(Ordering::Acquire) {
            self.fill();
        }
        self.full.load(Ordering::Acquire)
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
