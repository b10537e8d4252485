//! The agent knows capabilities of clients, never their names.
//!
//! Not here: data files such as the list of protected paths, which are not code.
//! Comments count too: a comment that explains one client's habit belongs to code that caters for it.

use super::Finding;
use super::source::{SourceFile, has_word};

const NAMES: &[&str] = &[
    "nvim",
    "neovim",
    "vscode",
    "vs code",
    "visual studio",
    "zed",
    "emacs",
    "helix",
    "kakoune",
    "jetbrains",
    "sublime",
];

/// Finds names of clients anywhere in agent/src.
pub(crate) fn check(sources: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in sources.iter().filter(|file| file.path.starts_with("agent/src/")) {
        for (index, line) in file.text.lines().enumerate() {
            let lower = line.to_lowercase();
            let named = NAMES.iter().filter(|name| has_word(&lower, name));
            findings.extend(
                named.map(|name| Finding::new(&file.path, index + 1, format!("names a client: {name}"))),
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_also_in_a_comment() {
        let code = "// VS Code sends this twice.\nfn a() { if name == \"Neovim\" {} }\n";
        assert_eq!(check(&[SourceFile::new("agent/src/wire.rs", code)]).len(), 2);
    }

    #[test]
    fn other_words_and_places_pass() {
        let code = "// Initialized, and organised.\n";
        assert_eq!(check(&[SourceFile::new("agent/src/wire.rs", code)]), []);
        assert_eq!(check(&[SourceFile::new("tests/src/lib.rs", "// neovim\n")]), []);
    }
}
