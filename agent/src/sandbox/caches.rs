//! Copies of the caches of package managers, one of each for a workspace, that commands at level 3 write to in place of the
//! person's own. Not here: which folders those are, which is data (`agent/data/caches.toml`), mounting (`process`), and room and
//! age (`kept`).
//!
//! A copy is a layer over the person's cache: what a command writes lies in the state directory, later commands of the workspace
//! find it, and the cache itself is never written. Two commands at one time have two sets of copies, since the kernel lets one
//! layer serve one mount.
pub(in crate::sandbox) mod kept;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use rustix::process::geteuid;
use serde::Deserialize;
use tokio::sync::watch;

use crate::base::digest::Digest;
use crate::process::{Launch, Layer};
use crate::sandbox::capture::{LayerFolder, remove};
use crate::sandbox::environment::child_environment;
use crate::sandbox::hidden::hidden;

/// The file of a workspace's folder that holds its path; written by each command.
const OF: &str = "workspace";

/// How many bytes of digests name a folder.
const NAME_BYTES: usize = 12;

/// The table, `agent/data/caches.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    cache: Vec<Known>,
}

/// A cache that is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    path: PathBuf,
    #[serde(default)]
    moved: Vec<(String, PathBuf)>,
    #[serde(default)]
    fixed: Vec<PathBuf>,
    #[serde(default)]
    secret: Vec<PathBuf>,
}

/// Empty for a table that does not parse: no copy is made then, and caches are asked for. A test reads it.
static TABLE: LazyLock<Table> =
    LazyLock::new(|| toml::from_str(include_str!("../../data/caches.toml")).unwrap_or_default());

/// A cache of the person's of which a command gets a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cache {
    /// The person's own; absolute.
    pub(in crate::sandbox) place: PathBuf,
    /// What in it is never a copy: relative.
    pub(in crate::sandbox) fixed: &'static [PathBuf],
    /// Files in it that are not seen: relative.
    pub(in crate::sandbox) secret: &'static [PathBuf],
    /// Where the copy is said to be until it is known which one it is: nothing is ever there.
    pub(in crate::sandbox) copy: PathBuf,
}

/// The copies of all workspaces.
#[derive(Debug)]
pub(crate) struct Caches {
    folder: PathBuf,
    /// The agent's own folders, which no command sees.
    own: Vec<PathBuf>,
    /// The sets that commands use now: those of all sessions take and return them.
    taken: watch::Sender<BTreeSet<PathBuf>>,
    /// When copies were last looked at for their size.
    swept: watch::Sender<Option<Instant>>,
}

impl Caches {
    /// Takes the folder in which copies lie, made when it is needed, and those that no command sees.
    pub(crate) fn new(folder: PathBuf, own: Vec<PathBuf>) -> Self {
        Self { folder, own, taken: watch::Sender::default(), swept: watch::Sender::default() }
    }

    /// Returns the caches that commands of a workspace get copies of: those of the table that exist and are this user's, and those
    /// of it that are `wanted`, absolute paths, which are made before the command runs. One that lies in the workspace, around it,
    /// or where nothing is seen is left out. Only reads.
    pub(crate) fn of(
        &self,
        workspace: &Path,
        session_env: &BTreeMap<String, String>,
        wanted: &[PathBuf],
    ) -> Vec<Cache> {
        let env = child_environment(session_env);
        let home = env.get("HOME").map(Path::new).filter(|home| home.is_absolute());
        let hidden = hidden(home, &self.own);
        let touches = |place: &Path, other: &Path| place.starts_with(other) || other.starts_with(place);
        let mut found: Vec<Cache> = Vec::new();
        for known in &TABLE.cache {
            let Some(place) = placed(known, &env, home) else { continue };
            let is_wanted = wanted.iter().any(|wanted| touches(wanted, &place));
            let Some(place) = usable(&place, is_wanted) else { continue };
            let is_seen = !hidden.iter().any(|hidden| place.starts_with(hidden.path()));
            if is_seen && !touches(&place, workspace) && !self.own.iter().any(|own| touches(&place, own)) {
                let copy = self.folder.join("none").join(name_of(&place));
                found.push(Cache { place, fixed: &known.fixed, secret: &known.secret, copy });
            }
        }
        found.sort_by(|one, other| one.place.cmp(&other.place));
        found.dedup_by(|next, before| next.place.starts_with(&before.place));
        found
    }

    /// Lays copies out for one command: those that this workspace's commands wrote before, if no other command uses them now.
    /// Blocks.
    ///
    /// # Errors
    /// The disk refuses.
    pub(crate) fn lay(self: &Arc<Self>, workspace: &Path, caches: &[Cache]) -> io::Result<Laid> {
        let folder = self.folder.join(name_of(workspace));
        private(&folder)?;
        fs::write(folder.join(OF), workspace.as_os_str().as_bytes())?;
        let mut laid = Laid { set: self.take(&folder), of: Arc::clone(self), copies: Vec::new() };
        private(&laid.set)?;
        for cache in caches {
            // One that is wanted and not there is made, empty; where that cannot be, the command says what it lacks.
            if !cache.place.is_dir()
                && let Err(error) = fs::create_dir_all(&cache.place)
            {
                tracing::debug!(%error, "the folder of a cache was not made");
                continue;
            }
            let place = laid.set.join(name_of(&cache.place));
            let at = place.join("at");
            let layer = LayerFolder::renew(place)?;
            // A daemon that was killed may have left half of it.
            private(&layer.upper())?;
            for fixed in cache.fixed {
                forget(&layer.upper().join(fixed))?;
            }
            private(&at)?;
            laid.copies.push((cache.copy.clone().into_os_string(), layer.layer_at(cache.place.clone(), at)));
        }
        Ok(laid)
    }

    /// Takes the first set of a workspace that no command uses.
    fn take(&self, folder: &Path) -> PathBuf {
        let mut number = 0_usize;
        loop {
            let set = folder.join(number.to_string());
            if self.take_it(&set) {
                return set;
            }
            number += 1;
        }
    }

    /// Takes a set that is known, unless a command uses it.
    fn take_it(&self, set: &Path) -> bool {
        self.taken.send_if_modified(|taken| taken.insert(set.to_owned()))
    }

    fn give_back(&self, set: &Path) {
        self.taken.send_if_modified(|taken| taken.remove(set));
    }
}

/// The copies that one command uses, until this is dropped.
#[derive(Debug)]
#[must_use = "another command gets these copies once it is dropped"]
pub(crate) struct Laid {
    set: PathBuf,
    of: Arc<Caches>,
    /// Each under the name that it had in the launch.
    copies: Vec<(OsString, Layer)>,
}

impl Laid {
    /// Gives the copies to a launch that was made for these caches.
    pub(crate) fn give(&self, launch: &mut Launch) {
        let Some(helper) = &mut launch.helper else { return };
        for (name, layer) in &self.copies {
            for word in helper.through.iter_mut().filter(|word| *word == name) {
                *word = layer.at.clone().into_os_string();
            }
            launch.beside.push(layer.clone());
        }
    }
}

impl Cache {
    /// Tells whether it is a folder, or lies in it.
    pub(crate) fn is_in(&self, folder: &Path) -> bool {
        self.place.starts_with(folder)
    }

    /// Tells whether a need to write there is met by the copy.
    pub(crate) fn meets(&self, need: &Path) -> bool {
        need.starts_with(&self.place) || self.place.starts_with(need)
    }
}

impl Drop for Laid {
    fn drop(&mut self) {
        self.of.give_back(&self.set);
    }
}

/// Returns where a cache is said to be.
fn placed(known: &Known, env: &BTreeMap<String, String>, home: Option<&Path>) -> Option<PathBuf> {
    let moved = known.moved.iter().find_map(|(variable, inner)| {
        let value = env.get(variable).map(Path::new).filter(|value| value.is_absolute())?;
        Some(value.join(inner).components().collect())
    });
    moved.or_else(|| Some(home?.join(&known.path)))
}

/// Returns the real path of a cache that this user may write; of one that is to be made, its own.
fn usable(place: &Path, is_wanted: bool) -> Option<PathBuf> {
    let Ok(real) = place.canonicalize() else {
        return if is_wanted { future(place) } else { None };
    };
    let user = geteuid();
    let is_own = |found: fs::Metadata| found.is_dir() && (user.is_root() || found.uid() == user.as_raw());
    // Nothing so close to the root is a cache.
    let is_deep = real.components().count() > 2;
    (is_deep && real.metadata().is_ok_and(is_own)).then_some(real)
}

/// Returns the real path of what is not there and could be made. A link that leads nowhere is nothing that could.
fn future(place: &Path) -> Option<PathBuf> {
    let (there, real) = place.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)))?;
    let rest = place.strip_prefix(there).ok()?;
    let next = there.join(rest.components().next()?);
    next.symlink_metadata().is_err().then(|| real.join(rest))
}

fn name_of(path: &Path) -> String {
    let digest = Digest::of(path.as_os_str().as_bytes()).to_string();
    digest.chars().take(2 * NAME_BYTES).collect()
}

fn private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Removes what an earlier command put in the place of something that is no cache.
fn forget(place: &Path) -> io::Result<()> {
    match fs::symlink_metadata(place) {
        Ok(found) if found.is_dir() => remove(place),
        Ok(_) => fs::remove_file(place),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
