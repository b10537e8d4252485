//! What a command needs, as its call says and as is foreseen, checked and told one way. Not here: whether it may have it.
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::network::{Egress, Target};
use crate::sandbox::{Cache, Foreseen, Needs, absolute, needed_path};
use crate::tools::ToolContext;
use crate::tools::prepared::ToolFailure;

/// What a call says that it needs.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wanted {
    #[serde(default, deserialize_with = "texts")]
    write: Vec<String>,
    #[serde(default, deserialize_with = "texts", alias = "network", alias = "hosts")]
    net: Vec<String>,
}

/// Reads a list of texts; one text stands for a list of it.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(vec![text]),
        value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Vec::deserialize(value).map_err(serde::de::Error::custom)
        }
    }
}

/// What a command needs, and what it gets beside that.
#[derive(Debug)]
pub(super) struct Needed {
    /// What is asked for.
    pub(super) needs: Needs,
    /// Caches of which it gets copies, and so needs none.
    pub(super) caches: Vec<Cache>,
    /// Folders that have to be there for this, and are not yet.
    pub(super) absent: Vec<PathBuf>,
}

/// Returns what a command needs: what its call says, and what is known of such commands. `copies` tells whether it gets copies of
/// caches.
pub(super) fn needed(
    context: &ToolContext,
    command: &str,
    wanted: &Wanted,
    copies: bool,
) -> Result<Needed, ToolFailure> {
    let (root, home) = (context.root.path(), context.environment.get("HOME").map(String::as_str));
    let mut needs = Needs::default();
    for path in &wanted.write {
        let path = needed_path(path, root, home).map_err(|error| ToolFailure::new(error.to_string()))?;
        needs.write.extend(path);
    }
    for host in &wanted.net {
        needs.net.extend(needed_host(host, &context.network)?);
    }
    let Foreseen { needs: mut foreseen, caches: written } = (context.foresee.0)(command);
    let written: Vec<(String, PathBuf)> = written
        .into_iter()
        .filter_map(|path| absolute(&path, root, home).map(|place| (path, place)))
        .collect();
    let places: Vec<PathBuf> = written.iter().map(|(_, place)| place.clone()).collect();
    let mut caches = if copies { context.caches.of(root, &context.environment, &places) } else { Vec::new() };
    let (met, unmet): (Vec<_>, Vec<_>) =
        written.into_iter().partition(|(_, place)| caches.iter().any(|cache| cache.meets(place)));
    foreseen.write.extend(unmet.into_iter().map(|(path, _)| path));
    // What is foreseen and cannot be granted is left to the command to fail at.
    foreseen.write.retain(|path| matches!(needed_path(path, root, home), Ok(Some(_))));
    if foreseen.write.contains(".git") {
        let places = repository_elsewhere(root);
        foreseen
            .write
            .extend(places.iter().filter_map(|place| needed_path(place, root, home).ok().flatten()));
    }
    let opened = foreseen.writable(root, home);
    let absent = opened.into_iter().chain(met.into_iter().map(|(_, place)| place));
    let absent = absent.filter(|path| !path.exists()).collect();
    let needs = needs.and(foreseen).map_err(|error| ToolFailure::new(error.to_string()))?;
    // Who is given a cache itself wants that.
    let given = needs.writable(root, home);
    caches.retain(|cache| !given.iter().any(|given| cache.is_in(given)));
    Ok(Needed { needs, caches, absent })
}

/// Returns a host as needs name it; `None` for this machine itself, where what a command starts is always within its reach, unless a
/// person named it: then what else listens there is meant.
fn needed_host(text: &str, egress: &Egress) -> Result<Option<String>, ToolFailure> {
    let wrong =
        |why: &str| ToolFailure::new(format!("`needs.net`: {text:?} is no host to be granted: {why}"));
    let address = if text.contains("://") { text.to_owned() } else { format!("https://{}/", text.trim()) };
    let target = Target::parse(&address).map_err(|error| wrong(&error.to_string()))?;
    let host = target.host();
    if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte)) {
        return Err(wrong("hosts are named exactly"));
    }
    let is_here = target.address().is_some_and(|address| address.is_loopback());
    let is_here = is_here || host == "localhost" || host.ends_with(".localhost");
    if is_here && !egress.near.iter().any(|near| near.is_at(host)) {
        return Ok(None);
    }
    // A need is for every port; each connection is looked at again.
    if !egress.near.iter().any(|near| near.is_at(host)) {
        egress.admit(&target).map_err(|refused| wrong(&refused.to_string()))?;
    }
    Ok(Some(host.to_owned()))
}

/// Returns the places that a commit writes where the repository of a working tree is not in it: `.git` is then a file that names
/// a folder. Only a folder that looks like git's own is believed, since the file is the workspace's; and hooks and configuration
/// are not among the places.
fn repository_elsewhere(root: &Path) -> Vec<String> {
    let Some(folder) = folder_of_working_tree(root) else { return Vec::new() };
    let Some(repository) = folder.ancestors().nth(2) else { return Vec::new() };
    let shared = ["logs", "objects", "refs"].map(|name| repository.join(name));
    shared.iter().chain([&folder]).filter_map(|place| place.to_str()).map(str::to_owned).collect()
}

fn folder_of_working_tree(root: &Path) -> Option<PathBuf> {
    /// A path and a word; more is no such file.
    const BYTES_MAX: u64 = 4_096;
    let file = root.join(".git");
    let about = std::fs::symlink_metadata(&file).ok().filter(std::fs::Metadata::is_file)?;
    if about.len() > BYTES_MAX {
        return None;
    }
    let text = std::fs::read_to_string(&file).ok()?;
    let folder = root.join(text.strip_prefix("gitdir:")?.trim()).canonicalize().ok()?;
    let above = folder.parent()?;
    (above.ends_with("worktrees") && above.parent()?.ends_with(".git")).then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_exact_and_public() {
        let check = |text: &str| needed_host(text, &Egress::default()).map_err(|failure| failure.0);
        assert_eq!(check("Registry.Example.org").unwrap().as_deref(), Some("registry.example.org"));
        assert_eq!(
            check("https://registry.example.org:8443/path").unwrap().as_deref(),
            Some("registry.example.org")
        );
        assert_eq!(check("localhost:3000"), Ok(None));
        assert_eq!(check("127.0.0.1"), Ok(None));
        let near = Egress { near: ["localhost:3000".parse().unwrap()].into(), ..Egress::default() };
        let named = |text: &str| needed_host(text, &near).map_err(|failure| failure.0);
        assert_eq!(named("http://localhost:3000/").unwrap().as_deref(), Some("localhost"));
        assert_eq!(named("127.0.0.1"), Ok(None));
        for wrong in ["*", "*.example.org", "10.0.0.7", "169.254.169.254", "a b", "", "me@a.example"] {
            assert!(check(wrong).is_err(), "{wrong}: {:?}", check(wrong));
        }
    }

    #[test]
    fn a_working_tree_knows_where_its_repository_is() {
        let temp = tempfile::tempdir().unwrap();
        let base = temp.path().canonicalize().unwrap();
        let tree = base.join("tree");
        std::fs::create_dir_all(base.join("main/.git/worktrees/tree")).unwrap();
        std::fs::create_dir_all(base.join("keys/a/b")).unwrap();
        std::fs::create_dir(&tree).unwrap();
        let check = |text: &str| {
            std::fs::write(tree.join(".git"), text).unwrap();
            repository_elsewhere(&tree)
        };
        let places = ["logs", "objects", "refs", "worktrees/tree"];
        let places = places.map(|place| base.join("main/.git").join(place).display().to_string());
        assert_eq!(check("gitdir: ../main/.git/worktrees/tree\n"), places);
        for other in ["gitdir: ../keys/a/b\n", "gitdir: ../main/.git\n", "nothing"] {
            assert!(check(other).is_empty(), "{other}");
        }
        std::fs::remove_file(tree.join(".git")).unwrap();
        std::fs::create_dir(tree.join(".git")).unwrap();
        assert!(repository_elsewhere(&tree).is_empty());
    }
}
