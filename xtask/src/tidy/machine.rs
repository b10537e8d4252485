//! Nothing in the project belongs to one machine: no absolute path of it, no registry of its own.
//!
//! Not here: secrets, which have a type of their own in the agent.

use super::Finding;
use anyhow::Result;
use std::path::Path;

/// Home directories of people and machines; a tilde or a variable says the same everywhere.
const HOMES: &[&str] = &["/root/", "/home/", "/Users/"];
/// The one registry a lock file may name.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Finds paths of this machine in any text file, and registries other than the public one.
pub(crate) fn check(root: &Path, paths: &[String]) -> Result<Vec<Finding>> {
    let checkout = format!("{}/", root.display());
    let mut findings = Vec::new();
    // This file names what it looks for.
    for path in paths.iter().filter(|path| !file!().ends_with(path.as_str())) {
        // What is not UTF-8 is not text.
        let Ok(text) = String::from_utf8(std::fs::read(root.join(path))?) else { continue };
        findings.extend(check_text(&checkout, path, &text));
    }
    Ok(findings)
}

fn check_text(checkout: &str, path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut found = |message: &str| findings.push(Finding::new(path, index + 1, message));
        if HOMES.iter().any(|home| names_home(line, home)) || line.contains(checkout) {
            found("holds an absolute path of one machine");
        }
        if path == "Cargo.lock"
            && line.strip_prefix("source = ").is_some_and(|source| !source.contains(REGISTRY))
        {
            found("is no release from crates.io");
        }
        if Path::new(path).extension().is_some_and(|extension| extension == "toml")
            && line.trim_start().starts_with("replace-with")
        {
            found("replaces the registry for everyone");
        }
    }
    findings
}

/// A home directory counts where a path starts, not inside a longer one.
fn names_home(line: &str, home: &str) -> bool {
    line.match_indices(home).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + home.len()..].chars().next();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-}~".contains(c))
            && after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn count(path: &str, text: &str, expected: usize) {
        assert_eq!(check_text("/src/checkout/", path, text).len(), expected, "{path}: {text}");
    }

    #[test]
    fn a_path_of_a_machine_is_found() {
        count("docs/x.md", "see /home/someone/x", 1);
        count("docs/x.md", "see /src/checkout/agent", 1);
        count("docs/x.md", "see ~/.config/tenon and $HOME/x and /usr/home/x", 0);
    }

    #[test]
    fn a_registry_is_found() {
        count("Cargo.lock", "source = \"registry+https://crates.example/index\"", 1);
        count("Cargo.lock", &format!("source = \"{REGISTRY}\""), 0);
        count(".cargo/config.toml", "replace-with = \"mirror\"", 1);
    }
}
