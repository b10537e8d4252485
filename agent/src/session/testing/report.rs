//! What test programs print, read as far as it says how many passed and which failed. Not here: running them.
//!
//! Whether tests passed is told by the exit code alone; what is read here is for people.
use tenon_protocol::plan::TestReport;

use crate::process::{Ended, Exit};
use crate::tools::output::Shown;

/// Names of failed tests that a report has: who needs more reads the output.
const FAILURES_MAX: usize = 50;

/// Characters of such a name.
const NAME_CHARS_MAX: usize = 200;

/// What an output says of its tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    passed: Option<u64>,
    failed: Option<u64>,
    failures: Vec<String>,
}

/// Makes the report of tests that ended.
pub(super) fn report(
    harness: &str,
    command: String,
    rev: u64,
    exit: &Exit,
    counts: Counts,
    Shown { text, reference }: Shown,
) -> TestReport {
    TestReport {
        harness: harness.to_owned(),
        command,
        rev,
        ok: exit.ended == Ended::Itself && exit.code == Some(0),
        timed_out: (exit.ended == Ended::TimedOut).then_some(true),
        text,
        exit: exit.code,
        passed: counts.passed,
        failed: counts.failed,
        failures: (!counts.failures.is_empty()).then_some(counts.failures),
        reference,
    }
}

/// Reads what a harness printed.
pub(super) fn counts(harness: &str, output: &str) -> Counts {
    let mut counts = Counts::default();
    for line in output.lines() {
        let line = plain(line);
        let line = line.trim();
        match harness {
            "cargo" => counts.cargo(line),
            "pytest" => counts.pytest(line),
            "go" => counts.go(line),
            "jest" | "vitest" => counts.script(line),
            // Whatever it calls.
            _ => {
                counts.cargo(line);
                counts.pytest(line);
                counts.script(line);
            }
        }
    }
    counts
}

/// Takes colours out of a line.
fn plain(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    text
}

impl Counts {
    fn cargo(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("test result: ") {
            self.add(rest.split(['.', ';']));
        } else if let Some(name) =
            line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED"))
        {
            self.failure(name);
        }
    }

    /// The last line, in either of its forms: `=== 1 failed, 2 passed in 0.12s ===`.
    fn pytest(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("FAILED ").or_else(|| line.strip_prefix("ERROR ")) {
            self.failure(name.split(" - ").next().unwrap_or(name));
        } else if let Some((counts, _)) = line.trim_matches(['=', ' ']).rsplit_once(" in ")
            && counts.split(", ").all(|part| number(part).is_some())
        {
            self.add(counts.split(", "));
        }
    }

    fn go(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("--- FAIL: ") {
            self.failed = Some(self.failed.unwrap_or(0) + 1);
            self.failure(name.split(' ').next().unwrap_or(name));
        } else if line.starts_with("--- PASS: ") {
            self.passed = Some(self.passed.unwrap_or(0) + 1);
        }
    }

    /// `Tests:       1 failed, 2 passed, 3 total` of jest, `Tests  1 failed | 2 passed (3)` of vitest.
    fn script(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("Tests:").or_else(|| line.strip_prefix("Tests ")) {
            self.add(rest.split([',', '|']));
        } else if let Some(name) = line.strip_prefix("● ").filter(|name| name.contains('›')) {
            self.failure(name);
        }
    }

    fn add<'a>(&mut self, parts: impl Iterator<Item = &'a str>) {
        for (count, word) in parts.filter_map(number) {
            let counted = match word {
                "passed" => &mut self.passed,
                "failed" | "error" | "errors" => &mut self.failed,
                _ => continue,
            };
            *counted = Some(counted.unwrap_or(0) + count);
        }
    }

    fn failure(&mut self, name: &str) {
        let name: String =
            name.trim().chars().filter(|sign| !sign.is_control()).take(NAME_CHARS_MAX).collect();
        if self.failures.len() < FAILURES_MAX && !self.failures.contains(&name) {
            self.failures.push(name);
        }
    }
}

/// Reads `3 passed`.
fn number(part: &str) -> Option<(u64, &str)> {
    let mut words = part.split_whitespace();
    let count = words.next()?.parse().ok()?;
    Some((count, words.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_test_programs_print_is_counted() {
        let check = |harness: &str, output: &str| {
            let counts = counts(harness, output);
            (counts.passed, counts.failed, counts.failures.join(" "))
        };
        let cargo = "test a::b ... ok\ntest a::c ... FAILED\ntest result: FAILED. 3 passed; 1 failed; 0 ignored\n\
                     test result: ok. 2 passed; 0 failed; 0 ignored\n";
        assert_eq!(check("cargo", cargo), (Some(5), Some(1), "a::c".to_owned()));
        let pytest = "FAILED test_a.py::test_one - assert 1 == 2\n\u{1b}[31m==== \u{1b}[1m1 failed\u{1b}[0m, 2 passed in 0.12s ====\n";
        assert_eq!(check("pytest", pytest), (Some(2), Some(1), "test_a.py::test_one".to_owned()));
        assert_eq!(check("pytest", "3 passed in 0.01s\nran in vain in 3s\n"), (Some(3), None, String::new()));
        let go = "--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/x (0.00s)\nok  \texample.com/b\t0.1s\nFAIL\n";
        assert_eq!(check("go", go), (None, Some(2), "TestA TestA/x".to_owned()));
        assert_eq!(
            check("jest", "  ● sum › adds\nTests:       1 failed, 2 passed, 3 total\n"),
            (Some(2), Some(1), "sum › adds".to_owned())
        );
        assert_eq!(
            check("vitest", "      Tests  1 failed | 2 passed (3)\n"),
            (Some(2), Some(1), String::new())
        );
        assert_eq!(check("make", "ok\n"), (None, None, String::new()));
    }
}
