//! `file://` URIs and absolute paths. Not here: any other scheme.
use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Returns the URI of an absolute path; bytes other than letters, digits and `-._~/` are percent-encoded, as RFC 8089 asks.
pub(crate) fn of_path(path: &Path) -> String {
    let mut uri = String::from("file://");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(*byte));
            }
            other => {
                // Writing to a string cannot fail.
                let _infallible = write!(uri, "%{other:02X}");
            }
        }
    }
    uri
}

/// Returns the path that a `file://` URI or an absolute path names; `None` for anything else.
pub(crate) fn to_path(text: &str) -> Option<PathBuf> {
    if text.starts_with('/') {
        return Some(PathBuf::from(text));
    }
    let rest = text.strip_prefix("file://")?;
    let rest = rest.strip_prefix("localhost").unwrap_or(rest);
    if !rest.starts_with('/') {
        return None;
    }
    let bytes = rest.as_bytes();
    let mut path = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let encoded = (bytes[at] == b'%').then(|| rest.get(at + 1..at + 3)).flatten();
        if let Some(byte) = encoded.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            path.push(byte);
            at += 3;
        } else {
            path.push(bytes[at]);
            at += 1;
        }
    }
    Some(PathBuf::from(OsString::from_vec(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_from_its_uri() {
        for path in ["/a/b", "/with blank/ä%20", "/", "/x#y?z"] {
            assert_eq!(to_path(&of_path(Path::new(path))), Some(PathBuf::from(path)));
        }
        assert_eq!(of_path(Path::new("/a b")), "file:///a%20b");
        assert_eq!(to_path("file://localhost/a"), Some(PathBuf::from("/a")));
    }

    #[test]
    fn other_schemes_and_relative_paths_are_none() {
        assert_eq!(to_path("http://x/a"), None);
        assert_eq!(to_path("a/b"), None);
        assert_eq!(to_path("file://host"), None);
    }
}
