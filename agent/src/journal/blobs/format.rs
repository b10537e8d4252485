//! What is in a blob's file. Not here: which files there are (`blobs`).
//!
//! One byte says the format, eight the length of the content, little-endian. Then come, by format, 0: the content; 1: the content
//! as a frame of zstd; 2: the 32 bytes of the digest of an earlier version, and a frame of zstd with that version as its raw
//! dictionary (RFC 8878, section 5).
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use zstd::bulk::{Compressor, Decompressor};

use crate::base::digest::Digest;
use crate::journal::blobs::BLOB_BYTES_MAX;

pub(super) const RAW: u8 = 0;
pub(super) const ZSTD: u8 = 1;
const PATCH: u8 = 2;

/// One byte of format, eight of length.
pub(super) const HEAD_LEN: usize = 9;

/// The head of a patch: a digest follows.
const PATCH_HEAD_LEN: usize = HEAD_LEN + 32;

/// zstd's default; a pre-image of some kilobytes takes a fraction of a millisecond.
pub(super) const LEVEL: i32 = 3;

/// The largest version that is stored as a patch, in bytes: a dictionary reaches that far.
const VERSION_BYTES_MAX: usize = 1 << 20;

/// A patch has to be so many times smaller than the content, or it is not worth resting on another blob.
const GAIN_MIN: usize = 8;

/// Returns the file of a content that rests on nothing.
pub(super) fn whole(content: &[u8]) -> io::Result<Vec<u8>> {
    let packed = zstd::bulk::compress(content, LEVEL)?;
    let (format, body) =
        if packed.len() < content.len() { (ZSTD, packed.as_slice()) } else { (RAW, content) };
    Ok(file(format, content.len(), &[], body))
}

/// Returns the file of a content that rests on an earlier version, where that is worth it.
pub(super) fn patch(content: &[u8], digest: Digest, earlier: &[u8]) -> Option<Vec<u8>> {
    if content.len().max(earlier.len()) > VERSION_BYTES_MAX {
        return None;
    }
    let body = Compressor::with_dictionary(LEVEL, earlier).ok()?.compress(content).ok()?;
    let gain = content.len() / (body.len() + PATCH_HEAD_LEN);
    (gain >= GAIN_MIN).then(|| file(PATCH, content.len(), digest.as_bytes(), &body))
}

fn file(format: u8, len: usize, digest: &[u8], body: &[u8]) -> Vec<u8> {
    let len = u64::try_from(len).unwrap_or(u64::MAX).to_le_bytes();
    [&[format], len.as_slice(), digest, body].concat()
}

/// Returns the version that a stored file rests on.
pub(super) fn earlier_of(stored: &[u8]) -> Option<Digest> {
    let head = stored.first_chunk::<PATCH_HEAD_LEN>()?;
    let digest = head.last_chunk().copied().map(Digest::from_bytes);
    digest.filter(|_| head[0] == PATCH)
}

/// Returns the version that the blob at a path rests on, if it is one that does.
///
/// # Errors
/// There is no blob, or it cannot be read.
pub(super) fn earlier(path: &Path) -> io::Result<Option<Digest>> {
    let mut head = [0; PATCH_HEAD_LEN];
    match File::open(path)?.read_exact(&mut head) {
        Ok(()) => Ok(earlier_of(&head)),
        // Shorter than a patch can be.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the content of a file; `earlier` is what it rests on. Nothing if it is damaged.
pub(super) fn content(stored: &[u8], earlier: &[u8]) -> Option<Vec<u8>> {
    let (format, rest) = stored.split_first()?;
    let (len, body) = rest.split_first_chunk()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok().filter(|len| *len <= BLOB_BYTES_MAX)?;
    match *format {
        RAW => Some(body.to_vec()),
        ZSTD => zstd::bulk::decompress(body, len).ok(),
        PATCH => {
            let frame = body.get(PATCH_HEAD_LEN - HEAD_LEN..)?;
            Decompressor::with_dictionary(earlier).ok()?.decompress(frame, len).ok()
        }
        _ => None,
    }
}
