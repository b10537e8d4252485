//! Where things are: the state directory, the configuration file, the workspace root. Not here: making or locking them.
use std::io;
use std::path::{Path, PathBuf};

use crate::config::environment::Variables;
use crate::config::policy::Policies;

/// The product's places of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paths {
    /// Everything durable; one state directory is one agent.
    pub(crate) state_dir: PathBuf,
    /// The user's configuration.
    pub(crate) config_file: PathBuf,
    /// The administrator's policies.
    pub(crate) policies: Policies,
}

/// Why the places are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathsError {
    /// Neither a home nor a directory by name.
    #[error("neither HOME nor {0} is set, so there is no place for {1}")]
    NoHome(&'static str, &'static str),
    /// A relative path would mean another place in every directory.
    #[error("{0} must be an absolute path")]
    Relative(&'static str),
}

impl Paths {
    /// Finds the places from `vars`: `$TENON_STATE_DIR`, else `$XDG_STATE_HOME/tenon`, else `~/.local/state/tenon`; and
    /// `$XDG_CONFIG_HOME/tenon/config.toml`, else `~/.config/tenon/config.toml`.
    ///
    /// Relative XDG variables are ignored, as their specification demands.
    ///
    /// # Errors
    /// There is no home, or `TENON_STATE_DIR` is relative.
    pub(crate) fn from_environment(vars: &Variables) -> Result<Self, PathsError> {
        let absolute = |name: &str| vars.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = absolute("HOME");
        let state_dir = match vars.get("TENON_STATE_DIR").filter(|text| !text.is_empty()).map(PathBuf::from) {
            Some(dir) if dir.is_absolute() => dir,
            Some(_) => return Err(PathsError::Relative("TENON_STATE_DIR")),
            None => absolute("XDG_STATE_HOME")
                .or_else(|| home.as_ref().map(|home| home.join(".local/state")))
                .ok_or(PathsError::NoHome("TENON_STATE_DIR", "the state directory"))?
                .join("tenon"),
        };
        let config_file = absolute("XDG_CONFIG_HOME")
            .or_else(|| home.map(|home| home.join(".config")))
            .ok_or(PathsError::NoHome("XDG_CONFIG_HOME", "the configuration"))?
            .join("tenon/config.toml");
        Ok(Self { state_dir, config_file, policies: Policies::of(vars) })
    }

    /// Returns the directory of what only a running daemon has.
    pub(crate) fn run_dir(&self) -> PathBuf {
        self.state_dir.join("run")
    }

    /// Returns the owner's lock.
    pub(crate) fn lock(&self) -> PathBuf {
        self.state_dir.join("lock")
    }

    /// Returns the stored keys.
    pub(crate) fn credentials(&self) -> PathBuf {
        self.state_dir.join("credentials.json")
    }

    /// Returns the directory of copies of caches.
    pub(crate) fn caches_dir(&self) -> PathBuf {
        self.state_dir.join("caches")
    }

    /// Returns the directory of log files.
    pub(crate) fn log_dir(&self) -> PathBuf {
        self.state_dir.join("log")
    }
}

/// Returns the configuration file of a workspace.
pub(crate) fn workspace_config(root: &Path) -> PathBuf {
    root.join(".tenon/config.toml")
}

/// Returns the workspace root: the nearest ancestor of `directory` (itself included) with `.tenon/` or `.git`, else the
/// directory itself; absolute, links resolved.
///
/// # Errors
/// The directory does not exist or is none.
pub(crate) fn workspace_root(directory: &Path) -> io::Result<PathBuf> {
    let directory = directory.canonicalize()?;
    if !directory.is_dir() {
        return Err(io::Error::from(io::ErrorKind::NotADirectory));
    }
    // `.git` is a file in worktrees and submodules; `.tenon` counts as a directory only.
    let is_root =
        |place: &&Path| place.join(".tenon").is_dir() || place.join(".git").symlink_metadata().is_ok();
    Ok(directory.ancestors().find(is_root).unwrap_or(&directory).to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn paths(vars: &[(&str, &str)]) -> Result<Paths, PathsError> {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Paths::from_environment(&vars)
    }

    #[test]
    fn the_state_directory_is_found_in_order() {
        let all = [("HOME", "/h"), ("XDG_STATE_HOME", "/x"), ("TENON_STATE_DIR", "/t")];
        assert_eq!(paths(&all).unwrap().state_dir, Path::new("/t"));
        assert_eq!(paths(&all[..2]).unwrap().state_dir, Path::new("/x/tenon"));
        let home = paths(&all[..1]).unwrap();
        assert_eq!(home.state_dir, Path::new("/h/.local/state/tenon"));
        assert_eq!(home.lock(), Path::new("/h/.local/state/tenon/lock"));
        assert_eq!(home.config_file, Path::new("/h/.config/tenon/config.toml"));
    }

    #[test]
    fn odd_places_are_refused_or_ignored() {
        let relative = [("HOME", "/h"), ("TENON_STATE_DIR", "t")];
        assert_eq!(paths(&relative), Err(PathsError::Relative("TENON_STATE_DIR")));
        let xdg = paths(&[("HOME", "/h"), ("XDG_STATE_HOME", "x")]).unwrap();
        assert_eq!(xdg.state_dir, Path::new("/h/.local/state/tenon"));
        assert!(matches!(paths(&[]), Err(PathsError::NoHome(..))));
    }

    #[test]
    fn the_root_is_the_nearest_marked_ancestor_with_links_resolved() {
        let temp = tempfile::tempdir().unwrap();
        let top = temp.path().canonicalize().unwrap();
        fs::create_dir_all(top.join("outer/.git")).unwrap();
        fs::create_dir_all(top.join("outer/inner/.tenon")).unwrap();
        fs::create_dir_all(top.join("outer/inner/deep")).unwrap();
        fs::create_dir_all(top.join("plain/deep")).unwrap();
        std::os::unix::fs::symlink(top.join("outer/inner/deep"), top.join("link")).unwrap();
        assert_eq!(workspace_root(&top.join("outer/inner/deep")).unwrap(), top.join("outer/inner"));
        assert_eq!(workspace_root(&top.join("link")).unwrap(), top.join("outer/inner"));
        assert_eq!(workspace_root(&top.join("outer")).unwrap(), top.join("outer"));
        assert!(workspace_root(&top.join("absent")).is_err());
    }
}
