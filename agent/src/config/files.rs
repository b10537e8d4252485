//! The files of the configuration and the stored keys, each with what was last good in it. Not here: when they are looked
//! at (`daemon::reload`, and every prompt).
//!
//! A look reads a file again and compares its text: that is exact whatever an editor does to time stamps and links, and
//! costs some microseconds a prompt. What a look saves is everything behind the reading.
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::config::credentials::Credentials;
use crate::config::environment::Variables;
use crate::config::error::{ConfigError, Place, Warning};
use crate::config::layer::Source;
use crate::config::paths::{Paths, workspace_config};
use crate::config::resolve::Layers;

/// How often, and after which pause each, a file that has lost its text is read again: an editor that is saving it empties
/// it or moves it away first, and what was in force must not be off for that moment.
const SAVING: (u32, Duration) = (10, Duration::from_millis(5));

/// Workspaces whose files are remembered; one more forgets another, which is read as if for the first time.
const WORKSPACES_MAX: usize = 256;

/// Warnings that are remembered; more is a program that writes files.
const WARNINGS_MAX: usize = 1_000;

/// What is in force now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Good {
    /// The user's file.
    pub(crate) user: Option<Source>,
    /// The workspace's file.
    pub(crate) workspace: Option<Source>,
    /// The stored keys.
    pub(crate) credentials: Arc<Credentials>,
    /// The administrator's policies.
    pub(crate) policies: Vec<Source>,
}

impl Good {
    /// Returns the layers, with the variables of a client on top.
    pub(crate) fn layers(&self, variables: &Variables) -> Layers {
        let (user, workspace) = (self.user.clone(), self.workspace.clone());
        Layers { user, workspace, environment: variables.clone(), policies: self.policies.clone() }
    }
}

/// A file as it is now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// The file.
    pub(crate) file: PathBuf,
    /// Rises with each change of its content.
    pub(crate) version: u64,
    /// Why what it says was not taken.
    pub(crate) wrong: Option<ConfigError>,
}

/// The files. Shared by everyone who works with the configuration.
#[derive(Debug)]
pub(crate) struct Files {
    paths: Paths,
    #[expect(
        clippy::disallowed_types,
        reason = "sessions look at files of their own; held while some small files are read"
    )]
    known: std::sync::Mutex<Known>,
    /// Rises with each change that was seen.
    version: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Known {
    /// The warnings that were told, so that each is told once.
    told: BTreeSet<String>,
    user: Kept<Option<Source>>,
    workspaces: BTreeMap<PathBuf, Kept<Option<Source>>>,
    credentials: Kept<Arc<Credentials>>,
}

/// What is known of one file.
#[derive(Debug)]
struct Kept<T> {
    /// What was read last.
    seen: Option<Result<T, ConfigError>>,
    /// The last of it that was valid.
    good: Option<T>,
    wrong: Option<ConfigError>,
    version: u64,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { seen: None, good: None, wrong: None, version: 0 }
    }
}

impl<T: Clone + PartialEq> Kept<T> {
    /// Takes what was read; returns whether that is a change of what was known.
    fn take(
        &mut self,
        read: Result<T, ConfigError>,
        check: impl FnOnce(&T) -> Result<(), ConfigError>,
    ) -> bool {
        if self.seen.as_ref() == Some(&read) {
            return false;
        }
        let first = self.seen.replace(read.clone()).is_none();
        match read.and_then(|value| check(&value).map(|()| value)) {
            Ok(value) => (self.good, self.wrong) = (Some(value), None),
            Err(error) => self.wrong = Some(error),
        }
        let told = !first || self.wrong.is_some();
        self.version += u64::from(told);
        told
    }

    /// Returns what is in force; an error only where nothing was good yet.
    fn good(&self) -> Result<T, ConfigError>
    where
        T: Default,
    {
        match (&self.good, &self.wrong) {
            (Some(good), _) => Ok(good.clone()),
            (None, Some(wrong)) => Err(wrong.clone()),
            (None, None) => Ok(T::default()),
        }
    }

    fn seen(&self, file: PathBuf) -> Seen {
        Seen { file, version: self.version, wrong: self.wrong.clone() }
    }
}

impl Kept<Option<Source>> {
    /// Reads the file, and waits for one that is just being saved.
    fn read(&self, file: &Path) -> Result<Option<Source>, ConfigError> {
        self.settled(|| Source::read(file), || std::thread::sleep(SAVING.1))
    }

    /// Reads until there is a text, where there was one before; not for long, for an empty file is a valid one.
    fn settled<E>(
        &self,
        read: impl Fn() -> Result<Option<Source>, E>,
        mut pause: impl FnMut(),
    ) -> Result<Option<Source>, E> {
        let has_text =
            |source: &Option<Source>| source.as_ref().is_some_and(|source| !source.text.is_empty());
        let had_text = self.seen.as_ref().is_some_and(|seen| seen.as_ref().map_or(true, has_text));
        for _ in 0..if had_text { SAVING.0 } else { 0 } {
            let found = read()?;
            if has_text(&found) {
                return Ok(found);
            }
            pause();
        }
        read()
    }
}

impl Files {
    /// Knows nothing yet: the first look reads.
    #[expect(clippy::disallowed_types, reason = "see the field")]
    pub(crate) fn new(paths: Paths) -> Self {
        Self { paths, known: std::sync::Mutex::default(), version: watch::Sender::new(0) }
    }

    /// Returns the user's file.
    pub(crate) fn user_file(&self) -> &Path {
        &self.paths.config_file
    }

    /// Returns the file of the stored keys.
    pub(crate) fn credentials_file(&self) -> PathBuf {
        self.paths.credentials()
    }

    /// Returns the stored keys that are in force.
    pub(crate) fn credentials(&self) -> Arc<Credentials> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.credentials.good().unwrap_or_default()
    }

    /// Returns a receiver that is woken when a look has found a change.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// Reads the files again and returns what is in force. `workspace` is the root of one that is trusted.
    ///
    /// # Errors
    /// A file is not valid, and never was.
    pub(crate) fn look(&self, workspace: Option<&Path>) -> Result<Good, ConfigError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = self.look_at_users(&mut known);
        if let Some(root) = workspace {
            changed |= known.look_at_workspace(root);
        }
        let own = workspace.and_then(|root| known.workspaces.get(root));
        let good = Good {
            user: known.user.good()?,
            workspace: own.map_or(Ok(None), Kept::good)?,
            // Without keys everything else still works; the error is told as a change of the file.
            credentials: known.credentials.good().unwrap_or_default(),
            // One that does not count must not be got around by what was good before.
            policies: self.paths.policies.read()?,
        };
        drop(known);
        self.tell(changed);
        Ok(good)
    }

    /// Reads again every file that anybody has looked at.
    pub(crate) fn look_at_all(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = self.look_at_users(&mut known);
        let roots: Vec<PathBuf> = known.workspaces.keys().cloned().collect();
        for root in roots {
            changed |= known.look_at_workspace(&root);
        }
        drop(known);
        self.tell(changed);
    }

    /// Returns every file that anybody has looked at, whether or not it exists.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let own = [
            known.user.seen(self.paths.config_file.clone()),
            known.credentials.seen(self.paths.credentials()),
        ];
        let workspaces = known.workspaces.iter().map(|(root, kept)| kept.seen(workspace_config(root)));
        own.into_iter().chain(workspaces).collect()
    }

    /// Returns what of these warnings was not told before; from now on it was.
    pub(crate) fn untold(&self, warnings: &[Warning]) -> Vec<String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.told.len() > WARNINGS_MAX {
            known.told.clear();
        }
        let texts = warnings.iter().map(ToString::to_string);
        texts.filter(|text| known.told.insert(text.clone())).collect()
    }

    /// Returns what is to be warned of in a file that has changed, now and not before the change.
    pub(crate) fn warnings_of(&self, file: &Path) -> Vec<String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let user = known.user.good.clone().flatten();
        let workspace = known.workspaces.iter().find(|(root, _)| workspace_config(root) == file);
        let workspace = workspace.and_then(|(_, kept)| kept.good.clone().flatten());
        let is_here =
            |warning: &Warning| matches!(&warning.place, Place::Line { file: at, .. } if at == file);
        let resolved = Layers { user, workspace, ..Layers::default() }.resolve();
        let warnings = resolved.map(|resolved| resolved.warnings).unwrap_or_default();
        let present: Vec<Warning> = warnings.into_iter().filter(is_here).collect();
        // What was mended and is wrong again is told again.
        let beginning = format!("{}:", file.display());
        let texts: BTreeSet<String> = present.iter().map(ToString::to_string).collect();
        known.told.retain(|text| !text.starts_with(&beginning) || texts.contains(text));
        drop(known);
        self.untold(&present)
    }

    /// Forgets the file of a workspace that is trusted no more.
    pub(crate) fn forget(&self, workspace: &Path) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).workspaces.remove(workspace);
    }

    fn look_at_users(&self, known: &mut Known) -> bool {
        let user = known.user.read(&self.paths.config_file);
        let of_user = known.user.take(user, |source| valid(source.clone(), None));
        let file = self.paths.credentials();
        let credentials = Credentials::read(&file).map(Arc::new).map_err(|error| ConfigError {
            place: Some(Place::Line { file, line: error.line() }),
            key: String::new(),
            message: error.to_string(),
            allowed: None,
        });
        known.credentials.take(credentials, |_| Ok(())) | of_user
    }

    fn tell(&self, changed: bool) {
        if changed {
            self.version.send_modify(|version| *version += 1);
        }
    }
}

impl Known {
    fn look_at_workspace(&mut self, root: &Path) -> bool {
        if self.workspaces.len() >= WORKSPACES_MAX && !self.workspaces.contains_key(root) {
            self.workspaces.pop_first();
        }
        let user = self.user.good.clone().flatten();
        let kept = self.workspaces.entry(root.to_owned()).or_default();
        let read = kept.read(&workspace_config(root));
        kept.take(read, |source| valid(user, source.clone()))
    }
}

/// Checks a file by itself: without what some client's variables say.
fn valid(user: Option<Source>, workspace: Option<Source>) -> Result<(), ConfigError> {
    Layers { user, workspace, ..Layers::default() }.resolve().map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::policy::Policies;

    fn model(files: &Files) -> Option<String> {
        let layers = Layers { user: files.look(None).unwrap().user, ..Layers::default() };
        layers.resolve().unwrap().config.model
    }

    #[test]
    fn the_last_good_text_stays_in_force_and_every_change_is_seen_once() {
        let temp = tempfile::tempdir().unwrap();
        let (state_dir, config_file) = (temp.path().to_owned(), temp.path().join("config.toml"));
        let paths = Paths { state_dir, config_file, policies: Policies::of(&Variables::new()) };
        let files = Files::new(paths.clone());
        let changes = files.changes();
        let versions = || *changes.borrow();
        assert_eq!((model(&files), versions()), (None, 0));
        fs::write(&paths.config_file, "model = \"a/b\"\n").unwrap();
        assert_eq!((model(&files), versions()), (Some("a/b".to_owned()), 1));
        assert_eq!((model(&files), versions()), (Some("a/b".to_owned()), 1));
        fs::write(&paths.config_file, "\nmodel = 7\n").unwrap();
        assert_eq!((model(&files), versions()), (Some("a/b".to_owned()), 2));
        let wrong = files.seen()[0].wrong.clone().unwrap();
        assert_eq!((wrong.line(), wrong.file()), (Some(2), Some(&paths.config_file)));
        fs::remove_file(&paths.config_file).unwrap();
        assert_eq!((model(&files), versions()), (None, 3));
        assert_eq!(files.seen()[0].wrong, None);
    }

    #[test]
    fn a_file_that_is_just_being_saved_is_not_taken_for_an_empty_one() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("config.toml");
        let read = || Source::read(&file);
        let text = |read: Result<Option<Source>, ConfigError>| read.unwrap().map(|source| source.text);
        let mut kept = Kept::<Option<Source>>::default();
        assert_eq!(text(kept.settled(read, || unreachable!("there was no text"))), None);
        fs::write(&file, "first").unwrap();
        kept.take(read(), |_| Ok(()));
        fs::write(&file, "").unwrap();
        assert_eq!(
            text(kept.settled(read, || fs::write(&file, "second").unwrap())),
            Some("second".to_owned())
        );
        fs::remove_file(&file).unwrap();
        assert_eq!(text(kept.settled(read, || fs::write(&file, "third").unwrap())), Some("third".to_owned()));
        fs::write(&file, "").unwrap();
        let mut pauses = 0;
        assert_eq!(text(kept.settled(read, || pauses += 1)), Some(String::new()), "it stays empty");
        assert_eq!(pauses, SAVING.0);
    }

    #[test]
    fn a_file_that_was_never_good_is_an_error() {
        let temp = tempfile::tempdir().unwrap();
        let (state_dir, config_file) = (temp.path().to_owned(), temp.path().join("config.toml"));
        let paths = Paths { state_dir, config_file, policies: Policies::of(&Variables::new()) };
        fs::write(&paths.config_file, "profile = \"nobody\"\n").unwrap();
        let files = Files::new(paths);
        assert_eq!(files.look(None).unwrap_err().line(), Some(1));
        assert_eq!(files.seen()[0].version, 1);
    }
}
