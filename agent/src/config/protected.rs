//! Protected paths: what makes other programs run something, or change what they may do, when it is written.
//! Not here: what happens to such a write (`approvals`), and keeping commands away from them (`sandbox`).
//!
//! The names hold at any depth, in any spelling that some file system takes for the same, and whether or not the file
//! exists: making it is a write as well.

use std::sync::LazyLock;

use serde::Deserialize;

/// The table of names, `agent/data/protected.toml`, in lower case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// Names that protect themselves and everything beneath them.
    names: Vec<String>,
    /// Beginnings of names, which protect whatever follows.
    beginnings: Vec<String>,
    /// A name inside a folder of another name: the beginning of the inner one counts.
    nested: Vec<(String, String)>,
}

/// `None` for a table that does not parse, which then protects everything; a test reads it.
static TABLE: LazyLock<Option<Table>> =
    LazyLock::new(|| toml::from_str(include_str!("../../data/protected.toml")).ok());

/// Returns whether a path, with `/` between its components, is protected.
pub(crate) fn is_protected(path: &str) -> bool {
    let names: Vec<String> = path.split('/').filter(|name| !name.is_empty()).map(fold).collect();
    let Some(table) = TABLE.as_ref() else { return true };
    let own = names.iter().any(|name| {
        table.names.contains(name) || table.beginnings.iter().any(|beginning| name.starts_with(beginning))
    });
    own || names
        .windows(2)
        .any(|pair| table.nested.iter().any(|(outer, inner)| pair[0] == *outer && pair[1].starts_with(inner)))
}

/// The spelling that a forgiving file system would take the name for: case folded, invisible characters ignored (HFS+),
/// trailing dots and spaces and stream suffixes dropped and the short name of `.git` written out (NTFS).
fn fold(name: &str) -> String {
    let visible = name.chars().filter(|c| !is_ignorable(*c)).flat_map(char::to_lowercase);
    let folded: String = visible.map(|c| if c == 'ſ' { 's' } else { c }).collect();
    let folded = folded.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    if folded == "git~1" { ".git".to_owned() } else { folded.to_owned() }
}

/// Code points that HFS+ ignores in names, and others that nobody sees.
const fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_table_is_protected_at_any_depth() {
        let table = TABLE.as_ref().unwrap();
        for name in table.names.iter().chain(&table.beginnings) {
            assert_eq!(fold(name), *name, "the table is in lower case");
            assert!(is_protected(name) && is_protected(&format!("a/{}/x", name.to_uppercase())), "{name}");
            assert!(!is_protected(&format!("a{name}")), "{name}");
        }
        for (outer, inner) in &table.nested {
            assert!(is_protected(&format!("a/{outer}/{inner}.x")), "{outer}/{inner}");
            assert!(!is_protected(&format!("{outer}/other")) && !is_protected(inner), "{outer}/{inner}");
        }
    }

    #[test]
    fn protected_names_are_found_in_any_spelling_and_depth() {
        for path in [
            ".git/hooks/pre-commit",
            "a/b/.git/config",
            ".GIT/config",
            ".git",
            ".gi\u{200c}t/config",
            "git~1/config",
            ".git./x",
            ".git /x",
            ".git::$INDEX_ALLOCATION/x",
            ".gitmodules",
            "sub/.gitattributes",
            "opencode.jsonc",
            ".cargo/config.toml",
            "crates/a/.cargo/config",
            ".github/workflows/ci.yml",
            ".tenon/config.toml",
        ] {
            assert!(is_protected(path), "{path:?}");
        }
        for path in [
            "src/main.rs",
            "git/config",
            ".github/CODEOWNERS",
            ".gitignore",
            "cargo/config.toml",
            ".cargo/registry",
            "docs/opencode.md",
            "a.git/x",
            "",
        ] {
            assert!(!is_protected(path), "{path:?}");
        }
    }
}
