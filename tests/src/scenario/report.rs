//! What a play gives back: text to be put in the place of what a file expects. Not here: what it should be.
use std::ops::Range;

/// A new body for a block.
#[derive(Clone, Debug)]
pub(crate) struct Rewrite {
    /// The place of the old body.
    pub(crate) range: Range<usize>,
    /// The new body.
    pub(crate) text: String,
}

/// Returns the file with all rewrites applied.
pub(crate) fn apply(text: &str, mut rewrites: Vec<Rewrite>) -> String {
    rewrites.sort_by_key(|rewrite| rewrite.range.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for rewrite in rewrites {
        out.push_str(&text[at..rewrite.range.start]);
        out.push_str(&rewrite.text);
        at = rewrite.range.end;
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewrites_are_applied_in_any_order() {
        let rewrite = |range, text: &str| Rewrite { range, text: text.to_owned() };
        assert_eq!(apply("abcdef", vec![rewrite(4..5, "Y"), rewrite(1..3, "XX-")]), "aXX-dYf");
    }
}
