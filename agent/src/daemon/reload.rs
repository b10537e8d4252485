//! Hot reload: files of the configuration that change are read again, and the `all` log tells. Not here: what is in force
//! (`config::files`), and when a session takes it (its next turn).
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tenon_protocol::auth::AuthState;
use tenon_protocol::error::RpcError;
use tenon_protocol::event::EventBody;
use tenon_protocol::event::all::{AuthChanged, ConfigChanged, ConfigRejected, Notice};
use tokio::sync::{Semaphore, watch};

use crate::config::credentials::Credentials;
use crate::config::files::{Good, Seen};
use crate::daemon::Daemon;
use crate::workspace::watch::Watcher;

/// How long is waited behind a change for more of it: an editor saves in several steps.
const SETTLING: Duration = Duration::from_millis(50);

/// What was told of the files.
#[derive(Debug)]
pub(crate) struct Told {
    /// The version of each file that was told last.
    versions: watch::Sender<BTreeMap<PathBuf, u64>>,
    /// The stored keys as they were told last; before that, as they were found.
    keys: watch::Sender<Option<Arc<Credentials>>>,
    /// What the files said when there was told last what they offer; before that, as they were found.
    pub(in crate::daemon) offered: watch::Sender<Option<Good>>,
    /// The event that told something last.
    last: watch::Sender<Option<u64>>,
    /// One tells at a time, so that nothing is told twice.
    turn: Semaphore,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            versions: watch::Sender::default(),
            keys: watch::Sender::default(),
            offered: watch::Sender::default(),
            last: watch::Sender::default(),
            turn: Semaphore::new(1),
        }
    }
}

impl Daemon {
    /// Keeps the configuration as its files are, until it is dropped. Waits without waking up.
    pub(crate) async fn keep_configuration(&self) {
        let files = &self.0.resources.files;
        let (mut changes, mut texts) = (files.changes(), self.0.texts.changes());
        let mut trusted = self.0.resources.standing.trusted.subscribe();
        self.keep_texts(None);
        // Read once, so that there is something to compare with; what is wrong is told below.
        let _wrong = files.look(None);
        let mut watcher = Watcher::new()
            .inspect_err(|error| tracing::warn!(%error, "changes of the configuration are only seen when they are needed"))
            .ok();
        loop {
            changes.mark_unchanged();
            texts.mark_unchanged();
            trusted.mark_unchanged();
            if let Some(watcher) = &mut watcher {
                let watched: Vec<PathBuf> = files.seen().into_iter().map(|seen| seen.file).collect();
                watcher.watch(&watched, &self.0.texts.folders());
            }
            files.look_at_all();
            if let Err(error) = self.tell_configuration().await {
                tracing::warn!(%error, "a change of the configuration could not be told");
            }
            if let Err(error) = self.tell_texts().await {
                tracing::warn!(%error, "a change of the commands and skills could not be told");
            }
            tokio::select! {
                told = changed(watcher.as_mut()) => if let Err(error) = told {
                    tracing::warn!(%error, "the configuration is watched no more");
                    watcher = None;
                },
                // The senders live as long as the daemon.
                _ = changes.changed() => {}
                _ = texts.changed() => {}
                _ = trusted.changed() => {}
            }
            self.0.resources.clock.sleep(SETTLING).await;
        }
    }

    /// Tells the `all` log what has changed since it was told last; when this returns, it is there, at the latest in the event
    /// that is returned, whoever told it.
    pub(crate) async fn tell_configuration(&self) -> Result<Option<u64>, RpcError> {
        let told = &self.0.told;
        let Ok(_turn) = told.turn.acquire().await else { return Ok(None) };
        let mut last = self.tell_keys().await?;
        for seen in self.0.resources.files.seen() {
            let known = told.versions.borrow().get(&seen.file).copied().unwrap_or(0);
            if seen.version != known {
                // Of keys that were taken, the providers were told above.
                if seen.wrong.is_some() || seen.file != self.0.resources.files.credentials_file() {
                    last = Some(self.machine(event(&seen), Vec::new()).await?);
                    for message in self.0.resources.files.warnings_of(&seen.file) {
                        let notice = Notice { kind: "config".to_owned(), message };
                        last = Some(self.machine(notice.into(), Vec::new()).await?);
                    }
                }
                told.versions.send_modify(|versions| {
                    versions.insert(seen.file, seen.version);
                });
            }
        }
        if last.is_some() || told.offered.borrow().is_none() {
            last = self.tell_offered().await?.or(last);
        }
        if last.is_some() {
            told.last.send_replace(last);
        }
        Ok(*told.last.borrow())
    }

    async fn tell_keys(&self) -> Result<Option<u64>, RpcError> {
        let now = self.0.resources.files.credentials();
        let earlier = self.0.told.keys.borrow().clone();
        let changes = earlier.map(|earlier| now.changes_since(&earlier)).unwrap_or_default();
        let mut last = None;
        for (provider, stored) in changes {
            let state = if stored { AuthState::LoggedIn } else { AuthState::LoggedOut };
            last = Some(self.machine(AuthChanged { provider, state }.into(), Vec::new()).await?);
        }
        self.0.told.keys.send_replace(Some(now));
        Ok(last)
    }
}

async fn changed(watcher: Option<&mut Watcher>) -> std::io::Result<()> {
    match watcher {
        Some(watcher) => watcher.changed().await,
        None => std::future::pending().await,
    }
}

fn event(seen: &Seen) -> EventBody {
    match rejected(seen) {
        Some(rejected) => rejected.into(),
        None => ConfigChanged { file: seen.file.display().to_string() }.into(),
    }
}

/// Returns why what a file says was not taken, as clients are told.
pub(crate) fn rejected(seen: &Seen) -> Option<ConfigRejected> {
    let wrong = seen.wrong.as_ref()?;
    let line = wrong.line().and_then(|line| u64::try_from(line).ok());
    Some(ConfigRejected { file: seen.file.display().to_string(), error: wrong.to_string(), line })
}
