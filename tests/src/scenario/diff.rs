//! A line diff for people who read a failed test. Not here: what is compared.
use std::fmt::Write as _;

/// Lines a side beyond which the table of common lines would grow too large.
const LINES_MAX: usize = 2_000;

/// Shows two texts line by line: `-` is expected only, `+` is there only.
pub(crate) fn diff(expected: &str, actual: &str) -> String {
    let (left, right): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    if left.len() > LINES_MAX || right.len() > LINES_MAX {
        return format!("expected:\n{expected}\nis:\n{actual}");
    }
    // How many lines the two ends have in common, from each pair of places.
    let mut common = vec![vec![0_usize; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            common[i][j] = if left[i] == right[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut out = String::new();
    while i < left.len() || j < right.len() {
        // Writing to a String cannot fail.
        let _ = if i < left.len() && j < right.len() && left[i] == right[j] {
            (i, j) = (i + 1, j + 1);
            writeln!(out, "    {}", left[i - 1])
        } else if j < right.len() && (i == left.len() || common[i][j + 1] > common[i + 1][j]) {
            j += 1;
            writeln!(out, "  + {}", right[j - 1])
        } else {
            i += 1;
            writeln!(out, "  - {}", left[i - 1])
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_lines_stand_without_a_sign() {
        assert_eq!(diff("a\nb\nc", "a\nx\nc"), "    a\n  - b\n  + x\n    c\n");
        assert_eq!(diff("", "a"), "  + a\n");
    }
}
