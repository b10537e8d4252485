//! What a command needs beyond its confinement, as it is asked for, shown and bound to an approval. Not here: whether it may
//! have it (`approvals`), and what follows at which level (`launch`).
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::config::protected::is_protected;

/// The most paths or hosts of one command: what no person would read is no question.
pub(crate) const NEEDS_MAX: usize = 12;

/// The longest path or host, in bytes.
const NEED_BYTES_MAX: usize = 512;

/// Folders of the machine that no command is given, whatever it needs.
const NEVER: [&str; 4] = ["/proc", "/sys", "/dev", "/run"];

/// What a command needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// What it writes beside the workspace's ordinary files: paths relative to the workspace, beneath the home as `~/…`, or
    /// absolute.
    pub(crate) write: BTreeSet<String>,
    /// Hosts, in lower case.
    pub(crate) net: BTreeSet<String>,
}

/// What is known of a command before it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Foreseen {
    /// What it needs.
    pub(crate) needs: Needs,
    /// Caches that it writes, told as needs are: needs themselves where it gets no copies.
    pub(crate) caches: BTreeSet<String>,
}

/// A need that cannot be granted as it is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NeedError {
    /// No path, or one that leads up.
    #[error(
        "`needs.write`: {0:?} is no path: write it relative to the workspace, as ~/…, or absolute, without `..`"
    )]
    Path(String),
    /// A path that is nobody's to give.
    #[error("`needs.write`: {0} is too much to be given: name the file or folder that is written")]
    TooWide(String),
    /// More than a person reads.
    #[error("`needs` names more than {NEEDS_MAX} paths or hosts")]
    TooMany,
}

impl Needs {
    /// Returns the needs as rules name them: `write:PATH`, `net:HOST`.
    pub(crate) fn texts(&self) -> Vec<String> {
        let write = self.write.iter().map(|path| format!("write:{path}"));
        write.chain(self.net.iter().map(|host| format!("net:{host}"))).collect()
    }

    /// Returns these and others.
    ///
    /// # Errors
    /// Together they are too many.
    pub(crate) fn and(mut self, other: Self) -> Result<Self, NeedError> {
        self.write.extend(other.write);
        self.net.extend(other.net);
        let is_fit = self.write.len() <= NEEDS_MAX && self.net.len() <= NEEDS_MAX;
        if is_fit { Ok(self) } else { Err(NeedError::TooMany) }
    }

    /// Returns the absolute path of each need to write, for the sandbox. What git records about the history every command may
    /// write, and the rest of `.git` is asked about when it has been written: that folder is not opened.
    pub(crate) fn writable(&self, root: &Path, home: Option<&str>) -> Vec<PathBuf> {
        let opened = self.write.iter().filter(|path| *path != ".git");
        opened.filter_map(|path| absolute(path, root, home)).collect()
    }

    /// Returns whether a path of the workspace is one of those to write, or beneath one.
    pub(crate) fn covers(&self, path: &str) -> bool {
        let is_beneath =
            |need: &String| path.strip_prefix(need.as_str()).is_some_and(|rest| rest.starts_with('/'));
        self.write.iter().any(|need| need == path || is_beneath(need))
    }
}

/// Returns the absolute path of a path as needs name it, links resolved where it exists; `None` beneath a home that is not known.
pub(crate) fn absolute(path: &str, root: &Path, home: Option<&str>) -> Option<PathBuf> {
    let place = match path.strip_prefix("~/") {
        Some(rest) => Path::new(home?).join(rest),
        None => root.join(path),
    };
    Some(place.canonicalize().unwrap_or(place))
}

/// Returns a path as needs name it; `None` for one of the workspace's ordinary files, which every command may write.
///
/// # Errors
/// It is no path, or too wide.
pub(crate) fn needed_path(text: &str, root: &Path, home: Option<&str>) -> Result<Option<String>, NeedError> {
    let wrong = || NeedError::Path(text.chars().take(80).collect());
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.len() > NEED_BYTES_MAX || trimmed.contains(|c: char| c.is_control()) {
        return Err(wrong());
    }
    let home = home.map(Path::new).filter(|home| home.is_absolute());
    let absolute = match trimmed.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            home.ok_or_else(wrong)?.join(rest.trim_start_matches('/'))
        }
        Some(_) => return Err(wrong()),
        None => root.join(trimmed),
    };
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::RootDir);
    // `.` is passed over by the standard library already.
    if !absolute.components().all(is_plain) {
        return Err(wrong());
    }
    let absolute: PathBuf = absolute.components().collect();
    let shown = |path: &Path| path.to_str().map(str::to_owned).ok_or_else(wrong);
    if let Ok(inner) = absolute.strip_prefix(root) {
        let inner = shown(inner)?;
        return Ok(Some(inner).filter(|inner| is_protected(inner)));
    }
    let too_wide = || NeedError::TooWide(absolute.display().to_string());
    let is_above = |place: &Path| place.starts_with(&absolute);
    if is_above(root) || home.is_some_and(is_above) || NEVER.iter().any(|never| absolute.starts_with(never)) {
        return Err(too_wide());
    }
    match home.and_then(|home| absolute.strip_prefix(home).ok()) {
        Some(inner) => Ok(Some(format!("~/{}", shown(inner)?))),
        None if absolute.components().count() <= 2 => Err(too_wide()),
        None => shown(&absolute).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Option<String>, NeedError> {
        needed_path(text, Path::new("/users/u/project"), Some("/users/u"))
    }

    #[test]
    fn paths_are_told_one_way() {
        let is = |text: &str| Ok(Some(text.to_owned()));
        for git in [".git", "./.git/", "/users/u/project/.git", "~/project/.git"] {
            assert_eq!(check(git), is(".git"), "{git}");
        }
        assert_eq!(check("~/.cargo"), is("~/.cargo"));
        assert_eq!(check("/users/u/.cargo/registry"), is("~/.cargo/registry"));
        assert_eq!(check("/opt/cache"), is("/opt/cache"));
        // The workspace's ordinary files are anybody's.
        assert_eq!(check("src/a.rs"), Ok(None));
        assert_eq!(check("."), Ok(None));
    }

    #[test]
    fn what_nobody_could_judge_is_no_need() {
        for wide in
            ["/", "~", "/users", "/users/u", "/usr", "/etc", "/proc/self", "/dev/shm", "/run/user/1000"]
        {
            assert!(matches!(check(wide), Err(NeedError::TooWide(_))), "{wide}: {:?}", check(wide));
        }
        for wrong in ["", " ", "../x", "~/../v", "~v/x", "a\nb", "/opt/../etc/x"] {
            assert!(matches!(check(wrong), Err(NeedError::Path(_))), "{wrong}: {:?}", check(wrong));
        }
    }

    #[test]
    fn what_is_beneath_a_need_is_covered() {
        let needs = Needs { write: [".git".to_owned()].into(), ..Needs::default() };
        assert!(needs.covers(".git") && needs.covers(".git/index"));
        assert!(!needs.covers(".gitignore") && !needs.covers("a/.git"));
        assert_eq!(needs.texts(), ["write:.git"]);
        assert!(needs.writable(Path::new("/w"), None).is_empty());
        let needs = Needs { write: ["~/.x/y".to_owned(), ".idea".to_owned()].into(), ..Needs::default() };
        assert_eq!(
            needs.writable(Path::new("/w"), Some("/h")),
            [Path::new("/w/.idea"), Path::new("/h/.x/y")]
        );
    }
}
