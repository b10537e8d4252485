//! A foreign crate is named only by the module that owns what it does.
//!
//! Not here: whether a dependency may be used at all (cargo-deny, and an ADR for a new one).
//! The table repeats the one in ARCHITECTURE.md, which is compared with it; both change together, by ADR.

use super::Finding;
use super::source::{SourceFile, find_word, has_word, line_number};

/// What may be named where; a place is a path beneath agent/src, without `.rs`.
#[derive(Debug)]
struct Row {
    names: &'static [&'static str],
    places: &'static [&'static str],
}

/// This is a table: crates of the agent that belong to some of its modules.
const CRATES: &[Row] = &[
    Row { names: &["rusqlite"], places: &["journal"] },
    Row { names: &["jsonrpsee"], places: &["router"] },
    Row {
        names: &["hyper", "hyper_util", "http_body_util", "tokio_tungstenite", "constant_time_eq"],
        places: &["wire"],
    },
    Row { names: &["tower_lsp_server", "agent_client_protocol_schema"], places: &["dialects"] },
    Row { names: &["reqwest"], places: &["providers", "network", "mcp", "tools/fetch"] },
    Row {
        names: &["ignore", "grep_matcher", "grep_regex", "grep_searcher", "nucleo_matcher", "notify"],
        places: &["workspace"],
    },
    Row { names: &["clap", "clap_complete", "anyhow"], places: &["cli", "main"] },
    Row { names: &["tenon_client"], places: &["cli"] },
];

/// This is a table: words of the agent that belong to some of its modules.
const WORDS: &[Row] = &[
    Row { names: &["unsafe"], places: &["process"] },
    Row { names: &["confined_write"], places: &["workspace", "changes"] },
];

/// Where a JSON value without a type is allowed: at the doors, where others decide its shape.
const VALUE_PLACES: &[&str] =
    &["cli", "wire", "router", "providers", "turn/attempt", "turn/call", "tools", "mcp"];
/// Where children may be spawned.
const COMMAND_PLACES: &[&str] = &["process"];

/// Finds crates and words in modules that do not own them. Tests may use anything.
pub(crate) fn check(sources: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in sources.iter().filter(|file| file.path.starts_with("agent/src/")) {
        for (number, line) in file.code_lines() {
            let misplaced = CRATES.iter().filter(|row| !is_in(file, row.places));
            let named = misplaced.flat_map(|row| row.names.iter().map(move |name| (name, row.places)));
            let crates = named.filter(|(name, _)| names_crate(line, name));
            let misplaced = WORDS.iter().filter(|row| !is_in(file, row.places));
            let named = misplaced.flat_map(|row| row.names.iter().map(move |name| (name, row.places)));
            let words = named.filter(|(name, _)| has_word(line, name));
            let message =
                |(name, places): (&&str, &[&str])| format!("`{name}` belongs to {}", places.join(", "));
            findings
                .extend(crates.chain(words).map(|found| Finding::new(&file.path, number, message(found))));
        }
        findings.extend(members(file, "serde_json", "Value", VALUE_PLACES));
        findings.extend(members(file, "process", "Command", COMMAND_PLACES));
    }
    findings
}

/// Finds crates of the table that ARCHITECTURE.md does not list in a row with the same places.
pub(crate) fn check_page(architecture: &str) -> Vec<Finding> {
    let rows = architecture.lines().skip_while(|line| !line.starts_with("| foreign | only in"));
    let rows: Vec<_> = rows.skip(2).map_while(|line| line.strip_prefix('|')?.split_once('|')).collect();
    let is_listed = |name: &str, places: &[&str]| {
        rows.iter().any(|(names, only_in)| {
            names.replace('_', "-").contains(&format!("`{name}`")) && has_all(only_in, places)
        })
    };
    let all = CRATES.iter().flat_map(|row| row.names.iter().map(|name| (name.replace('_', "-"), row.places)));
    let missing = all.filter(|(name, places)| !is_listed(name, places));
    let message = |(name, places): (String, &[&str])| format!("lists no `{name}` in {}", places.join(", "));
    missing.map(|row| Finding::new("ARCHITECTURE.md", 0, message(row))).collect()
}

fn has_all(cell: &str, places: &[&str]) -> bool {
    places.iter().all(|place| has_word(cell, place))
}

fn is_in(file: &SourceFile, places: &[&str]) -> bool {
    let path = file.path.trim_start_matches("agent/src/").trim_end_matches(".rs");
    places
        .iter()
        .any(|place| path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// A crate is named at the start of a path (`reqwest::Client`, `use clap;`), not within one (`crate::notify::x`).
fn names_crate(line: &str, name: &str) -> bool {
    find_word(line, name).any(|at| {
        let (before, after) = (&line[..at], &line[at + name.len()..]);
        let used = before.trim_end().ends_with("use");
        !before.ends_with("::") && !before.ends_with('.') && (after.starts_with("::") || used)
    })
}

/// Finds `module::member` and `module::{…, member, …}` outside of `places`.
fn members(file: &SourceFile, module: &str, member: &str, places: &[&str]) -> Vec<Finding> {
    if is_in(file, places) {
        return Vec::new();
    }
    let code = file.code_text();
    let uses = find_word(&code, module).filter(|at| {
        let Some(path) = code[at + module.len()..].strip_prefix("::") else { return false };
        match path.strip_prefix('{') {
            Some(group) => has_word(group.split('}').next().unwrap_or(group), member),
            None => find_word(path, member).next() == Some(0),
        }
    });
    let message = format!("`{module}::{member}` belongs to {}", places.join(", "));
    uses.map(|at| Finding::new(&file.path, line_number(&code, at), message.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn finds(path: &str, code: &str, expected: &[&str]) {
        let found = check(&[SourceFile::new(path, code)]);
        let messages: Vec<_> = found.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(messages, expected, "{path}: {code}");
    }

    #[test]
    fn owners_may() {
        finds("agent/src/journal/writer.rs", "use rusqlite::Connection;\n", &[]);
        finds("agent/src/tools/fetch.rs", "fn a(client: &reqwest::Client) {}\n", &[]);
        finds("agent/src/process.rs", "use std::process::Command;\nunsafe { a() }\n", &[]);
        finds("agent/src/wire/codec.rs", "use serde_json::Value;\n", &[]);
        finds("agent/src/changes/apply.rs", "root.confined_write(path);\n", &[]);
        finds("xtask/src/main.rs", "use anyhow::Result;\n", &[]);
    }

    #[test]
    fn every_crate_is_found_elsewhere() {
        for row in CRATES {
            for name in row.names {
                let message = format!("`{name}` belongs to {}", row.places.join(", "));
                finds("agent/src/feed.rs", &format!("use {name}::Thing;\n"), &[&message]);
            }
        }
    }

    #[test]
    fn a_page_that_says_otherwise_is_found() {
        let row = |row: &Row| format!("| `{}` | {} |\n", row.names.join("`, `"), row.places.join(", "));
        let rows: String = CRATES.iter().map(row).collect();
        let page = format!("| foreign | only in |\n|-|-|\n{}", rows.replace('_', "-"));
        assert_eq!(check_page(&page), []);
        assert_eq!(check_page(&page.replace("| journal |", "| feed |")).len(), 1);
        assert_eq!(check_page(&page.replace("`clap`, ", "")).len(), 1);
    }

    #[test]
    fn every_word_is_found_elsewhere() {
        finds(
            "agent/src/tools/write.rs",
            "root.confined_write(path);\n",
            &["`confined_write` belongs to workspace, changes"],
        );
        finds("agent/src/feed.rs", "unsafe { a() }\n", &["`unsafe` belongs to process"]);
    }

    #[test]
    fn a_value_is_found_also_in_braces() {
        let message = [
            "`serde_json::Value` belongs to cli, wire, router, providers, turn/attempt, turn/call, tools, mcp",
        ];
        finds("agent/src/session.rs", "state: serde_json::Value,\n", &message);
        finds("agent/src/turn/runner.rs", "use serde_json::{\n    Map,\n    Value,\n};\n", &message);
        finds("agent/src/session.rs", "use serde_json::value::RawValue;\n", &[]);
    }

    #[test]
    fn a_spawned_command_is_found() {
        let message = ["`process::Command` belongs to process"];
        finds("agent/src/tools/shell.rs", "use std::process::{Command, Stdio};\n", &message);
        finds("agent/src/tools/shell.rs", "let child = tokio::process::Command::new(x);\n", &message);
        finds("agent/src/cli.rs", "use std::process::ExitCode;\n", &[]);
    }

    #[test]
    fn like_named_things_pass() {
        finds("agent/src/feed.rs", "self.notify.notified();\nuse crate::base::notify::Wake;\n", &[]);
        finds("agent/src/journal.rs", "#![deny(unsafe_code)]\n", &[]);
    }
}
