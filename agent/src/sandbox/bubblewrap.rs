//! The arguments of bubblewrap: what a command at level 3 sees of the file system, and the namespaces it lives in. Not here: the
//! layer over the workspace, which is mounted before (`process`), and what the helper does inside (`confine`).
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::config::protected::is_protected;
use crate::sandbox::caches::Cache;
use crate::sandbox::confinement::Confinement;
use crate::sandbox::hidden::Hidden;
use crate::workspace::path::RelPath;
use crate::workspace::repository::{Part, part};

/// How the program is called.
const NAME: &str = "bwrap";

/// Where it is looked for beside the agent's own `PATH`.
const PLACES: [&str; 4] = ["/usr/bin", "/usr/local/bin", "/bin", "/run/current-system/sw/bin"];

/// Folders of the workspace's root in which only some names are protected.
const OUTER: [&str; 2] = [".cargo", ".github"];

/// Entries of a folder that are looked at for protected names; what lies behind them is withheld when the command ends.
const ENTRIES_MAX: usize = 20_000;

/// Finds the program, in the folders that a system installs programs to, then in `path`.
pub(in crate::sandbox) fn find(path: &str) -> Option<PathBuf> {
    let folders = PLACES.iter().copied().chain(path.split(':').filter(|folder| folder.starts_with('/')));
    folders.map(|folder| Path::new(folder).join(NAME)).find(|program| is_program(program))
}

/// Whether something can be started.
fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// What a command is shown, beyond its confinement.
#[derive(Clone, Copy, Debug)]
pub(in crate::sandbox) struct View<'a> {
    /// What it does not see.
    pub(in crate::sandbox) hidden: &'a [Hidden],
    /// Folders that it sees as they are although they lie in `/tmp`.
    pub(in crate::sandbox) kept: &'a [PathBuf],
    /// Caches in whose places it sees copies.
    pub(in crate::sandbox) caches: &'a [Cache],
}

/// Returns the program with its arguments; the words of what it starts come behind them.
pub(in crate::sandbox) fn words(program: &Path, confinement: &Confinement, view: View<'_>) -> Vec<OsString> {
    let mut words = Words(vec![program.as_os_str().to_owned()]);
    words.flags(&["--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--as-pid-1"]);
    // The helper must be the first to lose what is left of the privileges, and says so if it cannot.
    words.flags(&["--clearenv", "--cap-drop", "ALL"]);
    let workspace = confinement.workspace.as_path();
    let is_everything = workspace.parent().is_none();
    words.mount(if is_everything { "--bind" } else { "--ro-bind" }, Path::new("/"));
    words.flags(&["--dev", "/dev", "--proc", "/proc"]);
    if let Some(bytes) = confinement.tmp_bytes {
        words.flags(&["--size", &bytes.to_string()]);
    }
    words.flags(&["--perms", "1777", "--tmpfs", "/tmp"]);
    for kept in view.kept {
        words.mount("--ro-bind-try", kept);
    }
    // The workspace may lie in what is hidden, or around it.
    let (around, within): (Vec<_>, Vec<_>) =
        view.hidden.iter().partition(|hidden| workspace.starts_with(hidden.path()));
    for hidden in around {
        words.hide(hidden);
    }
    if !is_everything {
        words.mount("--bind", workspace);
    }
    for cache in view.caches {
        words.copy(cache);
    }
    let is_granted = |hidden: &Hidden| confinement.writable.iter().any(|path| path == hidden.path());
    let within: Vec<_> = within.into_iter().filter(|hidden| !is_granted(hidden)).collect();
    for hidden in &within {
        words.hide(hidden);
    }
    for writable in &confinement.writable {
        words.mount("--bind-try", writable);
        // Whoever is given a folder is not given the secrets in it.
        for hidden in within.iter().filter(|hidden| hidden.path().starts_with(writable)) {
            words.hide(hidden);
        }
    }
    protect(&mut words, workspace, &confinement.writable);
    words.0
}

/// Makes protected paths that are there read-only, but for those that are granted. The repository's own folder becomes a mount, so
/// that it cannot be moved away; in it git keeps its records.
fn protect(words: &mut Words, workspace: &Path, writable: &[PathBuf]) {
    let is_granted = |path: &Path| writable.iter().any(|granted| path.starts_with(granted));
    let repository = workspace.join(".git");
    if !is_granted(&repository) && is_folder(&repository) {
        words.mount("--bind-try", &repository);
        for name in names(&repository) {
            let path = RelPath::parse(format!(".git/{name}"));
            if path.is_ok_and(|path| part(&path) == Some(Part::Control)) {
                words.protect(&repository.join(name), &is_granted);
            }
        }
    }
    for name in names(workspace) {
        let place = workspace.join(&name);
        if OUTER.contains(&name.as_str()) {
            let inner = names(&place).into_iter().filter(|inner| is_protected(&format!("{name}/{inner}")));
            for inner in inner {
                words.protect(&place.join(inner), &is_granted);
            }
        } else if is_protected(&name) && place != repository {
            words.protect(&place, &is_granted);
        }
    }
    if !is_folder(&repository) {
        words.protect(&repository, &is_granted);
    }
}

fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Returns the names in a folder that are text; no protected name is anything else.
fn names(folder: &Path) -> Vec<String> {
    if !is_folder(folder) {
        return Vec::new();
    }
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(ENTRIES_MAX);
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

struct Words(Vec<OsString>);

impl Words {
    fn flags(&mut self, flags: &[&str]) {
        self.0.extend(flags.iter().map(OsString::from));
    }

    /// Mounts a place onto itself.
    fn mount(&mut self, how: &str, place: &Path) {
        self.0.extend([OsString::from(how), place.into(), place.into()]);
    }

    /// Shows the copy of a cache in its place. Without a copy, which is not there then, the cache is read-only like all else.
    fn copy(&mut self, cache: &Cache) {
        self.0.extend([OsString::from("--bind-try"), cache.copy.clone().into(), cache.place.clone().into()]);
        for fixed in cache.fixed {
            self.mount("--ro-bind-try", &cache.place.join(fixed));
        }
        for secret in cache.secret.iter().map(|secret| cache.place.join(secret)) {
            if secret.is_file() {
                self.hide(&Hidden::File(secret));
            }
        }
    }

    fn hide(&mut self, hidden: &Hidden) {
        match hidden {
            Hidden::Folder(path) => self.0.extend([OsString::from("--tmpfs"), path.into()]),
            Hidden::File(path) => {
                self.0.extend([OsString::from("--ro-bind"), "/dev/null".into(), path.into()]);
            }
        }
    }

    /// A link is a name alone, and nothing can be mounted on it: that it was written is found when the command ends.
    fn protect(&mut self, place: &Path, is_granted: &dyn Fn(&Path) -> bool) {
        let is_link = fs::symlink_metadata(place).is_ok_and(|metadata| metadata.is_symlink());
        if place.exists() && !is_link && !is_granted(place) {
            self.mount("--ro-bind-try", place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_started_is_not_found() {
        let (text, program) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (folder, mode) in [(&text, 0o644), (&program, 0o755)] {
            let file = folder.path().join("tool");
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_program(&file), mode == 0o755);
        }
        assert!(!is_program(text.path()) && !is_program(&text.path().join("absent")));
    }
}
