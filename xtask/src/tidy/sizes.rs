//! Files stay small: no file over the cap, and half of them well below it.
//!
//! Not here: the length of functions, which clippy measures (`too_many_lines`).

use super::Finding;
use super::source::SourceFile;

/// The longest a file may be, in lines without its tests.
const LINES_MAX: usize = 600;
/// The longest the file in the middle may be, in lines without its tests.
const LINES_MEDIAN_MAX: usize = 150;
/// A file whose header says this is a table; it is exempt from the cap.
const TABLE_MARK: &str = "This is a table";

/// Finds files over the cap, and the whole project when its median is over its own.
pub(crate) fn check(sources: &[SourceFile]) -> Vec<Finding> {
    let long = sources.iter().filter(|file| file.length() > LINES_MAX && !is_table(file));
    let mut findings: Vec<_> =
        long.map(|file| Finding::new(&file.path, 0, too_long(file.length()))).collect();
    let median = median(sources);
    if median > LINES_MEDIAN_MAX {
        let message =
            format!("the median file has {median} lines without tests; the limit is {LINES_MEDIAN_MAX}");
        findings.push(Finding::new("Cargo.toml", 0, message));
    }
    findings
}

/// Returns the length of the file in the middle, in lines without tests; files of tests do not count.
pub(crate) fn median(sources: &[SourceFile]) -> usize {
    let mut lengths: Vec<_> = sources.iter().filter(|file| !file.is_test()).map(SourceFile::length).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or(0)
}

fn is_table(file: &SourceFile) -> bool {
    file.header().any(|line| line.contains(TABLE_MARK))
}

fn too_long(lines: usize) -> String {
    format!(
        "has {lines} lines without tests; the limit is {LINES_MAX} (a table says \"{TABLE_MARK}\" in its header)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, header: &str, lines: usize) -> SourceFile {
        SourceFile::new(path, &format!("//! {header}\n{}", "fn a() {}\n".repeat(lines - 1)))
    }

    #[test]
    fn a_long_file_is_found() {
        let short = || file("xtask/src/short.rs", "Short.", 10);
        let over = file("xtask/src/long.rs", "Long.", LINES_MAX + 1);
        assert_eq!(check(&[short(), short(), over]).len(), 1);
        let at_the_cap = file("xtask/src/long.rs", "Long.", LINES_MAX);
        assert_eq!(check(&[short(), short(), at_the_cap]), []);
    }

    #[test]
    fn tables_and_tests_are_exempt() {
        let short = || file("xtask/src/short.rs", "Short.", 10);
        let table = file("xtask/src/table.rs", "Methods. This is a table.", 900);
        let tests = file("xtask/src/tests.rs", "Tests.", 900);
        assert_eq!(check(&[short(), short(), table, tests]), []);
    }

    #[test]
    fn a_long_median_is_found() {
        let found = check(&[file("xtask/src/a.rs", "A.", LINES_MEDIAN_MAX + 1)]);
        assert_eq!(found[0].message, "the median file has 151 lines without tests; the limit is 150");
    }
}
