//! Telling images by their first bytes. Not here: decoding images; the model does that.

/// Returns the type of an image that models take; `None` for anything else.
pub(crate) fn mime_of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_told_by_their_bytes() {
        assert_eq!(mime_of(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
        assert_eq!(mime_of(b"RIFF1234WEBPVP8 "), Some("image/webp"));
        assert_eq!(mime_of(b"RIFF1234WAVE"), None);
        assert_eq!(mime_of(b"GIF89a"), Some("image/gif"));
        assert_eq!(mime_of(b"#!/bin/sh"), None);
    }
}
