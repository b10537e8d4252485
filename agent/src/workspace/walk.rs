//! The walk that listing, globbing and searching share: what is ignored, how many threads, who collects. Not here: what is
//! done with a file.
//!
//! A walk only yields names. Whoever opens one does so through the root handle, so a folder that is swapped for a link
//! during the walk exposes no contents.
use std::ffi::OsStr;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use ignore::{DirEntry, ParallelVisitor, ParallelVisitorBuilder, WalkBuilder, WalkState};

use crate::workspace::error::FileError;
use crate::workspace::path::RelPath;
use crate::workspace::root::Root;
use crate::workspace::smallest::Smallest;
use crate::workspace::stop::Stop;

/// More threads than this only contend for the same directory cache.
const THREADS_MAX: usize = 12;

/// Ignore files that are honoured, and that must be regular files: opening a FIFO of that name would never return.
pub(super) const IGNORE_FILES: [&str; 2] = [".gitignore", ".ignore"];

/// Returns a walk over the folder `start`: hidden files included, `.git` and what ignore files name left out. Links are
/// reported and not followed.
///
/// Without a repository the ignore files still count. Those above the workspace count only when the workspace is a part
/// of a repository: an ignore file in somebody's home folder says nothing about a project beneath it.
pub(super) fn builder(root: &Root, start: &RelPath) -> Result<WalkBuilder, FileError> {
    let start = root.absolute(&root.canonical(start)?);
    let inside_repository = !root.path().join(".git").exists()
        && root.path().ancestors().skip(1).any(|folder| folder.join(".git").exists());
    let mut builder = WalkBuilder::new(&start);
    builder
        .current_dir(root.path())
        .hidden(false)
        .follow_links(false)
        .git_global(false)
        .require_git(inside_repository)
        .parents(inside_repository)
        .threads(threads());
    let above = if inside_repository { Vec::new() } else { ignored_from_above(root, &start) };
    builder.filter_entry(move |entry| {
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        entry.file_name() != OsStr::new(".git")
            && !(is_folder && has_trap(entry.path()))
            && !above
                .iter()
                .map(|rules| rules.matched(entry.path(), is_folder))
                .find(|found| !found.is_none())
                .is_some_and(|found| found.is_ignore())
    });
    Ok(builder)
}

/// Returns the rules of the ignore files from the folder above `start` up to the root, nearest first. The walk itself would
/// read on above the root.
fn ignored_from_above(root: &Root, start: &Path) -> Vec<Gitignore> {
    start
        .ancestors()
        .skip(1)
        .take_while(|folder| folder.starts_with(root.path()))
        .filter(|folder| !has_trap(folder))
        .filter_map(|folder| {
            let mut rules = GitignoreBuilder::new(folder);
            for name in IGNORE_FILES {
                // Absent in most folders; a bad line is passed over, as git does.
                let _absent_or_bad = rules.add(folder.join(name));
            }
            rules.build().ok().filter(|rules| !rules.is_empty())
        })
        .collect()
}

/// Tells whether a folder holds an ignore file that cannot be read in bounded time. Such a folder is left out.
pub(super) fn has_trap(folder: &Path) -> bool {
    IGNORE_FILES.iter().any(|name| {
        folder.join(name).metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
    })
}

/// What a parallel walk brought home.
#[derive(Debug)]
pub(super) struct Collected<T> {
    /// The smallest items, in order.
    pub(super) items: Vec<T>,
    /// More was found than is kept.
    pub(super) truncated: bool,
    /// The walk was cancelled or out of time before it had seen everything.
    pub(super) stopped: bool,
}

/// Walks in parallel; each thread gets its own `each` from `make` and keeps what it finds.
pub(super) fn collect<T, F>(
    builder: &WalkBuilder,
    items_max: usize,
    stop: &Stop,
    make: impl FnMut() -> F,
) -> Collected<T>
where
    T: Ord + Send,
    F: FnMut(&DirEntry, &mut Smallest<T>) + Send,
{
    // One more than there are threads: the walk builds a visitor for itself first. So no send ever waits.
    let (sender, receiver) = sync_channel(threads() + 1);
    builder.build_parallel().visit(&mut Crew { make, items_max, stop, sender });
    let mut all = Smallest::new(items_max);
    let mut stopped = false;
    for (kept, ended_early) in receiver {
        all.absorb(kept);
        stopped |= ended_early;
    }
    Collected { truncated: all.has_dropped(), items: all.into_sorted(), stopped }
}

/// Returns how many threads walk: all processors, two at least, because half of the time is waiting for the disk.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).clamp(2, THREADS_MAX)
}

struct Crew<'s, T, M> {
    make: M,
    items_max: usize,
    stop: &'s Stop,
    sender: SyncSender<(Smallest<T>, bool)>,
}

impl<'s, T, F, M> ParallelVisitorBuilder<'s> for Crew<'s, T, M>
where
    T: Ord + Send + 's,
    F: FnMut(&DirEntry, &mut Smallest<T>) + Send + 's,
    M: FnMut() -> F,
{
    fn build(&mut self) -> Box<dyn ParallelVisitor + 's> {
        Box::new(Member {
            each: (self.make)(),
            kept: Smallest::new(self.items_max),
            items_max: self.items_max,
            stop: self.stop,
            stopped: false,
            sender: self.sender.clone(),
        })
    }
}

struct Member<'s, T: Ord, F> {
    each: F,
    kept: Smallest<T>,
    items_max: usize,
    stop: &'s Stop,
    stopped: bool,
    /// Sends what was kept when the walk drops this visitor, which is how it says that it is done.
    sender: SyncSender<(Smallest<T>, bool)>,
}

impl<T, F> ParallelVisitor for Member<'_, T, F>
where
    T: Ord + Send,
    F: FnMut(&DirEntry, &mut Smallest<T>) + Send,
{
    fn visit(&mut self, entry: Result<DirEntry, ignore::Error>) -> WalkState {
        if self.stop.is_due() {
            self.stopped = true;
            return WalkState::Quit;
        }
        // A folder that cannot be read is left out, as it is by every search tool.
        if let Ok(entry) = entry {
            (self.each)(&entry, &mut self.kept);
        }
        WalkState::Continue
    }
}

impl<T: Ord, F> Drop for Member<'_, T, F> {
    fn drop(&mut self) {
        let kept = std::mem::replace(&mut self.kept, Smallest::new(self.items_max));
        // Nobody listens any more only if the caller panicked.
        drop(self.sender.send((kept, self.stopped)));
    }
}
