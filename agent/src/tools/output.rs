//! Output that is cut for a model, head and tail kept, and kept whole in a blob to be paged. Not here: pages (`read`).
use std::collections::VecDeque;
use std::fmt::Write as _;

use crate::changes::blobs::BlobStore;
use crate::tools::limits::{KEPT_BYTES_MAX, OUTPUT_BYTES_MAX, OUTPUT_LINES_MAX};

/// How references to contents begin; the rest is the digest in hex.
pub(super) const REFERENCE: &str = "b3:";

/// Collects output: all of it up to a bound, and beyond that the last of it.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    whole: Vec<u8>,
    /// The last bytes of what `whole` could not take.
    tail: VecDeque<u8>,
    /// How many bytes fell out between `whole` and `tail`.
    lost: u64,
}

impl Collected {
    /// Adds some output.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let room = KEPT_BYTES_MAX.saturating_sub(self.whole.len()).min(bytes.len());
        let (kept, rest) = bytes.split_at(room);
        self.whole.extend_from_slice(kept);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(OUTPUT_BYTES_MAX);
        self.tail.drain(..over);
        self.lost += u64::try_from(over).unwrap_or(u64::MAX);
    }

    /// Returns all that was kept, as text; bytes that are not UTF-8 are replaced.
    pub(crate) fn into_text(self) -> String {
        let mut text = String::from_utf8_lossy(&self.whole).into_owned();
        if self.lost > 0 {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n[{} bytes were not kept]\n", self.lost);
        }
        let tail: Vec<u8> = self.tail.into();
        text.push_str(&String::from_utf8_lossy(&tail));
        text
    }
}

/// Output as a model gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The text, at most a page and a line that says what is missing.
    pub(crate) text: String,
    /// Where the whole of it is, if it was cut and could be kept.
    pub(crate) reference: Option<String>,
}

/// Cuts a text to a page; if that takes something away, keeps the whole as a blob that `read` pages. Blocks.
pub(crate) fn show(text: String, blobs: &dyn BlobStore) -> Shown {
    let mut reference = None;
    let cut = cut(&text, 0, || {
        match blobs.put(text.as_bytes()) {
            Ok(digest) => reference = Some(format!("{REFERENCE}{digest}")),
            Err(error) => tracing::warn!(%error, "an output could not be kept whole"),
        }
        reference.clone()
    });
    Shown { text: cut.unwrap_or(text), reference }
}

/// Returns a text cut to a page, with a line that says how the whole is read, which has a reference if it could be kept;
/// `None` if nothing has to be cut. In the text's middle so many bytes are missing already.
pub(crate) fn cut(text: &str, missing: u64, keep: impl FnOnce() -> Option<String>) -> Option<String> {
    let (head, tail) = ends(text, OUTPUT_LINES_MAX, OUTPUT_BYTES_MAX)?;
    let left_out = &text[head.len()..text.len() - tail.len()];
    let bytes = missing + u64::try_from(left_out.len()).unwrap_or(u64::MAX);
    let lines = if missing == 0 { format!("{} lines, ", left_out.lines().count()) } else { String::new() };
    let how = keep().map_or_else(
        || "they could not be kept".to_owned(),
        |reference| {
            let next = head.lines().count() + 1;
            format!(
                "see them with read {{\"path\": \"{reference}\", \"offset\": {next}}}, or narrow the call"
            )
        },
    );
    let between = if head.ends_with('\n') { "" } else { "\n" };
    Some(format!("{head}{between}[… {lines}{bytes} bytes left out here; {how} …]\n{tail}"))
}

/// Returns the beginning and the end of a text that together stay within both bounds; `None` if all of it does.
fn ends(text: &str, lines_max: usize, bytes_max: usize) -> Option<(&str, &str)> {
    if text.len() <= bytes_max && text.lines().count() <= lines_max {
        return None;
    }
    let head_end = text
        .split_inclusive('\n')
        .take(lines_max / 2)
        .scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        })
        .take_while(|end| *end <= bytes_max / 2)
        .last()
        // One endless line: cut inside it.
        .unwrap_or_else(|| floor(text, bytes_max / 2));
    let rest = &text[head_end..];
    let tail_len = rest
        .split_inclusive('\n')
        .rev()
        .take(lines_max / 2)
        .scan(0, |length, line| {
            *length += line.len();
            Some(*length)
        })
        .take_while(|length| *length <= bytes_max / 2)
        .last()
        .unwrap_or_else(|| rest.len() - ceil(rest, rest.len().saturating_sub(bytes_max / 2)));
    Some((&text[..head_end], &rest[rest.len() - tail_len..]))
}

/// Returns the last boundary of characters at or before `at`.
pub(super) fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn ceil(text: &str, at: usize) -> usize {
    (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::changes::blobs::tests::Memory;

    #[test]
    fn a_short_text_stays_and_a_long_one_keeps_both_ends_and_a_reference() {
        let blobs = Memory::default();
        let short = "a\n".repeat(OUTPUT_LINES_MAX);
        assert_eq!(show(short.clone(), &blobs), Shown { text: short, reference: None });
        let numbers: Vec<_> = (1..=5_000).map(|line: u32| line.to_string()).collect();
        let long = numbers.join("\n") + "\n";
        let shown = show(long.clone(), &blobs);
        assert!(shown.text.starts_with("1\n2\n") && shown.text.ends_with("4999\n5000\n"), "{}", shown.text);
        assert!(
            shown.text.contains("[… 3000 lines") && shown.text.contains("\"offset\": 1001"),
            "{}",
            shown.text
        );
        let digest = shown.reference.unwrap()[REFERENCE.len()..].parse().unwrap();
        assert_eq!(blobs.get(digest).unwrap(), long.as_bytes());
    }

    #[test]
    fn endless_output_costs_no_more_than_the_bound() {
        let mut collected = Collected::default();
        for _ in 0..20 {
            collected.push(&vec![b'x'; 1 << 20]);
        }
        collected.push(b"the end");
        let text = collected.into_text();
        assert!(text.ends_with("xthe end"));
        assert!(text.contains("bytes were not kept]"));
        assert!(text.len() < KEPT_BYTES_MAX + OUTPUT_BYTES_MAX + 100);
    }

    proptest! {
        #[test]
        fn ends_stay_within_bounds_and_are_ends(text in "[aé\n]{0,60}", lines in 2..9_usize, bytes in 8..40_usize) {
            match ends(&text, lines, bytes) {
                None => prop_assert!(text.len() <= bytes && text.lines().count() <= lines),
                Some((head, tail)) => {
                    prop_assert!(text.starts_with(head) && text.ends_with(tail));
                    prop_assert!(head.len() + tail.len() <= bytes.min(text.len()));
                    prop_assert!(head.lines().count() + tail.lines().count() <= lines);
                }
            }
        }
    }
}
