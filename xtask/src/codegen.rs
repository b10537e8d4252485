//! Writes what is generated from the protocol crate: the JSON Schema, the types for other languages, and the tables of
//! spec/protocol.md. Refuses to take back what a stable item has promised.
//!
//! Not here: the schema itself (`tenon_protocol::schema`).

mod lua;
mod model;
mod promises;
mod tables;
mod typescript;

use crate::{root, shell};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Directories that hold nothing but what is generated.
const OWNED: [&str; 2] = ["schema", "types"];

/// What to do about files that differ, and about promises that are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Write them; promises are kept.
    Write,
    /// Write them, whatever they promised. Only before a release.
    WriteAnyway,
    /// Write nothing; fail.
    Check,
}

/// Writes every file, or only compares; a file that nothing generates is a difference too.
pub(crate) fn run(mode: Mode) -> Result<()> {
    let spec = root::root().join("spec");
    let schema: BTreeMap<_, _> = tenon_protocol::schema::documents()
        .into_iter()
        .map(|(name, document)| (name.to_owned(), document))
        .collect();
    if mode != Mode::WriteAnyway {
        keep_promises(&spec, &schema)?;
    }
    let page = std::fs::read_to_string(spec.join("protocol.md")).context("cannot read spec/protocol.md")?;
    let expected = files(&schema, &page)?;
    let differing = differing(&spec, &expected)?;
    if differing.is_empty() {
        shell::say(&format!("codegen: {} files, all up to date", expected.len()));
        return Ok(());
    }
    if mode == Mode::Check {
        bail!("spec/ differs from protocol/ in {}: run `cargo xtask codegen`", differing.join(", "));
    }
    for name in differing {
        let path = spec.join(&name);
        let written = match expected.get(&name) {
            Some(text) => path
                .parent()
                .map_or(Ok(()), std::fs::create_dir_all)
                .and_then(|()| std::fs::write(&path, text)),
            None => std::fs::remove_file(&path),
        };
        written.with_context(|| format!("cannot write spec/{name}"))?;
        shell::say(&format!("codegen: spec/{name}"));
    }
    Ok(())
}

/// Compares with the schema on disk, and with the committed one: writing a change down does not make it an addition.
fn keep_promises(spec: &Path, schema: &BTreeMap<String, Value>) -> Result<()> {
    let (mut on_disk, mut committed) = (BTreeMap::new(), BTreeMap::new());
    for name in
        schema.keys().map(String::as_str).chain(listed(&spec.join("schema"))?.iter().map(String::as_str))
    {
        if let Ok(text) = std::fs::read_to_string(spec.join("schema").join(name)) {
            let document =
                serde_json::from_str(&text).with_context(|| format!("spec/schema/{name} is no JSON"))?;
            on_disk.insert(name.to_owned(), document);
        }
        let mut git = shell::command("git");
        git.args(["show", &format!("HEAD:spec/schema/{name}")]);
        // Outside a repository, or before the first commit of a file, there is nothing to compare with.
        if let Some(document) =
            git.output().ok().and_then(|output| serde_json::from_slice(&output.stdout).ok())
        {
            committed.insert(name.to_owned(), document);
        }
    }
    let mut broken = promises::broken(&on_disk, schema);
    broken.extend(promises::broken(&committed, schema));
    broken.sort();
    broken.dedup();
    if !broken.is_empty() {
        bail!(
            "stable items change other than by addition (`codegen --break-promises` writes it all the same):\n  {}",
            broken.join("\n  ")
        );
    }
    Ok(())
}

/// Returns path beneath spec/ and text of every generated file, as it should be on disk.
fn files(schema: &BTreeMap<String, Value>, page: &str) -> Result<BTreeMap<String, String>> {
    let model = model::read(schema)?;
    let mut files = BTreeMap::new();
    for (name, document) in schema {
        files.insert(format!("schema/{name}"), serde_json::to_string_pretty(document)? + "\n");
    }
    files.insert("types/tenon.d.ts".to_owned(), typescript::print(&model));
    files.insert("types/tenon.lua".to_owned(), lua::print(&model));
    files.insert("protocol.md".to_owned(), tables::renew(page, schema)?);
    Ok(files)
}

/// Returns the files that are missing, different or not ours.
fn differing(spec: &Path, expected: &BTreeMap<String, String>) -> Result<Vec<String>> {
    let mut names: Vec<_> = expected
        .iter()
        .filter(|(name, text)| std::fs::read_to_string(spec.join(name)).ok().as_ref() != Some(*text))
        .map(|(name, _)| name.clone())
        .collect();
    for directory in OWNED {
        let found = listed(&spec.join(directory))?.into_iter().map(|name| format!("{directory}/{name}"));
        names.extend(found.filter(|name| !expected.contains_key(name)));
    }
    Ok(names)
}

/// Returns the names in a directory; none where it does not exist.
fn listed(directory: &Path) -> Result<Vec<String>> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let entries =
        std::fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests;
