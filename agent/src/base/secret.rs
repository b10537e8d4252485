//! A secret that neither prints nor serialises, and taking secrets out of what others print. Not here: where secrets come from.
use std::fmt;
use std::sync::Arc;

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

/// Shortest secret that is taken out of what tools print, in bytes: a shorter one could be any word (`not-needed`, `ollama`),
/// and what a service hands out is longer.
pub(crate) const HIDDEN_LEN_MIN: usize = 16;

/// Secrets that must not be kept when a tool prints them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets(Arc<[Secret]>);

impl Secrets {
    /// Takes the secrets of at least [`HIDDEN_LEN_MIN`] bytes, each once.
    pub(crate) fn of(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let mut kept: Vec<Secret> = Vec::new();
        for secret in secrets {
            if secret.expose().len() >= HIDDEN_LEN_MIN && !kept.contains(&secret) {
                kept.push(secret);
            }
        }
        // One that contains another goes first.
        kept.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        Self(kept.into())
    }

    /// Returns `text` with every occurrence of each secret replaced by `[redacted]`.
    pub(crate) fn redact(&self, text: String) -> String {
        self.0.iter().fold(
            text,
            |text, secret| {
                if text.contains(secret.expose()) { secret.redact(&text) } else { text }
            },
        )
    }

    /// Returns what takes the secrets out of bytes that come in pieces.
    pub(crate) fn stream(&self) -> Redacting {
        Redacting { secrets: self.clone(), held: Vec::new() }
    }
}

/// Takes secrets out of a stream of bytes. What could be the beginning of one is held back until it is known.
#[derive(Debug)]
pub(crate) struct Redacting {
    secrets: Secrets,
    held: Vec<u8>,
}

impl Redacting {
    /// Takes the next bytes; returns those that can be shown now.
    pub(crate) fn push(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        if self.secrets.0.is_empty() {
            return bytes;
        }
        self.held.extend(bytes);
        for secret in self.secrets.0.iter() {
            replace(&mut self.held, secret.expose().as_bytes());
        }
        let begun = self.secrets.0.iter().map(|secret| begun(&self.held, secret.expose().as_bytes())).max();
        let rest = self.held.split_off(self.held.len() - begun.unwrap_or(0));
        std::mem::replace(&mut self.held, rest)
    }

    /// Returns what is still held when the stream has ended.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.held
    }
}

fn replace(bytes: &mut Vec<u8>, secret: &[u8]) {
    let mut found = memchr::memmem::find_iter(bytes, secret).peekable();
    if found.peek().is_none() {
        return;
    }
    let (mut clean, mut from) = (Vec::with_capacity(bytes.len()), 0);
    for at in found {
        clean.extend_from_slice(&bytes[from..at]);
        clean.extend_from_slice(REDACTED.as_bytes());
        from = at + secret.len();
    }
    clean.extend_from_slice(&bytes[from..]);
    *bytes = clean;
}

/// Returns how many bytes at the end could begin the secret.
fn begun(bytes: &[u8], secret: &[u8]) -> usize {
    let longest = bytes.len().min(secret.len() - 1);
    (1..=longest).rev().find(|length| bytes.ends_with(&secret[..*length])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_does_not_print_and_is_taken_out_of_texts() {
        let secret = Secret::new("test-key-1");
        assert_eq!(format!("{secret:?}"), "Secret([redacted])");
        assert_eq!(secret.redact("bad key test-key-1!"), "bad key [redacted]!");
        assert_eq!(Secret::new("").redact("text"), "text");
    }

    #[test]
    fn words_are_no_secrets() {
        let secrets = Secrets::of([Secret::new("not-needed"), Secret::new("test-key-of-length")]);
        let text = "not-needed and test-key-of-length".to_owned();
        assert_eq!(secrets.redact(text), "not-needed and [redacted]");
    }

    proptest! {
        #![proptest_config(ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(1), ..ProptestConfig::default() })]

        /// However the bytes are cut, what comes out is what a look at the whole of them gives.
        #[test]
        fn a_stream_hides_what_the_whole_hides(
            parts in proptest::collection::vec("aab|test-key-of-lengtha|test-key-of-lengt|test-key-of-length|key", 0..12),
            cuts in proptest::collection::vec(1_usize..9, 1..9),
        ) {
            let secrets = Secrets::of([Secret::new("test-key-of-length"), Secret::new("aabaabaabaabaabaab")]);
            let whole = parts.concat();
            let mut stream = secrets.stream();
            let (mut shown, mut rest) = (Vec::new(), whole.as_bytes());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, behind) = rest.split_at((*cut).min(rest.len()));
                shown.extend(stream.push(piece.to_vec()));
                rest = behind;
            }
            shown.extend(stream.finish());
            let shown = String::from_utf8(shown).unwrap();
            prop_assert!(!shown.contains("test-key-of-length") && !shown.contains("aabaabaabaabaabaab"), "{shown}");
            prop_assert_eq!(shown.replace(REDACTED, "").len() + shown.matches(REDACTED).count() * 18, whole.len());
        }
    }
}
