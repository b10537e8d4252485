//! One table of lints for all packages.
//!
//! Not here: what clippy forbids (`clippy.toml`), and the proof that it fires (`lints_fire`).
//! `unsafe_code = "forbid"` cannot be lowered by a member, so the agent carries the whole table with "deny" instead.

use super::Finding;
use anyhow::{Context, Result};
use toml::{Table, Value};

/// Finds members that do not use the workspace's lints, and an agent whose copy differs in more than `unsafe_code`.
pub(crate) fn check(workspace: &str, manifests: &[(String, String)]) -> Result<Vec<Finding>> {
    let workspace: Table = workspace.parse().context("Cargo.toml")?;
    let mut expected =
        workspace["workspace"].get("lints").and_then(Value::as_table).context("no workspace.lints")?.clone();
    let rust = expected.get_mut("rust").and_then(Value::as_table_mut).context("no workspace.lints.rust")?;
    rust.insert("unsafe_code".to_owned(), Value::String("deny".to_owned()));

    let mut findings = Vec::new();
    for (path, text) in manifests {
        let manifest: Table = text.parse().with_context(|| path.clone())?;
        let lints = manifest.get("lints").and_then(Value::as_table).cloned().unwrap_or_default();
        if path == "agent/Cargo.toml" {
            if lints != expected {
                findings.push(Finding::new(
                    path,
                    0,
                    "[lints] differs from the workspace's in more than unsafe_code",
                ));
            }
        } else if lints.get("workspace") != Some(&Value::Boolean(true)) {
            findings.push(Finding::new(path, 0, "has no `[lints] workspace = true`"));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str =
        "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n[workspace.lints.clippy]\nexit = \"deny\"\n";

    #[track_caller]
    fn count(path: &str, manifest: &str, expected: usize) {
        let found = check(WORKSPACE, &[(path.to_owned(), manifest.to_owned())]).unwrap();
        assert_eq!(found.len(), expected, "{found:?}");
    }

    #[test]
    fn the_agents_copy_is_compared() {
        let equal = "[lints.rust]\nunsafe_code = \"deny\"\n[lints.clippy]\nexit = \"deny\"\n";
        count("agent/Cargo.toml", equal, 0);
        count("agent/Cargo.toml", &equal.replace("exit = \"deny\"", "exit = \"warn\""), 1);
        count("agent/Cargo.toml", "[lints]\nworkspace = true\n", 1);
    }

    #[test]
    fn the_others_use_the_workspaces() {
        count("protocol/Cargo.toml", "[lints]\nworkspace = true\n", 0);
        count("protocol/Cargo.toml", "[package]\nname = \"x\"\n", 1);
    }
}
