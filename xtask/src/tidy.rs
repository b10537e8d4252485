//! Checks what rustc and clippy cannot: layers, sizes, headers, names.
//!
//! Not here: formatting (rustfmt) and the length of functions (clippy).
//! A rule is a function from the sources to findings, in a file with its tests, and each test shows the rule firing.

mod client_names;
mod foreign;
mod headers;
mod imports;
mod layers;
mod lints;
mod machine;
mod pure;
mod sizes;
mod source;

use crate::{root, shell};
use anyhow::{Context, Result, bail};
use source::SourceFile;
use std::path::Path;

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    /// From 1; 0 when the whole file is meant.
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

/// Runs every rule over the tracked files, prints what it finds, and fails if that is anything.
pub(crate) fn run() -> Result<()> {
    let root = root::root();
    let paths = tracked(&root)?;
    let rust = |path: &&String| Path::new(path).extension().is_some_and(|extension| extension == "rs");
    let sources =
        paths.iter().filter(rust).map(|path| SourceFile::read(&root, path)).collect::<Result<Vec<_>>>()?;
    let architecture = read(&root, "ARCHITECTURE.md")?;
    let layers = layers::parse(&architecture)?;

    let mut findings = Vec::new();
    findings.extend(headers::check(&sources));
    findings.extend(headers::check_layout(&paths));
    findings.extend(layers::check(&layers, &sources));
    findings.extend(imports::check(&layers, &sources));
    findings.extend(foreign::check(&sources));
    findings.extend(foreign::check_page(&architecture));
    findings.extend(pure::check(&sources));
    findings.extend(client_names::check(&sources));
    findings.extend(sizes::check(&sources));
    findings.extend(lints::check(&read(&root, "Cargo.toml")?, &manifests(&root, &paths)?)?);
    findings.extend(machine::check(&root, &paths)?);

    for finding in &findings {
        shell::say(&format!("{}:{}: {}", finding.path, finding.line, finding.message));
    }
    if !findings.is_empty() {
        bail!("tidy found {} problems", findings.len());
    }
    shell::say(&format!("tidy: {} files, median {} lines", sources.len(), sizes::median(&sources)));
    Ok(())
}

/// Returns the paths of all files of the project, ignored ones out, new ones that git does not know yet in.
fn tracked(root: &Path) -> Result<Vec<String>> {
    let mut git = shell::command("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let list = shell::output(&mut git).context("tidy asks git for the files of the project")?;
    let files = list.split('\0').filter(|path| !path.is_empty() && root.join(path).is_file());
    Ok(files.map(str::to_owned).collect())
}

fn read(root: &Path, path: &str) -> Result<String> {
    std::fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"))
}

/// Returns path and text of each member's manifest.
fn manifests(root: &Path, paths: &[String]) -> Result<Vec<(String, String)>> {
    let members = paths.iter().filter(|path| path.ends_with("/Cargo.toml"));
    members.map(|path| Ok((path.clone(), read(root, path)?))).collect()
}
