//! Merging two edits of one text that began as the same: both are kept where they touch different lines. Not here: what is
//! merged with what (`undo`).
//!
//! Why our own: what is refused matters more here than what is merged. The well-known merges put lines of two sides in an
//! order nobody chose when both insert at one place, and glue two lines into one where a text lacks its last line end; a
//! person's line must survive both.
use std::collections::BTreeSet;
use std::ops::Range;

use crate::changes::diff::{Hunk, Side, diff, lines};

/// Lines that both sides changed, differently: counted from 0 in each of the three texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clash {
    /// In the text both sides began with.
    pub(crate) base: Range<u32>,
    /// In the other side's text.
    pub(crate) theirs: Range<u32>,
}

/// Merges; all three are texts, no binaries.
///
/// # Errors
/// The places where both sides changed the same lines, in order, or inserted at the same place.
pub(crate) fn merge(base: &[u8], ours: &[u8], theirs: &[u8]) -> Result<Vec<u8>, Vec<Clash>> {
    let (mine, other) = (Edits::of(base, ours), Edits::of(base, theirs));
    let base = lines(base);
    let mut merged = Merged { out: Vec::new(), clashes: Vec::new(), copied: 0 };
    let (mut left, mut right) = (mine.hunks.as_slice(), other.hunks.as_slice());
    while let Some((ours, theirs)) = next_cluster(&mut left, &mut right) {
        let span = span(ours.iter().chain(theirs));
        merged.copy(&base, span.start);
        merged.copied = span.end;
        if theirs.is_empty() {
            merged.push(&mine.within(ours, &span).concat(), &span, &span);
            continue;
        }
        let at = Edits::range(theirs, &span);
        let (a, b) = (mine.within(ours, &span), other.within(theirs, &span));
        if ours.is_empty() || (a == b) {
            merged.push(&b.concat(), &span, &at);
        } else if ours.iter().chain(theirs).all(|hunk| hunk.after.is_empty()) {
            // Both only took lines away: what either took is gone.
            let stays = |line: &u32| !ours.iter().chain(theirs).any(|hunk| hunk.before.contains(line));
            let kept: Vec<&[u8]> = span.clone().filter(stays).map(|line| base[index(line)]).collect();
            merged.push(&kept.concat(), &span, &at);
        } else {
            merged.clashes.push(Clash { base: span, theirs: at });
        }
    }
    let end = u32::try_from(base.len()).unwrap_or(u32::MAX);
    merged.copy(&base, end);
    if merged.clashes.is_empty() {
        merged.clashes = doubled(&base, &mine, &other, &lines(&merged.out));
    }
    if merged.clashes.is_empty() { Ok(merged.out) } else { Err(merged.clashes) }
}

/// Returns where lines went that both sides moved, each to another place: the merge would hold them more often than either side.
fn doubled(base: &[&[u8]], mine: &Edits<'_>, other: &Edits<'_>, merged: &[&[u8]]) -> Vec<Clash> {
    let (ours, theirs) = (mine.moved(base), other.moved(base));
    let count = |text: &[&[u8]], line: &[u8]| text.iter().filter(|other| **other == line).count();
    let is_doubled =
        |line: &&[u8]| count(merged, line) > count(&mine.lines, line).max(count(&other.lines, line));
    let twice: BTreeSet<&[u8]> = ours.intersection(&theirs).copied().filter(is_doubled).collect();
    let holds = |hunk: &&Hunk| mine.inserted(hunk).iter().any(|line| twice.contains(line));
    let clash = |hunk: &Hunk| Clash { base: hunk.before.clone(), theirs: other.place(&hunk.before) };
    mine.hunks.iter().filter(holds).map(clash).collect()
}

/// What one side did to the base.
struct Edits<'a> {
    lines: Vec<&'a [u8]>,
    hunks: Vec<Hunk>,
}

impl<'a> Edits<'a> {
    fn of(base: &[u8], side: &'a [u8]) -> Self {
        let whole = |bytes| Some(Side { bytes, mode: 0 });
        Self { lines: lines(side), hunks: diff(whole(base), whole(side)).hunks }
    }

    fn inserted(&self, hunk: &Hunk) -> &[&'a [u8]] {
        &self.lines[index(hunk.after.start)..index(hunk.after.end)]
    }

    /// Returns the lines that this side took away at one place and put in at another.
    fn moved<'b>(&'b self, base: &'b [&'b [u8]]) -> BTreeSet<&'b [u8]> {
        let gone: BTreeSet<&[u8]> = self
            .hunks
            .iter()
            .flat_map(|hunk| &base[index(hunk.before.start)..index(hunk.before.end)])
            .copied()
            .collect();
        let come: BTreeSet<&[u8]> = self.hunks.iter().flat_map(|hunk| self.inserted(hunk)).copied().collect();
        gone.intersection(&come).copied().collect()
    }

    /// Returns where lines of the base are on this side, as far as they are.
    fn place(&self, base: &Range<u32>) -> Range<u32> {
        let before = self.hunks.iter().take_while(|hunk| hunk.before.end <= base.start).last();
        let start = before.map_or(base.start, |hunk| hunk.after.end + (base.start - hunk.before.end));
        let end = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        start.min(end)..(start + (base.end - base.start)).min(end)
    }

    /// Returns the lines of a side that stand for a span of the base; `hunks` are all its hunks in there.
    fn range(hunks: &[Hunk], span: &Range<u32>) -> Range<u32> {
        let (Some(first), Some(last)) = (hunks.first(), hunks.last()) else { return span.clone() };
        let lead = first.before.start - span.start;
        let tail = span.end - last.before.end;
        first.after.start - lead..last.after.end + tail
    }

    fn within(&self, hunks: &[Hunk], span: &Range<u32>) -> &[&'a [u8]] {
        let range = Self::range(hunks, span);
        if hunks.is_empty() { &[] } else { &self.lines[index(range.start)..index(range.end)] }
    }
}

/// What has been merged so far.
struct Merged {
    out: Vec<u8>,
    clashes: Vec<Clash>,
    /// Lines of the base that are dealt with.
    copied: u32,
}

impl Merged {
    fn copy(&mut self, base: &[&[u8]], until: u32) {
        let span = self.copied..until;
        self.push(&base[index(span.start)..index(span.end)].concat(), &span, &span);
        self.copied = until;
    }

    /// Appends, unless that would make one line of two.
    fn push(&mut self, bytes: &[u8], base: &Range<u32>, theirs: &Range<u32>) {
        if !bytes.is_empty() && !self.out.is_empty() && self.out.last() != Some(&b'\n') {
            self.clashes.push(Clash { base: base.clone(), theirs: theirs.clone() });
        }
        self.out.extend_from_slice(bytes);
    }
}

/// Takes the next hunks off both sides that have to be looked at together: one of either side, or several that overlap.
fn next_cluster<'h>(left: &mut &'h [Hunk], right: &mut &'h [Hunk]) -> Option<(&'h [Hunk], &'h [Hunk])> {
    let key = |hunk: &Hunk| (hunk.before.start, !hunk.before.is_empty());
    let left_first = match (left.first(), right.first()) {
        (None, None) => return None,
        (Some(_), None) => true,
        (None, Some(_)) => false,
        (Some(a), Some(b)) => key(a) <= key(b),
    };
    let (mut taken_left, mut taken_right) = (usize::from(left_first), usize::from(!left_first));
    loop {
        let taken = || left[..taken_left].iter().chain(&right[..taken_right]);
        let meets = |hunk: Option<&Hunk>| {
            hunk.is_some_and(|hunk| taken().any(|taken| overlap(&taken.before, &hunk.before)))
        };
        let (more_left, more_right) = (meets(left.get(taken_left)), meets(right.get(taken_right)));
        if !more_left && !more_right {
            break;
        }
        (taken_left, taken_right) =
            (taken_left + usize::from(more_left), taken_right + usize::from(more_right));
    }
    let (cluster_left, rest_left) = left.split_at(taken_left);
    let (cluster_right, rest_right) = right.split_at(taken_right);
    (*left, *right) = (rest_left, rest_right);
    Some((cluster_left, cluster_right))
}

/// Two insertions meet at one place, an insertion and a run of lines where it goes into their middle; neighbours do not.
fn overlap(a: &Range<u32>, b: &Range<u32>) -> bool {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => a.start == b.start,
        (true, false) => b.start < a.start && a.start < b.end,
        (false, true) => a.start < b.start && b.start < a.end,
        (false, false) => a.start < b.end && b.start < a.end,
    }
}

fn span<'h>(hunks: impl Iterator<Item = &'h Hunk>) -> Range<u32> {
    hunks
        .map(|hunk| hunk.before.clone())
        .reduce(|a, b| a.start.min(b.start)..a.end.max(b.end))
        .unwrap_or(0..0)
}

fn index(line: u32) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
