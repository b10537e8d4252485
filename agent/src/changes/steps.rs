//! Which steps of a plan worked on which hunk: lines are followed through the edits of a file, from first to last. Not here: the
//! steps themselves (`session`).
use std::collections::BTreeSet;

use crate::changes::diff::{Hunk, lines};
use crate::changes::lines::{at, changed};

/// The steps that made a place what it is, by name; `None` for an edit that named none.
pub(crate) type Makers = BTreeSet<Option<String>>;

/// A text whose every line, and every place between two lines, knows who made it so.
#[derive(Clone, Debug)]
pub(crate) struct Marked {
    text: Vec<u8>,
    lines: Vec<Makers>,
    /// One more than lines: what went where nothing stands.
    gaps: Vec<Makers>,
}

impl Marked {
    /// Begins with a text that nobody has touched.
    pub(crate) fn new(text: Vec<u8>) -> Self {
        let count = lines(&text).len();
        Self { text, lines: vec![Makers::new(); count], gaps: vec![Makers::new(); count + 1] }
    }

    /// Notes an edit that leads to `text`.
    pub(crate) fn edit(&mut self, text: Vec<u8>, maker: Option<&str>) {
        let hunks = changed(&self.text, &text);
        self.replace(text, &hunks, |_| Makers::from([maker.map(str::to_owned)]));
    }

    /// Notes an edit whose hunks have makers of their own.
    pub(crate) fn replace(&mut self, text: Vec<u8>, hunks: &[Hunk], makers: impl Fn(u32) -> Makers) {
        let count = lines(&text).len();
        let (mut marks, mut gaps) = (Vec::with_capacity(count), Vec::with_capacity(count + 1));
        let mut next = 0;
        for hunk in hunks {
            let (start, end) =
                (at(hunk.before.start).min(self.lines.len()), at(hunk.before.end).min(self.lines.len()));
            marks.extend(self.lines.get(next..start).unwrap_or_default().iter().cloned());
            gaps.extend(self.gaps.get(next..start).unwrap_or_default().iter().cloned());
            let mut made = makers(hunk.number);
            let inside = self.lines.get(start..end).unwrap_or_default().iter();
            let between = self.gaps.get(start..=end).unwrap_or_default().iter();
            made.extend(inside.chain(between).flatten().cloned());
            for _ in hunk.after.clone() {
                marks.push(made.clone());
                gaps.push(made.clone());
            }
            // What stands behind the hunk: the place keeps that something was here.
            if let Some(gap) = self.gaps.get_mut(end) {
                *gap = made;
            }
            next = end;
        }
        marks.extend(self.lines.get(next..).unwrap_or_default().iter().cloned());
        gaps.extend(self.gaps.get(next..).unwrap_or_default().iter().cloned());
        marks.resize(count, Makers::new());
        gaps.resize(count + 1, Makers::new());
        *self = Self { text, lines: marks, gaps };
    }

    /// Returns who worked on a hunk that leads to this text.
    pub(crate) fn makers(&self, hunk: &Hunk) -> Makers {
        let (start, end) = (at(hunk.after.start), at(hunk.after.end));
        // Between two hunks there is a line that nobody touched, so that the places at its ends are its own.
        let own = self.lines.get(start..end).unwrap_or_default().iter();
        let gaps = self.gaps.get(start..=end).unwrap_or_default().iter();
        own.chain(gaps).flatten().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(versions: &[(&str, Option<&str>)]) -> Vec<Vec<String>> {
        let first = versions[0].0;
        let mut marked = Marked::new(first.as_bytes().to_vec());
        for (text, maker) in &versions[1..] {
            marked.edit(text.as_bytes().to_vec(), *maker);
        }
        let last = versions.last().unwrap().0;
        let name = |maker: Option<String>| maker.unwrap_or_else(|| "-".to_owned());
        changed(first.as_bytes(), last.as_bytes())
            .iter()
            .map(|hunk| marked.makers(hunk).into_iter().map(name).collect())
            .collect()
    }

    #[test]
    fn a_hunk_belongs_to_those_who_worked_on_it() {
        let base = "a\nb\nc\nd\ne\n";
        assert_eq!(
            check(&[(base, None), ("A\nb\nc\nd\ne\n", Some("1")), ("A\nb\nc\nd\nE\n", Some("2"))]),
            [["1"], ["2"]]
        );
        assert_eq!(
            check(&[(base, None), ("a\nb\nd\ne\n", Some("1")), ("a\nb\nd\ne\nf\n", None)]),
            [["1"], ["-"]]
        );
        assert_eq!(
            check(&[(base, None), ("a\nB\nc\nd\ne\n", Some("1")), ("a\nB\nd\ne\n", Some("2"))]),
            [["1", "2"]]
        );
        assert_eq!(
            check(&[(base, None), ("a\nX\nc\nd\ne\n", Some("1")), ("a\nY\nc\nd\ne\n", Some("2"))]),
            [["1", "2"]]
        );
        assert_eq!(
            check(&[(base, None), ("a\nX\nY\nb\nc\nd\ne\n", Some("1")), ("a\nX\nb\nc\nd\ne\n", Some("2"))]),
            [["1", "2"]]
        );
        assert_eq!(check(&[("", None), ("a\nb\n", Some("1")), ("a\nc\n", Some("2"))]), [["1", "2"]]);
        assert_eq!(check(&[("a\n", None), ("", Some("1")), ("a\nb\n", Some("2"))]), [["1", "2"]]);
    }
}
