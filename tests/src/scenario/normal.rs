//! What differs from run to run, replaced by words: ids, times, digests, paths, ports. Not here: what is compared with what.
use std::collections::HashMap;

/// Letters of ids on the wire.
const ID_LETTERS: &str = "stmxckprjwg";

/// The replacements of one play; ids are numbered in the order in which they are first shown.
#[derive(Debug, Default)]
pub(crate) struct Normal {
    /// Texts with the words they are replaced by, longest first.
    known: Vec<(String, String)>,
    ids: HashMap<String, String>,
    counts: HashMap<u8, usize>,
}

impl Normal {
    /// Replaces this text from now on.
    pub(crate) fn know(&mut self, text: impl Into<String>, word: &str) {
        self.known.push((text.into(), word.to_owned()));
        self.known.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    }

    /// Returns the text with everything replaced.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (known, word) in &self.known {
            text = text.replace(known.as_str(), word);
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(c) = rest.chars().next() {
            let starts_word = !out.ends_with(|before: char| before.is_ascii_alphanumeric() || before == '_');
            if starts_word && let Some((length, word)) = self.word(rest) {
                out.push_str(&word);
                rest = &rest[length..];
            } else {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        out
    }

    /// Returns the length of what is replaced at the start of the text, and by what.
    fn word(&mut self, text: &str) -> Option<(usize, String)> {
        let bytes = text.as_bytes();
        if is_shape(bytes, "d-d-dTd:d:d.dZ") {
            return Some((24, "TIME".to_owned()));
        }
        if is_shape(bytes, "d-d-d") {
            return Some((10, "DAY".to_owned()));
        }
        let hex = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if hex == 64 {
            return Some((64, "DIGEST".to_owned()));
        }
        let base32 = |byte: &&u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
        if bytes.len() >= 28
            && bytes[1] == b'_'
            && ID_LETTERS.as_bytes().contains(&bytes[0])
            && bytes[2..].iter().take_while(base32).count() == 26
        {
            let (id, letter) = (&text[..28], bytes[0]);
            if let Some(word) = self.ids.get(id) {
                return Some((28, word.clone()));
            }
            let count = self.counts.entry(letter).or_default();
            *count += 1;
            let word = format!("{}#{count}", char::from(letter));
            self.ids.insert(id.to_owned(), word.clone());
            return Some((28, word));
        }
        None
    }
}

/// Tells whether the bytes begin as a time does; `d` is a number of the length it has in RFC 3339.
fn is_shape(bytes: &[u8], shape: &str) -> bool {
    let mut lengths = [4, 2, 2, 2, 2, 2, 3].into_iter();
    let mut at = 0;
    for want in shape.bytes() {
        if want == b'd' {
            let length = lengths.next().unwrap_or(0);
            if !bytes.get(at..at + length).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit)) {
                return false;
            }
            at += length;
        } else if bytes.get(at) == Some(&want) {
            at += 1;
        } else {
            return false;
        }
    }
    !bytes.get(at).is_some_and(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_replaced() {
        let mut normal = Normal::default();
        normal.know("/tmp/x", "WORKSPACE");
        let id = format!("s_{}", "0".repeat(26));
        let other = format!("s_{}", "1".repeat(26));
        assert_eq!(
            normal.text(&format!("{id} in /tmp/x/a at 2026-01-02T03:04:05.678Z, {other}, {id}, 2026-01-02.")),
            "s#1 in WORKSPACE/a at TIME, s#2, s#1, DAY."
        );
        assert_eq!(normal.text(&format!("b3:{}", "a1".repeat(32))), "b3:DIGEST");
        assert_eq!(normal.text("is_2026-01-02 12345-01-02"), "is_2026-01-02 12345-01-02");
    }
}
