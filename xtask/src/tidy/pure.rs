//! The pure parts stay pure: the turn machine, and the protocol crate.
//!
//! Not here: layers between modules (`imports`).

use super::Finding;
use super::source::{SourceFile, has_word};

/// Words that bring a clock, randomness, I/O or waiting into the turn machine.
const NOT_IN_MACHINE: &[&str] = &[
    "tokio",
    "async",
    "await",
    "Instant",
    "SystemTime",
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "Uuid",
];
/// Words that bring behaviour, or an order that changes from run to run, into the wire types.
const NOT_IN_PROTOCOL: &[&str] =
    &["tokio", "async", "await", "HashMap", "HashSet", "std::fs", "std::net", "std::env", "std::thread"];

/// An untagged enum guesses. The envelope may, where JSON-RPC leaves no choice; so may what clients read and a later version
/// adds a type to, which is kept as it came.
const UNTAGGED: &[&str] = &["protocol/src/envelope.rs", "protocol/src/content.rs", "protocol/src/request.rs"];

/// Finds forbidden words in the turn machine and the protocol crate.
pub(crate) fn check(sources: &[SourceFile]) -> Vec<Finding> {
    let machine = sources.iter().filter(|file| file.path.starts_with("agent/src/turn/machine"));
    let protocol = sources.iter().filter(|file| file.path.starts_with("protocol/src/"));
    let mut findings: Vec<_> =
        machine.flat_map(|file| words(file, NOT_IN_MACHINE, "the turn machine")).collect();
    for file in protocol {
        findings.extend(words(file, NOT_IN_PROTOCOL, "the protocol crate"));
        if !UNTAGGED.iter().any(|name| file.path.starts_with(name)) {
            findings.extend(words(file, &["untagged"], "the protocol crate here"));
        }
    }
    findings
}

fn words(file: &SourceFile, forbidden: &[&str], place: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.code_lines() {
        let named = forbidden.iter().filter(|word| has_word(line, word));
        findings.extend(
            named.map(|word| Finding::new(&file.path, number, format!("`{word}` has no place in {place}"))),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn count(path: &str, code: &str, expected: usize) {
        assert_eq!(check(&[SourceFile::new(path, code)]).len(), expected, "{path}: {code}");
    }

    #[test]
    fn waiting_in_the_machine_is_found() {
        count("agent/src/turn/machine.rs", "async fn step() { tokio::task::yield_now().await }\n", 3);
        count("agent/src/turn/machine/state.rs", "let now = std::time::Instant::now();\n", 1);
        count("agent/src/turn/runner.rs", "async fn run() {}\n", 0);
        count("agent/src/turn/machine.rs", "// async is not needed here\nfn step() {}\n", 0);
    }

    #[test]
    fn unordered_wire_types_are_found() {
        count("protocol/src/event.rs", "pub struct A { b: HashMap<String, String> }\n", 1);
        count("protocol/src/event.rs", "#[serde(untagged)]\n", 1);
        count("protocol/src/envelope.rs", "#[serde(untagged)]\n", 0);
    }
}
