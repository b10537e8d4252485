//! Writes what is generated from the protocol crate: the JSON Schema under spec/schema.
//!
//! Not here: the schema itself (`tenon_protocol::schema`), and types for other languages, which come later and from it.

use crate::{root, shell};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::Path;

/// Writes every document, or with `check` only compares; a file that nothing generates is a difference too.
pub(crate) fn run(check: bool) -> Result<()> {
    let directory = root::root().join("spec").join("schema");
    let expected = documents()?;
    let differing = differing(&directory, &expected)?;
    if differing.is_empty() {
        shell::say(&format!("codegen: {} documents, all up to date", expected.len()));
        return Ok(());
    }
    if check {
        bail!("spec/schema differs from protocol/ in {}: run `cargo xtask codegen`", differing.join(", "));
    }
    std::fs::create_dir_all(&directory).context("cannot create spec/schema")?;
    for name in differing {
        let path = directory.join(&name);
        let written = match expected.get(&name) {
            Some(text) => std::fs::write(&path, text),
            None => std::fs::remove_file(&path),
        };
        written.with_context(|| format!("cannot write spec/schema/{name}"))?;
        shell::say(&format!("codegen: spec/schema/{name}"));
    }
    Ok(())
}

/// Returns name and text of every document, as it should be on disk.
fn documents() -> Result<BTreeMap<String, String>> {
    let documents = tenon_protocol::schema::documents().into_iter();
    documents.map(|(name, json)| Ok((name.to_owned(), serde_json::to_string_pretty(&json)? + "\n"))).collect()
}

/// Returns the names of documents that are missing, different or not ours.
fn differing(directory: &Path, expected: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let mut names: Vec<_> = expected
        .iter()
        .filter(|(name, text)| std::fs::read_to_string(directory.join(name)).ok().as_ref() != Some(*text))
        .map(|(name, _)| name.clone())
        .collect();
    if directory.is_dir() {
        for entry in std::fs::read_dir(directory).context("cannot list spec/schema")? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !expected.contains_key(&name) {
                names.push(name);
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_of_all_kinds_are_found() {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in [("same", "a"), ("changed", "b"), ("foreign", "c")] {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let wanted = [("same", "a"), ("changed", "x"), ("missing", "d")];
        let expected = wanted.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        assert_eq!(differing(directory.path(), &expected).unwrap(), ["changed", "missing", "foreign"]);
    }

    #[test]
    fn documents_are_stable_from_run_to_run() {
        assert_eq!(documents().unwrap(), documents().unwrap());
    }
}
