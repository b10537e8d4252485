//! A secret that neither prints nor serialises. Not here: where secrets come from.
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A provider key or token. `Debug` shows nothing of it, there is no `Display`, it cannot be serialised, and its memory
/// is wiped when it is dropped.
#[derive(Clone)]
pub(crate) struct Secret(SecretString);

/// What stands in a text where a secret was.
pub(crate) const REDACTED: &str = "[redacted]";

impl Secret {
    /// Takes a key as it was given.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// Returns the text. For the header of a provider's request, and for comparing what was stored.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns `text` with every occurrence of this secret replaced by `[redacted]`.
    pub(crate) fn redact(&self, text: &str) -> String {
        if self.expose().is_empty() { text.to_owned() } else { text.replace(self.expose(), REDACTED) }
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_and_is_taken_out_of_texts() {
        let secret = Secret::new("test-key-1");
        assert_eq!(format!("{secret:?}"), "Secret([redacted])");
        assert_eq!(secret.redact("bad key test-key-1!"), "bad key [redacted]!");
        assert_eq!(Secret::new("").redact("text"), "text");
    }
}
