//! Contents that are too large for a log or have to outlive an edit: stored under their digest, compressed, once. Not here:
//! which contents those are.
//!
//! `blobs/ab/cdef…`, 0600 in 0700. A blob is written to a temporary file, synced, and renamed; then its directory is
//! synced. So a name that exists is whole, and a blob that was stored survives a power cut before any event that names it.
mod stream;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::digest::Digest;
use crate::journal::error::BlobError;
use crate::journal::state_dir::make_directory;

pub(crate) use crate::journal::blobs::stream::Piece;

/// The largest content: whole files are read into memory to be stored, and nothing an agent edits is larger.
pub(crate) const BLOB_BYTES_MAX: usize = 64 << 20;

/// How the content follows the head of a blob's file.
const RAW: u8 = 0;
const ZSTD: u8 = 1;

/// One byte of format, eight of length.
const HEAD_LEN: usize = 9;

/// zstd's default; a pre-image of some kilobytes takes a fraction of a millisecond.
const LEVEL: i32 = 3;

/// The store. Cloning shares it.
#[derive(Clone, Debug)]
pub(crate) struct Blobs(Arc<Store>);

#[derive(Debug)]
struct Store {
    root: PathBuf,
    /// Makes temporary names unique in this process.
    counter: AtomicU64,
}

impl Blobs {
    pub(in crate::journal) fn new(directory: &Path) -> Self {
        Self(Arc::new(Store { root: directory.join("blobs"), counter: AtomicU64::new(0) }))
    }

    /// Stores a content and returns its digest; one that is there already is not written again. Blocks.
    pub(crate) fn put(&self, content: &[u8]) -> Result<Digest, BlobError> {
        if content.len() > BLOB_BYTES_MAX {
            return Err(BlobError::TooLarge(content.len()));
        }
        let digest = Digest::of(content);
        let (directory, name) = self.place(digest);
        let path = directory.join(name);
        if !path.exists() {
            self.write(&directory, &path, &encode(content)?).map_err(full)?;
        }
        Ok(digest)
    }

    /// Reads a content and checks that it is the one of that digest. Blocks.
    pub(crate) fn get(&self, digest: Digest) -> Result<Vec<u8>, BlobError> {
        let (directory, name) = self.place(digest);
        let stored = fs::read(directory.join(name)).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                BlobError::NotFound(digest)
            } else {
                BlobError::Io(error)
            }
        })?;
        decode(&stored).filter(|content| Digest::of(content) == digest).ok_or(BlobError::Damaged(digest))
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

    fn place(&self, digest: Digest) -> (PathBuf, String) {
        let mut name = digest.to_string();
        let rest = name.split_off(2);
        (self.0.root.join(name), rest)
    }

    /// Returns a path in a directory, which is made, at which nothing is.
    fn temporary(&self, directory: &Path) -> io::Result<PathBuf> {
        make_directory(&self.0.root)?;
        if !directory.exists() {
            make_directory(directory)?;
            File::open(&self.0.root)?.sync_all()?;
        }
        let number = self.0.counter.fetch_add(1, Ordering::Relaxed);
        let temporary = directory.join(format!("tmp-{}-{number}", std::process::id()));
        // A file of that name was left by a process that is gone: it had this one's number.
        drop(fs::remove_file(&temporary));
        Ok(temporary)
    }

    fn write(&self, directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.temporary(directory)?;
        let written = write_file(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            drop(fs::remove_file(&temporary));
        }
        written?;
        File::open(directory)?.sync_all()
    }
}

fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create(path)?;
    file.write_all(bytes)?;
    file.sync_data()
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

fn encode(content: &[u8]) -> io::Result<Vec<u8>> {
    let packed = zstd::bulk::compress(content, LEVEL)?;
    let (format, body) =
        if packed.len() < content.len() { (ZSTD, packed.as_slice()) } else { (RAW, content) };
    let mut bytes = Vec::with_capacity(HEAD_LEN + body.len());
    bytes.push(format);
    bytes.extend(u64::try_from(content.len()).unwrap_or(u64::MAX).to_le_bytes());
    bytes.extend(body);
    Ok(bytes)
}

fn decode(stored: &[u8]) -> Option<Vec<u8>> {
    let (format, rest) = stored.split_first()?;
    let (len, body) = rest.split_first_chunk()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok().filter(|len| *len <= BLOB_BYTES_MAX)?;
    match *format {
        RAW => Some(body.to_vec()),
        ZSTD => zstd::bulk::decompress(body, len).ok(),
        _ => None,
    }
}

fn full(error: io::Error) -> BlobError {
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        BlobError::StorageFull
    } else {
        BlobError::Io(error)
    }
}
