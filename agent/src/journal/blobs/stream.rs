//! Contents that are stored and read in pieces: what takes part in it is never in memory as a whole. Not here: the format
//! (`blobs`).
use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::str;

use crate::base::digest::{Digest, Digesting};
use crate::journal::blobs::format::{HEAD_LEN, LEVEL, RAW, ZSTD};
use crate::journal::blobs::{BLOB_BYTES_MAX, Blobs, blocking, create, full};
use crate::journal::error::BlobError;

/// Bytes that are read at once.
const STEP_BYTES: usize = 64 << 10;

/// Bytes of the beginning that tell what kind of content it is.
const SAMPLE_BYTES_MAX: usize = 512;

/// Some of a content, and what is known of the whole.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The bytes from the place that was asked for; fewer at the end.
    pub(crate) bytes: Vec<u8>,
    /// How many bytes the content has.
    pub(crate) total: u64,
    /// Its beginning.
    pub(crate) sample: Vec<u8>,
    /// Whether all of it is UTF-8.
    pub(crate) is_text: bool,
}

impl Blobs {
    /// Stores what a reader yields, and returns its digest. Blocks.
    ///
    /// # Errors
    /// As `put`, and those of the reader.
    pub(crate) fn put_from(&self, content: &mut dyn Read) -> Result<Digest, BlobError> {
        self.make_place(&self.store.root).map_err(full)?;
        let temporary = self.temporary(&self.store.root);
        let stored = pack(&temporary, content).and_then(|digest| self.settle(&temporary, digest));
        if stored.is_err() {
            drop(fs::remove_file(&temporary));
        }
        stored
    }

    /// Gives a file its name, unless there is one already.
    fn settle(&self, temporary: &Path, digest: Digest) -> Result<Digest, BlobError> {
        self.keep(digest);
        if self.is_whole(digest) {
            fs::remove_file(temporary)?;
            return Ok(digest);
        }
        let (directory, name) = self.place(digest);
        let path = directory.join(name);
        let is_new = self.make_place(&directory).map_err(full)?;
        fs::rename(temporary, &path).map_err(full)?;
        if is_new {
            File::open(&self.store.root)?.sync_all()?;
        }
        File::open(directory)?.sync_all()?;
        Ok(digest)
    }

    /// Reads at most `len` bytes of a content from `start` on. All of it is gone through and checked. Blocks.
    ///
    /// # Errors
    /// As `get`.
    pub(crate) fn piece(&self, digest: Digest, start: u64, len: usize) -> Result<Piece, BlobError> {
        if !self.rests_on(digest).is_empty() {
            // No larger than what is edited: it may be in memory.
            let content = self.get(digest)?;
            return scan(&mut content.as_slice(), start, len).map(|(_, piece)| piece).map_err(BlobError::Io);
        }
        let file = File::open(self.path(digest)).map_err(|error| {
            if error.kind() == ErrorKind::NotFound {
                BlobError::NotFound(digest)
            } else {
                BlobError::Io(error)
            }
        })?;
        let scanned = unpack(file).and_then(|mut content| scan(&mut content, start, len));
        let (found, piece) = scanned.map_err(|_| BlobError::Damaged(digest))?;
        if found == digest { Ok(piece) } else { Err(BlobError::Damaged(digest)) }
    }

    /// Reads some of a content on a thread that may block.
    pub(crate) async fn piece_async(
        &self,
        digest: Digest,
        start: u64,
        len: usize,
    ) -> Result<Piece, BlobError> {
        let store = self.clone();
        blocking(move || store.piece(digest, start, len)).await
    }
}

/// Writes a blob's file of what a reader yields.
fn pack(path: &Path, content: &mut dyn Read) -> Result<Digest, BlobError> {
    let mut file = create(path).map_err(full)?;
    file.write_all(&[0; HEAD_LEN]).map_err(full)?;
    let mut packed = zstd::stream::write::Encoder::new(&mut file, LEVEL).map_err(full)?;
    let (mut digesting, mut total) = (Digesting::default(), 0);
    each_step(content, |bytes| {
        total += bytes.len();
        digesting.push(bytes);
        if total > BLOB_BYTES_MAX { Ok(()) } else { packed.write_all(bytes) }
    })
    .map_err(full)?;
    if total > BLOB_BYTES_MAX {
        return Err(BlobError::TooLarge(total));
    }
    packed.finish().map_err(full)?;
    let mut head = vec![ZSTD];
    head.extend(u64::try_from(total).unwrap_or(u64::MAX).to_le_bytes());
    let written =
        file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&head)).and_then(|()| file.sync_data());
    written.map_err(full)?;
    Ok(digesting.digest())
}

/// Returns what yields the content of a blob's file that rests on no other.
fn unpack(mut file: File) -> io::Result<Box<dyn Read>> {
    let mut head = [0; HEAD_LEN];
    file.read_exact(&mut head)?;
    Ok(match head[0] {
        RAW => Box::new(BufReader::new(file)),
        ZSTD => Box::new(zstd::stream::read::Decoder::new(file)?),
        _ => return Err(ErrorKind::InvalidData.into()),
    })
}

/// Goes through a content; returns its digest, and the piece of it.
fn scan(content: &mut dyn Read, start: u64, len: usize) -> io::Result<(Digest, Piece)> {
    let (mut digesting, mut text, mut piece) = (Digesting::default(), Text::default(), Piece::default());
    let end = start.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
    each_step(content, |bytes| {
        digesting.push(bytes);
        text.push(bytes);
        let room = SAMPLE_BYTES_MAX - piece.sample.len();
        piece.sample.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let place =
            |at: u64| usize::try_from(at.saturating_sub(piece.total)).unwrap_or(usize::MAX).min(bytes.len());
        piece.bytes.extend_from_slice(&bytes[place(start)..place(end)]);
        piece.total += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    })?;
    piece.is_text = text.is_sound();
    Ok((digesting.digest(), piece))
}

fn each_step(content: &mut dyn Read, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut step = vec![0; STEP_BYTES];
    loop {
        match content.read(&mut step) {
            Ok(0) => return Ok(()),
            Ok(count) => take(&step[..count])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether bytes that come in pieces are UTF-8.
#[derive(Debug, Default)]
struct Text {
    /// The beginning of a character whose rest has not come.
    begun: Vec<u8>,
    is_broken: bool,
}

impl Text {
    fn push(&mut self, bytes: &[u8]) {
        if self.is_broken {
            return;
        }
        self.begun.extend_from_slice(bytes);
        let sound = match str::from_utf8(&self.begun) {
            Ok(text) => text.len(),
            Err(error) => {
                self.is_broken = error.error_len().is_some();
                error.valid_up_to()
            }
        };
        self.begun.drain(..sound);
    }

    fn is_sound(&self) -> bool {
        !self.is_broken && self.begun.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_came_in_pieces_is_the_content_and_is_read_in_pieces() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(directory.path());
        let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let digest = blobs.put_from(&mut content.as_slice()).unwrap();
        assert_eq!(digest, Digest::of(&content));
        assert_eq!(blobs.get(digest).unwrap(), content);
        assert_eq!(blobs.put_from(&mut content.as_slice()).unwrap(), digest, "again");
        let piece = blobs.piece(digest, 70_000, 100_000).unwrap();
        assert_eq!((piece.total, piece.is_text), (1_200_000, false));
        assert!(piece.bytes == content[70_000..170_000] && piece.sample == content[..SAMPLE_BYTES_MAX]);
        assert_eq!(blobs.piece(digest, 1_199_999, 5).unwrap().bytes, content[1_199_999..]);
        assert!(blobs.piece(digest, u64::MAX, usize::MAX).unwrap().bytes.is_empty());
        let text = blobs.put("short and stored whole: é".as_bytes()).unwrap();
        assert!(blobs.piece(text, 0, 5).unwrap().is_text);
        let nothing = blobs.put_from(&mut io::empty()).unwrap();
        assert_eq!(blobs.piece(nothing, 0, 5).unwrap().total, 0);
    }

    #[test]
    fn too_much_and_what_was_changed_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(directory.path());
        let much = u64::try_from(BLOB_BYTES_MAX).unwrap() + 1;
        assert!(matches!(blobs.put_from(&mut io::repeat(0).take(much)), Err(BlobError::TooLarge(_))));
        let digest = blobs.put(b"abc").unwrap();
        let (place, name) = blobs.place(digest);
        fs::write(place.join(name), [&[RAW][..], &3_u64.to_le_bytes(), b"abd"].concat()).unwrap();
        assert!(matches!(blobs.piece(digest, 0, 3), Err(BlobError::Damaged(_))));
        assert!(matches!(blobs.piece(Digest::of(b"other"), 0, 3), Err(BlobError::NotFound(_))));
        let left = fs::read_dir(directory.path().join("blobs")).unwrap();
        assert_eq!(left.filter(|entry| entry.as_ref().unwrap().path().is_file()).count(), 0);
    }

    proptest! {
        #[test]
        fn text_is_known_however_it_is_cut(text in "[a\u{e9}\u{20ac}\u{1f600}]{0,20}", at in any::<prop::sample::Index>(), add in prop::option::of(0x80..=0xff_u8)) {
            let bytes: Vec<u8> = text.bytes().chain(add).collect();
            let (one, other) = bytes.split_at(if bytes.is_empty() { 0 } else { at.index(bytes.len()) });
            let mut text = Text::default();
            text.push(one);
            text.push(other);
            prop_assert_eq!(text.is_sound(), str::from_utf8(&bytes).is_ok());
        }
    }
}
