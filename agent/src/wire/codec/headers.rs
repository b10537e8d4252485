//! The header block of LSP's base protocol. Not here: bodies.
//!
//! <https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/#headerPart>
use bytes::BytesMut;
use memchr::memchr;

use crate::wire::codec::FramingError;

/// What every block begins with, in any case.
pub(super) const MARK: &[u8] = b"content-";

/// Tells whether the bytes are the beginning of a block, as far as they go.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let len = bytes.len().min(MARK.len());
    bytes[..len].eq_ignore_ascii_case(&MARK[..len])
}

/// Returns where the block ends: behind the first empty line. Nothing before `scanned` ended it.
///
/// A bare line feed is taken for a line end too: a hand-written client would otherwise hang without a word.
pub(super) fn end(bytes: &[u8], scanned: usize) -> Option<usize> {
    // The line that was incomplete at the last look is looked at again from its beginning.
    let mut from = bytes[..scanned].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    while let Some(at) = memchr(b'\n', &bytes[from..]) {
        let line = &bytes[from..from + at];
        from += at + 1;
        if line.is_empty() || line == b"\r" {
            return Some(from);
        }
    }
    None
}

/// Returns the one `Content-Length` of a whole block.
///
/// # Errors
/// When it is missing, doubled, no plain number, or above `len_max`.
pub(super) fn content_length(block: &[u8], len_max: usize) -> Result<usize, FramingError> {
    let mut length = None;
    for line in block.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let Some(colon) = memchr(b':', line) else {
            return Err(FramingError::Damaged("a header without a colon"));
        };
        if !line[..colon].trim_ascii_end().eq_ignore_ascii_case(b"content-length") {
            continue;
        }
        if length.is_some() {
            return Err(FramingError::Damaged("Content-Length stands twice"));
        }
        length = Some(number(line[colon + 1..].trim_ascii(), len_max)?);
    }
    length.ok_or(FramingError::Damaged("Content-Length is missing"))
}

fn number(digits: &[u8], len_max: usize) -> Result<usize, FramingError> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(FramingError::Damaged("Content-Length is no number"));
    }
    let number = digits
        .iter()
        .try_fold(0_usize, |number, digit| number.checked_mul(10)?.checked_add(usize::from(digit - b'0')));
    match number {
        Some(number) if number <= len_max => Ok(number),
        Some(_) | None => Err(FramingError::Damaged("Content-Length is over the limit of a message")),
    }
}

/// Writes the block of a body.
pub(super) fn write(len: usize, buffer: &mut BytesMut) {
    buffer.extend_from_slice(format!("Content-Length: {len}\r\n\r\n").as_bytes());
}
