//! The door for large contents: pages of what a reference names. Not here: any file of a workspace, which no reference names.
use std::str;

use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::fetch::{FetchParams, FetchRange, FetchResult};

use crate::base::base64;
use crate::daemon::Daemon;
use crate::daemon::doors::read_error;
use crate::journal::{BlobError, Piece};
use crate::session::prefix::digest_of;
use crate::tools::image::mime_of;

/// Bytes of a page. Six times as many on the wire, if every one is a control character: still below what a message holds.
const PAGE_BYTES_MAX: usize = 512 << 10;

/// Bytes of a character beside its first: what is read around a page, so that none is cut.
const CHARACTER_REST_BYTES_MAX: usize = 3;

impl Daemon {
    /// Reads a page of a content.
    pub(crate) async fn fetch(&self, params: FetchParams) -> Result<FetchResult, RpcError> {
        let digest = digest_of(&params.reference).ok_or_else(|| not_found(&params.reference))?;
        // Which log names it is not asked: whoever reaches the agent may read them all.
        if !self.0.resources.journal.is_held(digest).await.map_err(|error| read_error(&error))? {
            return Err(not_found(&params.reference));
        }
        let range = params.range.unwrap_or(FetchRange { start: 0, end: None });
        let from = range.start.saturating_sub(count(CHARACTER_REST_BYTES_MAX));
        let length = PAGE_BYTES_MAX + 2 * CHARACTER_REST_BYTES_MAX;
        match self.0.resources.journal.blobs().piece_async(digest, from, length).await {
            Ok(piece) => Ok(page(&piece, from, range, PAGE_BYTES_MAX)),
            Err(BlobError::NotFound(_)) => Err(not_found(&params.reference)),
            Err(error) => {
                tracing::error!(%error, reference = params.reference, "a content cannot be read");
                let message = format!("{} cannot be read: {error}", params.reference);
                Err(RpcError::new(ErrorKind::Failed, message).retry(Retry::Never))
            }
        }
    }
}

fn not_found(reference: &str) -> RpcError {
    RpcError::new(ErrorKind::RefNotFound, format!("nothing is kept under {reference}"))
        .retry(Retry::Never)
        .hint("references are the `ref` of events and contents: `b3:` and 64 hex digits; one may have been removed since")
}

/// Cuts a page of about `bytes_max` out of a piece that begins at `from`, at most a character's rest before the range.
fn page(piece: &Piece, from: u64, range: FetchRange, bytes_max: usize) -> FetchResult {
    let last = range.end.unwrap_or(u64::MAX).min(piece.total);
    let begin = place(range.start.saturating_sub(from), piece);
    let end = place(last.saturating_sub(from), piece).clamp(begin, begin.saturating_add(bytes_max));
    let (begin, end) = if piece.is_text { whole(&piece.bytes, begin, end) } else { (begin, end) };
    let bytes = &piece.bytes[begin..end];
    let (start, next) = (from + count(begin), from + count(end));
    let text = piece.is_text.then(|| String::from_utf8_lossy(bytes).into_owned());
    let mime = mime_of(&piece.sample).unwrap_or(if piece.is_text {
        "text/plain"
    } else {
        "application/octet-stream"
    });
    FetchResult {
        mime: mime.to_owned(),
        bytes: piece.total,
        start: start.min(piece.total),
        base64: text.is_none().then(|| base64::encode(bytes)),
        text,
        next: (next < last).then_some(next),
    }
}

/// Moves both ends back to where characters begin; forward where nothing would be left.
fn whole(bytes: &[u8], begin: usize, end: usize) -> (usize, usize) {
    let begins = |at: &usize| bytes.get(*at).is_none_or(|byte| (*byte).cast_signed() >= -0x40);
    let back = |at: usize| (0..=at).rev().find(begins).unwrap_or(at);
    let (begin, cut) = (back(begin), back(end));
    if cut > begin || begin == end {
        return (begin, cut.max(begin));
    }
    (begin, (begin + 1..bytes.len()).find(begins).unwrap_or(bytes.len()))
}

fn place(offset: u64, piece: &Piece) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX).min(piece.bytes.len())
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Small, so that small contents have several.
    const PAGE: usize = 7;

    /// Reads a range as the door does, of a content in memory.
    fn read(content: &[u8], start: u64, end: Option<u64>) -> FetchResult {
        let from = start.saturating_sub(count(CHARACTER_REST_BYTES_MAX));
        let begin = usize::try_from(from).unwrap().min(content.len());
        let end_read = (begin + PAGE + 2 * CHARACTER_REST_BYTES_MAX).min(content.len());
        let piece = Piece {
            bytes: content[begin..end_read].to_vec(),
            total: count(content.len()),
            sample: content[..content.len().min(512)].to_vec(),
            is_text: str::from_utf8(content).is_ok(),
        };
        page(&piece, from, FetchRange { start, end }, PAGE)
    }

    fn check(range: (u64, Option<u64>), start: u64, text: &str, next: Option<u64>) {
        let found = read("aé€b".as_bytes(), range.0, range.1);
        assert_eq!((found.start, found.text.as_deref(), found.next), (start, Some(text), next), "{range:?}");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        check((0, None), 0, "aé€b", None);
        assert_eq!(read("aé€b€".as_bytes(), 0, None).next, Some(7));
        check((0, Some(2)), 0, "a", Some(1));
        check((1, Some(2)), 1, "é", None);
        check((2, Some(5)), 1, "é", Some(3));
        check((4, None), 3, "€b", None);
        check((6, Some(7)), 6, "b", None);
        check((7, None), 7, "", None);
        check((100, None), 7, "", None);
        check((3, Some(3)), 3, "", None);
    }

    #[test]
    fn bytes_are_cut_where_they_are_asked_for() {
        let found = read(b"\xff\xfe\xfd", 1, Some(2));
        assert_eq!(
            (found.start, found.base64.as_deref(), found.next, &*found.mime),
            (1, Some("/g=="), None, "application/octet-stream")
        );
        assert_eq!(read(b"\x89PNG\r\n\x1a\n\0", 0, None).mime, "image/png");
    }

    proptest! {
        #[test]
        fn pages_follow_each_other_to_the_end(text in "[a\u{e9}\u{20ac}\u{1f600}]{0,8}", times in 0..4_usize, extra in prop::option::of(Just(0xff_u8))) {
            let content: Vec<u8> = text.repeat(times).bytes().chain(extra).collect();
            let (mut all, mut place) = (Vec::new(), Some(0));
            while let Some(start) = place {
                let page = read(&content, start, None);
                prop_assert_eq!(page.start, start);
                let bytes = page.text.map(String::into_bytes).or(page.base64.and_then(|data| base64::decode(&data))).unwrap();
                prop_assert!(bytes.len() <= PAGE + CHARACTER_REST_BYTES_MAX);
                all.extend(bytes);
                prop_assert!(page.next.is_none_or(|next| next > start));
                place = page.next;
            }
            prop_assert!(all == content);
        }
    }
}
