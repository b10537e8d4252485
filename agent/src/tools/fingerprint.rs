//! The digest of exactly what a call would do. Not here: what it is made of (each tool).
use crate::base::digest::Digest;

/// Collects the parts of a call. Each part is preceded by its length, so that no two lists of parts look alike.
#[derive(Debug)]
pub(super) struct Fingerprint(Vec<u8>);

impl Fingerprint {
    /// Begins with the tool's name.
    pub(super) fn of(tool: &str) -> Self {
        Self(Vec::new()).with(tool)
    }

    /// Adds a part.
    pub(super) fn with(mut self, part: impl AsRef<[u8]>) -> Self {
        let part = part.as_ref();
        self.0.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.0.extend_from_slice(part);
        self
    }

    /// Adds a part that may be absent, which differs from an empty one.
    pub(super) fn with_option(self, part: Option<impl AsRef<[u8]>>) -> Self {
        match part {
            Some(part) => self.with([1]).with(part),
            None => self.with([0]),
        }
    }

    /// Adds a number.
    pub(super) fn with_number(self, number: usize) -> Self {
        self.with(u64::try_from(number).unwrap_or(u64::MAX).to_le_bytes())
    }

    /// Returns the digest.
    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_be_moved_between_arguments() {
        let check = |parts: &[&str]| parts.iter().fold(Fingerprint::of("t"), Fingerprint::with).digest();
        assert_ne!(check(&["ab", "c"]), check(&["a", "bc"]));
        assert_ne!(check(&["ab"]), check(&["ab", ""]));
        assert_eq!(check(&["ab"]), check(&["ab"]));
        let option = |part: Option<&str>| Fingerprint::of("t").with_option(part).digest();
        assert_ne!(option(None), option(Some("")));
    }
}
