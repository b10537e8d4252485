//! How much room copies of caches take, and which of them go: those of workspaces that nobody works in, those that grew too large,
//! and all of them where a person wants that. Not here: making them (`caches`).
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::sandbox::caches::{Caches, OF};
use crate::sandbox::capture::remove;

/// How long copies are kept that no command uses.
const UNUSED_MAX: Duration = Duration::from_hours(30 * 24);

/// How often it is looked whether copies grew too large: it takes a look at every file in them.
const SWEPT_EVERY: Duration = Duration::from_mins(10);

/// How a set is named that is being removed.
const SWEPT_ENDING: &str = "swept";

/// Files and folders of copies that are counted; what is beyond is not asked for its size.
const ENTRIES_MAX: usize = 4_000_000;

/// The copies of one workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Copies {
    /// The workspace.
    pub(crate) workspace: PathBuf,
    /// Bytes on the disk.
    pub(crate) bytes: u64,
}

/// Returns the copies in a folder, the largest first. Blocks, by the number of files in them.
pub(crate) fn copies(folder: &Path) -> Vec<Copies> {
    let mut left = ENTRIES_MAX;
    let of_one = |place: PathBuf| {
        let name = fs::read(place.join(OF)).ok()?;
        let bytes = bytes_in(&place, &mut left);
        Some(Copies { workspace: std::ffi::OsString::from_vec(name).into(), bytes })
    };
    let mut copies: Vec<Copies> = inner(folder).into_iter().filter_map(of_one).collect();
    copies
        .sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.workspace.cmp(&other.workspace)));
    copies
}

impl Caches {
    /// Removes all copies that no command uses now; returns how many bytes of the disk that frees. `is_dry` only tells. Blocks.
    pub(crate) fn clear(&self, is_dry: bool) -> u64 {
        let folders = inner(&self.folder);
        folders.iter().map(|folder| self.clear_one(folder, is_dry)).sum()
    }

    /// Removes what no command will ask for again: copies of a workspace that is gone or was not worked in for a month, those that
    /// several commands at one time needed, and those larger than so many bytes. Blocks, by the number of files in them.
    pub(crate) fn sweep(&self, bytes_max: u64) {
        let mut left = ENTRIES_MAX;
        for folder in inner(&self.folder) {
            let named = folder.join(OF);
            let used = named.metadata().and_then(|found| found.modified()).ok();
            let is_old = used.is_none_or(|used| used.elapsed().is_ok_and(|age| age > UNUSED_MAX));
            if is_old || bytes_in(&folder.join("0"), &mut left) > bytes_max {
                self.clear_one(&folder, false);
            }
            for set in inner(&folder).iter().filter(|set| set.file_name().is_some_and(|name| name != "0")) {
                self.remove_set(set);
            }
        }
    }

    /// Sweeps, unless that was done not long ago.
    pub(crate) fn sweep_at_times(&self, bytes_max: u64) {
        let is_due = self.swept.send_if_modified(|swept| {
            let is_due = swept.is_none_or(|at| at.elapsed() >= SWEPT_EVERY);
            if is_due {
                *swept = Some(Instant::now());
            }
            is_due
        });
        if is_due {
            self.sweep(bytes_max);
        }
    }

    fn clear_one(&self, folder: &Path, is_dry: bool) -> u64 {
        let mut left = ENTRIES_MAX;
        let mut bytes = 0_u64;
        for set in inner(folder) {
            let of_set = bytes_in(&set, &mut left);
            if is_dry || self.remove_set(&set) {
                bytes = bytes.saturating_add(of_set);
            }
        }
        if !is_dry && inner(folder).is_empty() {
            // A command that begins now makes what it needs again.
            fs::remove_file(folder.join(OF)).and_then(|()| fs::remove_dir(folder)).ok();
        }
        bytes
    }

    /// Removes a set, unless a command uses it.
    fn remove_set(&self, set: &Path) -> bool {
        if !self.take_it(set) {
            return false;
        }
        let swept = set.with_extension(SWEPT_ENDING);
        let moved = remove(&swept).and_then(|()| fs::rename(set, &swept));
        self.give_back(set);
        let removed: io::Result<()> = moved.and_then(|()| remove(&swept));
        if let Err(error) = &removed {
            tracing::warn!(%error, "copies of caches were not removed");
        }
        removed.is_ok()
    }
}

/// Returns the folders in a folder, in order.
fn inner(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

/// Returns the bytes that a folder takes on the disk, as far as so many entries tell.
fn bytes_in(folder: &Path, left: &mut usize) -> u64 {
    /// What the kernel counts in.
    const BLOCK_BYTES: u64 = 512;
    let mut folders = vec![folder.to_owned()];
    let mut bytes = 0_u64;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Some(rest) = left.checked_sub(1) else { return bytes };
            *left = rest;
            let Ok(found) = entry.metadata() else { continue };
            bytes = bytes.saturating_add(found.blocks().saturating_mul(BLOCK_BYTES));
            if found.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    bytes
}
