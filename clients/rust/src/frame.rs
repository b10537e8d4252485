//! Line framing: one JSON message a line, read from and written to growing buffers with a bound. Not here: JSON.

/// A message that is longer than any the agent may send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Bytes that came in, cut into lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    bytes: Vec<u8>,
    /// Where the next line begins; what is before it was handed out.
    start: usize,
    /// How far the search for a line break has come, so that a long line is not searched again with each chunk.
    searched: usize,
    bytes_max: usize,
}

impl Lines {
    /// Makes an empty buffer for lines of at most `bytes_max` bytes, the line break not counted.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, searched: 0, bytes_max }
    }

    /// Takes bytes that were read.
    pub(crate) fn extend(&mut self, chunk: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.bytes.extend_from_slice(chunk);
    }

    /// Returns the next whole line without its line break; `None` until more bytes come.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let Some(found) = self.bytes[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.bytes.len();
            return if self.searched - self.start > self.bytes_max { Err(TooLong) } else { Ok(None) };
        };
        let (start, end) = (self.start, self.searched + found);
        self.start = end + 1;
        self.searched = self.start;
        if end - start > self.bytes_max { Err(TooLong) } else { Ok(Some(&self.bytes[start..end])) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(chunks: &[&str], bytes_max: usize) -> Result<Vec<String>, TooLong> {
        let mut lines = Lines::new(bytes_max);
        let mut found = Vec::new();
        for chunk in chunks {
            lines.extend(chunk.as_bytes());
            while let Some(line) = lines.next()? {
                found.push(String::from_utf8_lossy(line).into_owned());
            }
        }
        Ok(found)
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_are_cut() {
        let text = "one\ntwo\n\nthree\nrest";
        let whole = cut(&[text], 10).unwrap();
        assert_eq!(whole, ["one", "two", "", "three"]);
        for at in 0..text.len() {
            assert_eq!(cut(&[&text[..at], &text[at..]], 10).unwrap(), whole, "cut at {at}");
        }
        let single: Vec<String> = text.chars().map(String::from).collect();
        let single: Vec<&str> = single.iter().map(String::as_str).collect();
        assert_eq!(cut(&single, 10).unwrap(), whole);
    }

    #[test]
    fn a_line_over_the_bound_is_refused_with_and_without_its_end() {
        assert_eq!(cut(&["12345\n"], 4), Err(TooLong));
        assert_eq!(cut(&["123", "45"], 4), Err(TooLong));
        assert_eq!(cut(&["1234\n"], 4).unwrap(), ["1234"]);
    }
}
