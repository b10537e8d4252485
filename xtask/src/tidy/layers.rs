//! The table of modules in ARCHITECTURE.md, and the `Imports:` line of each module that must repeat it.
//!
//! Not here: whether the code keeps to the line (`imports`).

use super::Finding;
use super::source::SourceFile;
use anyhow::{Result, bail};
use std::collections::BTreeSet;

/// One row of the table: a module and what it may name inside the agent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    pub(crate) module: String,
    pub(crate) imports: BTreeSet<String>,
}

/// Reads the table whose head is `| module | holds | may import |`.
pub(crate) fn parse(architecture: &str) -> Result<Vec<Layer>> {
    let rows = architecture.lines().skip_while(|line| !line.starts_with("| module | holds | may import"));
    let layers: Vec<_> = rows.skip(2).map_while(row).collect();
    if layers.is_empty() {
        bail!("ARCHITECTURE.md has no table of modules");
    }
    Ok(layers)
}

fn row(line: &str) -> Option<Layer> {
    let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
    let module = cells.next()?.trim_matches('`').to_owned();
    let imports = cells.nth(1)?;
    Some(Layer { module, imports: names(imports) })
}

/// Reads `journal (blobs), base` or `–` (nothing).
fn names(list: &str) -> BTreeSet<String> {
    let words = list.split(',').filter_map(|entry| entry.split_whitespace().next());
    words.filter(|word| *word != "–").map(str::to_owned).collect()
}

/// Finds modules without a row, rows without a module, and `Imports:` lines that differ from their row.
pub(crate) fn check(layers: &[Layer], sources: &[SourceFile]) -> Vec<Finding> {
    let tops: Vec<_> = sources.iter().filter(|file| is_top(file)).collect();
    let mut findings = Vec::new();
    for layer in layers {
        match tops.iter().find(|file| file.module() == Some(&layer.module)) {
            Some(file) => findings.extend(check_header(layer, file)),
            None => {
                findings.push(Finding::new("ARCHITECTURE.md", 0, format!("`{}` is no module", layer.module)));
            }
        }
    }
    let listed = |file: &&SourceFile| layers.iter().any(|layer| file.module() == Some(&layer.module));
    let unlisted = tops.iter().filter(|file| !listed(file));
    findings.extend(unlisted.map(|file| Finding::new(&file.path, 0, "is in no row of ARCHITECTURE.md")));
    findings.extend(
        sources.iter().filter(|file| file.path == "agent/src/lib.rs").filter_map(|lib| order(layers, lib)),
    );
    findings
}

/// A file directly in agent/src that is a module.
fn is_top(file: &SourceFile) -> bool {
    file.module().is_some() && file.path.matches('/').count() == 2
}

fn check_header(layer: &Layer, file: &SourceFile) -> Option<Finding> {
    let Some(line) = file.header().find_map(|line| line.strip_prefix("Imports:")) else {
        return Some(Finding::new(&file.path, 1, "has no `Imports:` line"));
    };
    let written = names(line);
    let expected = layer.imports.iter().cloned().collect::<Vec<_>>().join(", ");
    (written != layer.imports).then(|| {
        Finding::new(
            &file.path,
            1,
            format!("`Imports:` differs from ARCHITECTURE.md, which says: {expected}"),
        )
    })
}

/// The modules are declared in the order of the table, which is the order data flows.
fn order(layers: &[Layer], lib: &SourceFile) -> Option<Finding> {
    let declared: Vec<_> = lib.code_lines().filter_map(|(_, line)| declaration(line)).collect();
    let expected: Vec<_> = layers.iter().map(|layer| layer.module.as_str()).collect();
    (declared != expected).then(|| {
        Finding::new(
            &lib.path,
            0,
            format!("declares its modules in another order than: {}", expected.join(", ")),
        )
    })
}

fn declaration(line: &str) -> Option<&str> {
    let (_, name) = line.trim().strip_suffix(';')?.rsplit_once("mod ")?;
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "text\n\n| module | holds | may import (inside the crate) |\n| --- | --- | --- |\n\
        | `feed` | subscriptions | journal (reads), base |\n| `base` | clock | – |\n\nmore | text |\n";

    fn check_with(feed: &str, lib: &str) -> Vec<String> {
        let sources = [
            SourceFile::new("agent/src/lib.rs", lib),
            SourceFile::new("agent/src/feed.rs", feed),
            SourceFile::new("agent/src/feed/tail.rs", "//! Has no line and needs none.\n"),
            SourceFile::new("agent/src/base.rs", "//! Base.\n//!\n//! Imports:\n"),
        ];
        check(&parse(TABLE).unwrap(), &sources).into_iter().map(|finding| finding.message).collect()
    }

    const LIB: &str = "//! X.\npub mod feed;\npub(crate) mod base;\n";

    #[test]
    fn equal_lines_pass() {
        assert_eq!(check_with("//! Feed.\n//!\n//! Imports: base, journal\n", LIB), [""; 0]);
    }

    #[test]
    fn a_differing_line_is_found() {
        let found = check_with("//! Feed.\n//!\n//! Imports: base, wire\n", LIB);
        assert_eq!(found, ["`Imports:` differs from ARCHITECTURE.md, which says: base, journal"]);
    }

    #[test]
    fn a_missing_line_is_found() {
        assert_eq!(check_with("//! Feed.\n", LIB), ["has no `Imports:` line"]);
    }

    #[test]
    fn another_order_is_found() {
        let found = check_with("//! Feed.\n//! Imports: base, journal\n", "//! X.\nmod base;\nmod feed;\n");
        assert_eq!(found, ["declares its modules in another order than: feed, base"]);
    }

    #[test]
    fn modules_and_rows_belong_together() {
        let found = check(&parse(TABLE).unwrap(), &[SourceFile::new("agent/src/wire.rs", "//! Wire.\n")]);
        let messages: Vec<_> = found.iter().map(|finding| finding.message.as_str()).collect();
        assert_eq!(
            messages,
            ["`feed` is no module", "`base` is no module", "is in no row of ARCHITECTURE.md"]
        );
    }

    #[test]
    fn a_page_without_the_table_is_an_error() {
        assert!(parse("# Architecture\n").is_err());
    }
}
