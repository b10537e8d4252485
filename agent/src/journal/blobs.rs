//! Contents that are too large for a log or have to outlive an edit: stored under their digest, compressed, once. Not here:
//! which contents those are.
//!
//! `blobs/ab/cdef…`, 0600 in 0700. A blob is written to a temporary file, synced, and renamed; then its directory is
//! synced. So a name that exists is whole, and a blob that was stored survives a power cut before any event that names it.
//!
//! A version of a content may be stored as what became other since an earlier version. Whoever keeps or names it keeps and names
//! what it rests on too.
mod format;
mod known;
mod stream;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use crate::base::digest::Digest;
use crate::journal::blobs::known::Known;
use crate::journal::error::BlobError;
use crate::journal::log_id::LogId;
use crate::journal::state_dir::make_directory;

pub(crate) use crate::journal::blobs::stream::Piece;

/// The largest content: whole files are read into memory to be stored, and nothing an agent edits is larger.
pub(crate) const BLOB_BYTES_MAX: usize = 64 << 20;

/// How many blobs one rests on at most: reading it reads them all.
pub(in crate::journal) const PATCHES_MAX: usize = 32;

#[expect(
    clippy::disallowed_types,
    reason = "tools on blocking threads and the writer share it; held for one look at a file"
)]
type Lock<T> = std::sync::Mutex<T>;

/// The store. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Blobs {
    store: Arc<Store>,
    /// For whom what is stored is kept until it is committed.
    owner: LogId,
}

#[derive(Debug)]
struct Store {
    root: PathBuf,
    /// Makes temporary names unique in this process.
    counter: AtomicU64,
    /// What was stored and is not committed yet: kept, whatever the logs say. Of the machine's log nothing is let go.
    kept: Lock<BTreeMap<LogId, BTreeSet<Digest>>>,
    known: Known,
}

/// What became of a blob that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::journal) enum Removal {
    /// It is kept for a batch under way.
    Kept,
    /// A log needs it.
    Needed,
    /// It is gone; so many bytes it had on the disk.
    Gone(u64),
}

impl Blobs {
    pub(in crate::journal) fn new(directory: &Path) -> Self {
        let store = Store {
            root: directory.join("blobs"),
            counter: AtomicU64::new(0),
            kept: Lock::default(),
            known: Known::default(),
        };
        Self { store: Arc::new(store), owner: LogId::All }
    }

    /// Returns the store as a session uses it: what it stores is kept until its log names it or it lets go of it.
    pub(crate) fn of(&self, owner: LogId) -> Self {
        Self { store: Arc::clone(&self.store), owner }
    }

    /// Keeps a blob that is there already, and what it rests on, until the log names it.
    pub(crate) fn keep(&self, digest: Digest) {
        // First it, so that it stays what it is while it is looked at.
        for digest in std::iter::once(digest).chain(self.rests_on(digest)) {
            self.kept(|kept| kept.entry(self.owner.clone()).or_default().insert(digest));
        }
    }

    /// Tells whether something is kept that no log names yet.
    pub(in crate::journal) fn is_kept(&self, digest: Digest) -> bool {
        self.kept(|kept| kept.values().any(|kept| kept.contains(&digest)))
    }

    /// Lets go of what was stored for a log and never named by it.
    pub(crate) fn let_go(&self, owner: &LogId) {
        self.kept(|kept| kept.remove(owner));
        self.store.known.let_go(owner);
    }

    /// A log names these now.
    pub(in crate::journal) fn named<'a>(&self, owner: &LogId, digests: impl Iterator<Item = &'a Digest>) {
        self.kept(|kept| {
            let Some(own) = kept.get_mut(owner) else { return };
            for digest in digests {
                own.remove(digest);
            }
            if own.is_empty() {
                kept.remove(owner);
            }
        });
    }

    /// Removes a blob that is neither kept nor needed. Who stores it at the same moment either keeps it first, or finds it gone
    /// and writes it anew: both happen under one lock.
    pub(in crate::journal) fn remove(
        &self,
        digest: Digest,
        needed: impl FnOnce() -> bool,
    ) -> io::Result<Removal> {
        self.kept(|kept| {
            let removal = self.judge(kept, digest, needed)?;
            if matches!(removal, Removal::Gone(_)) {
                match self.store.known.remove(digest, || fs::remove_file(self.path(digest))) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            Ok(removal)
        })
    }

    /// Tells what `remove` would do.
    pub(in crate::journal) fn would_remove(
        &self,
        digest: Digest,
        needed: impl FnOnce() -> bool,
    ) -> io::Result<Removal> {
        self.kept(|kept| self.judge(kept, digest, needed))
    }

    fn judge(
        &self,
        kept: &BTreeMap<LogId, BTreeSet<Digest>>,
        digest: Digest,
        needed: impl FnOnce() -> bool,
    ) -> io::Result<Removal> {
        if kept.values().any(|kept| kept.contains(&digest)) {
            return Ok(Removal::Kept);
        }
        // Asked behind the look at what is kept: a batch names a blob before it lets go of it.
        if needed() {
            return Ok(Removal::Needed);
        }
        match fs::metadata(self.path(digest)) {
            Ok(file) => Ok(Removal::Gone(file.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Removal::Gone(0)),
            Err(error) => Err(error),
        }
    }

    /// Returns the digests of all blobs. What cannot be read is left out.
    pub(in crate::journal) fn all(&self) -> Vec<Digest> {
        let names = |path: &Path| -> Vec<(PathBuf, String)> {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries.map(|entry| (entry.path(), entry.file_name().to_string_lossy().into_owned())).collect()
        };
        let mut found = Vec::new();
        for (path, beginning) in names(&self.store.root) {
            let rest = names(&path).into_iter();
            found.extend(rest.filter_map(|(_, rest)| format!("{beginning}{rest}").parse::<Digest>().ok()));
        }
        found
    }

    fn kept<R>(&self, work: impl FnOnce(&mut BTreeMap<LogId, BTreeSet<Digest>>) -> R) -> R {
        work(&mut self.store.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Stores a content and returns its digest; one that is there already is not written again. Blocks.
    pub(crate) fn put(&self, content: &[u8]) -> Result<Digest, BlobError> {
        let digest = self.kept_digest(content)?;
        if !self.is_whole(digest) {
            self.write(&[(digest, format::whole(content)?)]).map_err(full)?;
        }
        Ok(digest)
    }

    /// Stores a content and its next version, that one as what became other where that is far smaller, and returns their
    /// digests. The disk is waited for once for both. Otherwise as `put`. Blocks.
    pub(crate) fn put_versions(&self, before: &[u8], after: &[u8]) -> Result<(Digest, Digest), BlobError> {
        let (earlier, later) = (self.kept_digest(before)?, self.kept_digest(after)?);
        let mut files = Vec::new();
        let is_there = self.is_whole(earlier);
        if !is_there {
            files.push((earlier, format::whole(before)?));
        }
        if later != earlier && !self.is_whole(later) {
            // Nothing rests on what is damaged, or on too much.
            let may_rest =
                !is_there || (self.rests_on(earlier).len() < PATCHES_MAX && self.get(earlier).is_ok());
            let patch = if may_rest { format::patch(after, earlier, before) } else { None };
            files.push((later, patch.map_or_else(|| format::whole(after), Ok)?));
        }
        self.write(&files).map_err(full)?;
        self.store.known.keep_latest(&self.owner, later, after);
        Ok((earlier, later))
    }

    /// Returns the digest of a content, which is kept from now on.
    fn kept_digest(&self, content: &[u8]) -> Result<Digest, BlobError> {
        if content.len() > BLOB_BYTES_MAX {
            return Err(BlobError::TooLarge(content.len()));
        }
        let digest = Digest::of(content);
        self.keep(digest);
        Ok(digest)
    }

    /// Tells whether a blob is there with all that it rests on.
    fn is_whole(&self, digest: Digest) -> bool {
        let is_there = |digest: &Digest| self.path(*digest).exists();
        let rests_on = || self.rests_on(digest);
        is_there(&digest)
            && rests_on().iter().all(|digest| self.store.known.is_there(*digest) || is_there(digest))
    }

    /// Returns what a blob rests on, nearest first. What cannot be read rests on nothing.
    fn rests_on(&self, digest: Digest) -> Vec<Digest> {
        let mut found = Vec::new();
        let mut next = self.earlier(digest);
        while let Some(earlier) = next.filter(|_| found.len() < PATCHES_MAX) {
            found.push(earlier);
            next = self.earlier(earlier);
        }
        found
    }

    fn earlier(&self, digest: Digest) -> Option<Digest> {
        self.store.known.earlier(digest, || format::earlier(&self.path(digest)))
    }

    /// Adds what blobs rest on to what a log names, each once.
    pub(in crate::journal) fn complete(&self, digests: &mut Vec<Digest>) {
        let more: Vec<Digest> = digests.iter().flat_map(|digest| self.rests_on(*digest)).collect();
        digests.extend(more);
        digests.sort_unstable();
        digests.dedup();
    }

    /// Reads a content and checks that it is the one of that digest. Blocks.
    pub(crate) fn get(&self, digest: Digest) -> Result<Vec<u8>, BlobError> {
        if let Some(content) = self.store.known.latest_of(&self.owner, digest) {
            return Ok(content.to_vec());
        }
        let mut parts = vec![self.stored(digest)?];
        while let Some(earlier) = parts.last().and_then(|stored| format::earlier_of(stored)) {
            if parts.len() > PATCHES_MAX {
                return Err(BlobError::Damaged(digest));
            }
            let missing = |error| {
                if matches!(error, BlobError::NotFound(_)) { BlobError::Damaged(digest) } else { error }
            };
            parts.push(self.stored(earlier).map_err(missing)?);
        }
        let mut content = Vec::new();
        while let Some(stored) = parts.pop() {
            content = format::content(&stored, &content).ok_or(BlobError::Damaged(digest))?;
        }
        if Digest::of(&content) == digest { Ok(content) } else { Err(BlobError::Damaged(digest)) }
    }

    fn stored(&self, digest: Digest) -> Result<Vec<u8>, BlobError> {
        fs::read(self.path(digest)).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                BlobError::NotFound(digest)
            } else {
                BlobError::Io(error)
            }
        })
    }

    /// Stores a content on a thread that may block.
    pub(crate) async fn put_async(
        &self,
        content: impl AsRef<[u8]> + Send + 'static,
    ) -> Result<Digest, BlobError> {
        let store = self.clone();
        blocking(move || store.put(content.as_ref())).await
    }

    /// Reads a content on a thread that may block.
    pub(crate) async fn get_async(&self, digest: Digest) -> Result<Vec<u8>, BlobError> {
        let store = self.clone();
        blocking(move || store.get(digest)).await
    }

    fn path(&self, digest: Digest) -> PathBuf {
        let (directory, name) = self.place(digest);
        directory.join(name)
    }

    fn place(&self, digest: Digest) -> (PathBuf, String) {
        let mut name = digest.to_string();
        let rest = name.split_off(2);
        (self.store.root.join(name), rest)
    }

    /// Makes the directory of a blob; tells whether it is new. Its name is on the disk once the root is synced.
    fn make_place(&self, directory: &Path) -> io::Result<bool> {
        make_directory(&self.store.root)?;
        let is_new = !directory.exists();
        if is_new {
            make_directory(directory)?;
        }
        Ok(is_new)
    }

    /// Returns a path in a directory at which nothing is.
    fn temporary(&self, directory: &Path) -> PathBuf {
        let number = self.store.counter.fetch_add(1, Ordering::Relaxed);
        let temporary = directory.join(format!("tmp-{}-{number}", std::process::id()));
        // A file of that name was left by a process that is gone: it had this one's number.
        drop(fs::remove_file(&temporary));
        temporary
    }

    /// Writes files and gives them their names. All are written before the disk is waited for, and all have their names before
    /// it is waited for again: it takes hardly longer than one.
    fn write(&self, files: &[(Digest, Vec<u8>)]) -> io::Result<()> {
        let mut laid = Vec::with_capacity(files.len());
        let written = self.lay(files, &mut laid);
        let named = written.and_then(|synced| {
            for (temporary, path) in &laid {
                fs::rename(temporary, path)?;
            }
            synced.iter().try_for_each(|directory| File::open(directory)?.sync_all())?;
            for (digest, bytes) in files {
                self.store.known.stored(*digest, format::earlier_of(bytes));
            }
            Ok(())
        });
        if named.is_err() {
            for (temporary, _) in &laid {
                drop(fs::remove_file(temporary));
            }
        }
        named
    }

    /// Writes files under temporary names, told in `laid` with the names they shall have, and returns the directories to sync.
    fn lay(
        &self,
        files: &[(Digest, Vec<u8>)],
        laid: &mut Vec<(PathBuf, PathBuf)>,
    ) -> io::Result<BTreeSet<PathBuf>> {
        let (mut open, mut directories) = (Vec::with_capacity(files.len()), BTreeSet::new());
        for (digest, bytes) in files {
            let (directory, name) = self.place(*digest);
            if self.make_place(&directory)? {
                directories.insert(self.store.root.clone());
            }
            let temporary = self.temporary(&directory);
            laid.push((temporary.clone(), directory.join(name)));
            let mut file = create(&temporary)?;
            file.write_all(bytes)?;
            open.push(file);
            directories.insert(directory);
        }
        open.iter().try_for_each(File::sync_data)?;
        Ok(directories)
    }
}

fn create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn full(error: io::Error) -> BlobError {
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        BlobError::StorageFull
    } else {
        BlobError::Io(error)
    }
}
