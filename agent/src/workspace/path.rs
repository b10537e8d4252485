//! Paths relative to the workspace root: checked once, then carried as a type. Not here: whether they exist.
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::workspace::text;

/// The longest path that is accepted, in bytes; the kernel's own `PATH_MAX`.
const PATH_BYTES_MAX: usize = 4096;

/// A path beneath the workspace root: `/`-separated, no empty, `.` or `..` component, no NUL. The root itself is the
/// empty path. Any other bytes are kept as they are, UTF-8 or not.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct RelPath(Box<[u8]>);

/// Why a text is no path inside the workspace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    /// The path leads out of the workspace.
    #[error("`{path}` is outside the workspace; name a path beneath {root}")]
    Outside {
        /// What was asked for, escaped for people.
        path: String,
        /// The workspace root, escaped for people; or the words "the root".
        root: String,
    },
    /// The path holds a NUL byte.
    #[error("a path holds a NUL byte")]
    Nul,
    /// The path is longer than the kernel takes.
    #[error("a path is longer than {PATH_BYTES_MAX} bytes")]
    TooLong,
    /// A `%` is not followed by two hex digits.
    #[error("`{0}` is not percent-encoded")]
    Encoding(String),
}

impl RelPath {
    /// Returns the root itself.
    pub(crate) fn root() -> Self {
        Self::default()
    }

    /// Parses a relative path. `.` and doubled slashes vanish, `..` takes back what stands before it.
    ///
    /// # Errors
    /// The path is absolute or climbs over the root, holds a NUL, or is too long.
    pub(crate) fn parse(path: impl AsRef<OsStr>) -> Result<Self, PathError> {
        let bytes = path.as_ref().as_bytes();
        if bytes.contains(&0) {
            return Err(PathError::Nul);
        }
        if bytes.len() > PATH_BYTES_MAX {
            return Err(PathError::TooLong);
        }
        let outside = || PathError::Outside {
            path: text::escape(&String::from_utf8_lossy(bytes)).into_owned(),
            root: "the root".to_owned(),
        };
        if bytes.first() == Some(&b'/') {
            return Err(outside());
        }
        let mut names: Vec<&[u8]> = Vec::new();
        for name in bytes.split(|byte| *byte == b'/') {
            match name {
                b"" | b"." => {}
                b".." => {
                    names.pop().ok_or_else(outside)?;
                }
                name => names.push(name),
            }
        }
        Ok(Self(names.join(&b'/').into_boxed_slice()))
    }

    /// Takes a path that a walk below the root yielded, root removed: its components are names by construction.
    pub(super) fn from_walk(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().into())
    }

    /// Reads a path as the protocol writes it; `encoded` is its `pathEncoded`.
    ///
    /// # Errors
    /// As [`RelPath::parse`], and a bad percent encoding.
    pub(crate) fn from_wire(path: &str, encoded: bool) -> Result<Self, PathError> {
        if encoded { Self::parse(OsStr::from_bytes(&percent_decode(path)?)) } else { Self::parse(path) }
    }

    /// Returns the path as the protocol writes it, and whether it is percent-encoded: only a path that is not UTF-8 is,
    /// and then its `%` are too.
    pub(crate) fn to_wire(&self) -> (Cow<'_, str>, bool) {
        match std::str::from_utf8(&self.0) {
            Ok(path) => (Cow::Borrowed(path), false),
            Err(_) => (Cow::Owned(percent_encode(&self.0)), true),
        }
    }

    /// Returns the path percent-encoded, needed or not: for where one marker speaks for several paths.
    pub(crate) fn to_encoded(&self) -> String {
        percent_encode(&self.0)
    }

    /// Returns the raw bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the path as the standard library's type; empty for the root.
    pub(crate) fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// Tells whether this is the root itself.
    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the components, outermost first; none for the root.
    pub(crate) fn names(&self) -> impl DoubleEndedIterator<Item = &OsStr> {
        self.0.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).map(OsStr::from_bytes)
    }

    /// Returns the last component; `None` for the root.
    pub(crate) fn file_name(&self) -> Option<&OsStr> {
        self.names().next_back()
    }

    /// Returns the folder this lies in; `None` for the root.
    pub(crate) fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let end = self.0.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        Some(Self(self.0[..end].into()))
    }

    /// Returns the path of `name` in this folder. `name` must be one component; anything else is refused.
    ///
    /// # Errors
    /// As [`RelPath::parse`].
    pub(crate) fn join(&self, name: impl AsRef<OsStr>) -> Result<Self, PathError> {
        let mut bytes = self.0.to_vec();
        bytes.push(b'/');
        bytes.extend_from_slice(name.as_ref().as_bytes());
        let start = usize::from(self.is_root());
        Self::parse(OsStr::from_bytes(&bytes[start..]))
    }
}

/// For people: control characters escaped, bytes that are not UTF-8 as `%XX`, the root as `.`.
impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() { f.write_str(".") } else { f.write_str(&text::escape(&self.to_wire().0)) }
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelPath({self})")
    }
}

/// One string: the path itself, or for a path that is not UTF-8 a `/` and its percent encoding. No valid path begins with
/// `/`, so the two cannot be mistaken, and the form also serves as a map key.
impl Serialize for RelPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.to_wire() {
            (path, false) => serializer.serialize_str(&path),
            (path, true) => serializer.collect_str(&format_args!("/{path}")),
        }
    }
}

impl<'de> Deserialize<'de> for RelPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let path = match text.strip_prefix('/') {
            Some(encoded) => Self::from_wire(encoded, true),
            None => Self::from_wire(&text, false),
        };
        path.map_err(serde::de::Error::custom)
    }
}

fn percent_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '%' => out.push_str("%25"),
                other => out.push(other),
            }
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn percent_decode(text: &str) -> Result<Vec<u8>, PathError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        if *byte != b'%' {
            out.push(*byte);
            continue;
        }
        let value = tail
            .get(..2)
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .ok_or_else(|| PathError::Encoding(text::escape(text).into_owned()))?;
        out.push(value);
        rest = &tail[2..];
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_normalised_and_cannot_climb_out() {
        let check = |input: &str| RelPath::parse(input).map(|path| path.to_string());
        assert_eq!(check("src/./a//b.rs"), Ok("src/a/b.rs".to_owned()));
        assert_eq!(check("src/../b.rs"), Ok("b.rs".to_owned()));
        assert_eq!(check("."), Ok(".".to_owned()));
        assert_eq!(check("a\0b"), Err(PathError::Nul));
        for outside in ["..", "a/../..", "/etc/passwd", "a/../../etc"] {
            assert!(matches!(check(outside), Err(PathError::Outside { .. })), "{outside}");
        }
        assert_eq!(check(&"a/".repeat(3000)), Err(PathError::TooLong));
    }

    #[test]
    fn odd_bytes_survive_the_wire_and_print_safely() {
        let path = RelPath::parse(OsStr::from_bytes(b"50%/caf\xe9\x1b[31m")).unwrap();
        assert_eq!(path.to_wire(), (Cow::Borrowed("50%25/caf%E9\x1b[31m"), true));
        assert_eq!(RelPath::from_wire("50%25/caf%E9\x1b[31m", true).unwrap(), path);
        assert_eq!(path.to_string(), "50%25/caf%E9\\u{1b}[31m");
        assert!(matches!(RelPath::from_wire("%4", true), Err(PathError::Encoding(_))));
        assert_eq!(RelPath::from_wire("50%", false).unwrap().to_wire(), (Cow::Borrowed("50%"), false));
    }

    proptest! {
        #[test]
        fn any_path_comes_back_from_the_wire_and_from_json(bytes in prop::collection::vec(1_u8.., 0..40)) {
            if let Ok(path) = RelPath::parse(OsStr::from_bytes(&bytes)) {
                let (wire, encoded) = path.to_wire();
                prop_assert_eq!(&RelPath::from_wire(&wire, encoded).unwrap(), &path);
                let json = serde_json::to_string(&path).unwrap();
                prop_assert_eq!(&serde_json::from_str::<RelPath>(&json).unwrap(), &path);
                prop_assert!(path.names().all(|name| name != ".." && name != "." && !name.is_empty()));
            }
        }
    }
}
