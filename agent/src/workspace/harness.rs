//! Which test harnesses a workspace has, by the files at its root. Not here: running them, and what lies deeper.
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Bytes of a file that are looked at; manifests are far smaller.
const LOOKED_AT_MAX: u64 = 256 << 10;

/// Returns the names of the harnesses: `cargo`, `go`, `pytest`, `vitest`, `jest`, `npm`, `make`. Blocks for a few looks at
/// the directory.
pub(crate) fn names(root: &Path) -> Vec<&'static str> {
    let has = |name: &str| root.join(name).is_file();
    let says = |name: &str, word: &str| beginning(&root.join(name)).contains(word);
    let mut found = Vec::new();
    if has("Cargo.toml") {
        found.push("cargo");
    }
    if has("go.mod") {
        found.push("go");
    }
    if has("pytest.ini")
        || has("conftest.py")
        || says("pyproject.toml", "pytest")
        || says("setup.cfg", "[tool:pytest]")
        || says("tox.ini", "pytest")
    {
        found.push("pytest");
    }
    let package = beginning(&root.join("package.json"));
    if package.contains("\"vitest\"") {
        found.push("vitest");
    } else if package.contains("\"jest\"") {
        found.push("jest");
    } else if package.contains("\"test\"") {
        found.push("npm");
    }
    if ["Makefile", "makefile", "GNUmakefile"]
        .iter()
        .any(|name| beginning(&root.join(name)).lines().any(|line| line.starts_with("test:")))
    {
        found.push("make");
    }
    found
}

/// Returns the command that runs the tests of a harness.
pub(crate) fn command(harness: &str) -> &'static str {
    match harness {
        "cargo" => "cargo test",
        "go" => "go test ./...",
        "pytest" => "python3 -m pytest -q",
        "vitest" => "npx vitest run",
        "jest" => "npx jest",
        "npm" => "npm test",
        _ => "make test",
    }
}

/// Returns the beginning of a regular file as text; nothing where there is none.
fn beginning(path: &Path) -> String {
    let mut bytes = Vec::new();
    if path.is_file()
        && let Ok(file) = File::open(path)
    {
        // What could be read is enough to tell.
        let _partly = file.take(LOOKED_AT_MAX).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harnesses_are_told_by_their_files() {
        let directory = tempfile::tempdir().unwrap();
        let check = |files: &[(&str, &str)], expected: &[&str]| {
            for (name, text) in files {
                std::fs::write(directory.path().join(name), text).unwrap();
            }
            assert_eq!(names(directory.path()), expected);
        };
        check(&[], &[]);
        check(&[("package.json", "{}"), ("Makefile", "all:\n")], &[]);
        check(&[("Makefile", "all:\ntest:\n\tdo it\n")], &["make"]);
        check(&[("package.json", r#"{"scripts": {"test": "x"}}"#)], &["npm", "make"]);
        check(&[("package.json", r#"{"devDependencies": {"vitest": "1"}}"#)], &["vitest", "make"]);
        check(
            &[("Cargo.toml", ""), ("pyproject.toml", "[tool.pytest]")],
            &["cargo", "pytest", "vitest", "make"],
        );
    }
}
