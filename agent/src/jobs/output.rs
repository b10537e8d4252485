//! What a job has printed: in a file as it comes, up to a bound, and the newest of it in memory. Not here: what of it is
//! shown (`session`).
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tenon_protocol::job::WHOLE_OUTPUT_BYTES_MAX;

/// Bytes of the end that are in memory.
const TAIL_BYTES_MAX: usize = 512 << 10;

/// What is not in the file yet goes there when it is so much. A chunk is at most 64 KiB, so the tail holds it all till then.
const SPILL_BYTES: u64 = 128 << 10;

/// Bytes that somebody gets who comes later: some screens full.
const RECENT_BYTES_MAX: usize = 64 << 10;

/// Bytes of a page for somebody who catches up.
const PAGE_BYTES_MAX: usize = 256 << 10;

/// A job's output, bounded whatever the job prints.
#[derive(Debug)]
pub(crate) struct Output {
    /// The file with the beginning; there is none before it is needed.
    path: PathBuf,
    /// Bytes in the file.
    filed: u64,
    /// Whether the file takes no more.
    is_full: bool,
    /// The last bytes of all.
    tail: VecDeque<u8>,
    total: u64,
}

impl Output {
    /// Returns an output that keeps its beginning in this file.
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, filed: 0, is_full: false, tail: VecDeque::new(), total: 0 }
    }

    /// Returns the output of a job that nobody has ended: what is in its file. Blocks.
    pub(crate) fn left_in(path: PathBuf) -> Self {
        let filed = fs::metadata(&path).map_or(0, |found| found.len());
        Self { filed, total: filed, ..Self::new(path) }
    }

    /// Adds a chunk.
    pub(crate) async fn push(&mut self, bytes: &[u8]) {
        self.tail.extend(bytes);
        self.total += count(bytes.len());
        if !self.is_full && self.unfiled() >= SPILL_BYTES {
            let (path, bytes) = (self.path.clone(), self.next_for_file());
            let length = count(bytes.len());
            match tokio::task::spawn_blocking(move || append(&path, &bytes)).await {
                Ok(Ok(())) => self.filed += length,
                failed => {
                    tracing::warn!(?failed, "the output of a job cannot be kept whole");
                    self.is_full = true;
                }
            }
            self.is_full |= self.filed >= WHOLE_OUTPUT_BYTES_MAX;
        }
        let over = self.tail.len().saturating_sub(TAIL_BYTES_MAX);
        self.tail.drain(..over);
    }

    fn unfiled(&self) -> u64 {
        self.total - self.filed
    }

    /// Returns what is next for the file: it is still in the tail.
    fn next_for_file(&self) -> Vec<u8> {
        let unfiled = usize::try_from(self.unfiled()).unwrap_or(usize::MAX);
        let room = usize::try_from(WHOLE_OUTPUT_BYTES_MAX - self.filed).unwrap_or(usize::MAX);
        self.tail.iter().skip(self.tail.len().saturating_sub(unfiled)).take(room).copied().collect()
    }

    /// Returns how many bytes were printed.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// Returns the newest bytes, or those from a place on, and how many were before them. Of what was not kept it returns
    /// what follows.
    pub(crate) async fn page(&self, from: Option<u64>) -> (u64, Vec<u8>) {
        let tail_from = self.total - count(self.tail.len());
        let (from, length) = match from {
            Some(from) if from < self.filed && from < tail_from => {
                let path = self.path.clone();
                let length = PAGE_BYTES_MAX.min(usize::try_from(self.filed - from).unwrap_or(usize::MAX));
                match tokio::task::spawn_blocking(move || read_at(&path, from, length)).await {
                    Ok(Ok(bytes)) => return (from, bytes),
                    _ => (tail_from, PAGE_BYTES_MAX),
                }
            }
            Some(from) => (from.clamp(tail_from, self.total), PAGE_BYTES_MAX),
            None => (self.total - count(self.tail.len().min(RECENT_BYTES_MAX)), RECENT_BYTES_MAX),
        };
        let skipped = usize::try_from(from - tail_from).unwrap_or(usize::MAX);
        (from, self.tail.iter().skip(skipped).take(length).copied().collect())
    }

    /// Returns all that was kept, with a line where something is missing. Blocks.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn reader(&self) -> io::Result<impl Read + use<>> {
        let file: Box<dyn Read> = if self.filed > 0 {
            Box::new(File::open(&self.path)?.take(self.filed))
        } else {
            Box::new(io::empty())
        };
        let unfiled = usize::try_from(self.unfiled()).unwrap_or(usize::MAX);
        let lost = unfiled.saturating_sub(self.tail.len());
        let gap = if lost > 0 { format!("\n[{lost} bytes were not kept]\n") } else { String::new() };
        let end: Vec<u8> = self.tail.iter().skip(self.tail.len().saturating_sub(unfiled)).copied().collect();
        Ok(file.chain(Cursor::new(gap.into_bytes())).chain(Cursor::new(end)))
    }

    /// Returns the beginning and the end, each at most so long, and how many bytes are between them. Blocks.
    pub(crate) fn ends(&self, bytes_max: usize) -> (Vec<u8>, u64, Vec<u8>) {
        let mut all = Vec::new();
        let whole = count(2 * bytes_max);
        let read = |bytes: &mut Vec<u8>, max: u64| {
            self.reader().and_then(|reader| reader.take(max).read_to_end(bytes))
        };
        if self.total <= whole && read(&mut all, whole).is_ok() {
            return (all, 0, Vec::new());
        }
        let mut head = Vec::new();
        let _as_far_as_it_goes = read(&mut head, count(bytes_max));
        let end = self.tail.len().min(bytes_max);
        let tail: Vec<u8> = self.tail.iter().skip(self.tail.len() - end).copied().collect();
        let between = self.total.saturating_sub(count(head.len() + tail.len()));
        (head, between, tail)
    }

    /// Removes the file, once what was in it is elsewhere. Blocks.
    pub(crate) fn remove_file(&self) {
        // There need not be one.
        let _absent = fs::remove_file(&self.path);
    }
}

fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)?.write_all(bytes)
}

fn read_at(path: &Path, from: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prints pieces of these lengths; returns the output and what was printed.
    async fn printed(folder: &Path, pieces: &[usize]) -> (Output, Vec<u8>) {
        let mut output = Output::new(folder.join("j"));
        let mut all = Vec::new();
        for (number, length) in pieces.iter().enumerate() {
            let piece = vec![b'a' + u8::try_from(number % 26).unwrap(); *length];
            for chunk in piece.chunks(64 << 10) {
                output.push(chunk).await;
            }
            all.extend_from_slice(&piece);
        }
        assert_eq!(output.total(), count(all.len()));
        (output, all)
    }

    fn read(output: &Output) -> Vec<u8> {
        let mut found = Vec::new();
        output.reader().unwrap().read_to_end(&mut found).unwrap();
        found
    }

    #[tokio::test]
    async fn all_of_it_is_there_and_can_be_paged_from_anywhere() {
        for pieces in [&[][..], &[3, 70_000, 5], &[128 << 10, 1], &[1 << 20, 5, 3 << 20]] {
            let folder = tempfile::tempdir().unwrap();
            let (output, all) = printed(folder.path(), pieces).await;
            assert!(read(&output) == all, "{pieces:?}");
            let (from, recent) = output.page(None).await;
            assert!(
                recent == all[usize::try_from(from).unwrap()..]
                    && recent.len() == all.len().min(RECENT_BYTES_MAX)
            );
            let mut paged = Vec::new();
            while paged.len() < all.len() {
                let (from, page) = output.page(Some(count(paged.len()))).await;
                assert!(from == count(paged.len()) && !page.is_empty());
                paged.extend(page);
            }
            assert!(paged == all, "{pieces:?}");
            assert_eq!(output.page(Some(u64::MAX)).await, (count(all.len()), Vec::new()));
            let (head, between, tail) = output.ends(100_000);
            assert_eq!(count(head.len() + tail.len()) + between, count(all.len()));
            assert!(all.starts_with(&head) && all.ends_with(&tail));
        }
    }

    #[tokio::test]
    async fn of_what_is_endless_the_two_ends_are_kept_and_the_gap_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (output, all) = printed(folder.path(), &[1 << 20; 40]).await;
        assert_eq!(output.filed, WHOLE_OUTPUT_BYTES_MAX);
        let found = read(&output);
        let end = found.len() - TAIL_BYTES_MAX;
        assert!(found.starts_with(&all[..32 << 20]) && found[end..] == all[all.len() - TAIL_BYTES_MAX..]);
        assert_eq!(
            found[32 << 20..end],
            *format!("\n[{} bytes were not kept]\n", (8 << 20) - (512 << 10)).as_bytes()
        );
        let (from, page) = output.page(Some(WHOLE_OUTPUT_BYTES_MAX)).await;
        assert_eq!((from, page.len()), (count(all.len() - TAIL_BYTES_MAX), PAGE_BYTES_MAX));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_costs_the_middle_only() {
        let folder = tempfile::tempdir().unwrap();
        let (output, all) = printed(&folder.path().join("none"), &[1 << 20]).await;
        let found = read(&output);
        assert!(found.ends_with(&all[all.len() - TAIL_BYTES_MAX..]));
        assert!(found.starts_with(b"\n[524288 bytes were not kept]\n"));
    }

    #[tokio::test]
    async fn what_a_job_printed_outlives_its_agent() {
        let folder = tempfile::tempdir().unwrap();
        let (output, all) = printed(folder.path(), &[300_000]).await;
        let left = Output::left_in(output.path.clone());
        assert!(left.total() > 200_000 && all.starts_with(&read(&left)));
        left.remove_file();
        assert_eq!(Output::left_in(output.path).total(), 0);
    }
}
