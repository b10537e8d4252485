//! Sessions of which nothing is kept: they live while a client is there that opened or observes them, and are deleted then. What
//! a daemon could not delete, because it was killed, the next one deletes before anybody can ask. Not here: what such a session
//! does, which is what any does.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::Duration;

use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::ids::SessionId;
use tenon_protocol::open::{CloseHow, SeqResult};
use tenon_protocol::prompt::InterruptParams;
use tokio::sync::Notify;

use crate::daemon::Daemon;
use crate::journal::{Batch, ItemKind, LogId};
use crate::session::command::Command;
use crate::session::load::ephemeral_item;

#[expect(clippy::disallowed_types, reason = "guards a map for a look-up; never held across an await")]
type Lock<T> = std::sync::Mutex<T>;

/// Ephemeral sessions that are looked for at a start; a daemon has as many as it has clients.
const LEFT_BEHIND_MAX: usize = 10_000;

/// How long the clients of a session that was handed over may take to come back: as long as one looks for the next agent.
const RETURN_TIMEOUT: Duration = Duration::from_secs(30);

/// The ephemeral sessions there are, and the connections each lives for.
#[derive(Debug, Default)]
pub(crate) struct Ephemeral {
    clients: Lock<BTreeMap<SessionId, BTreeSet<u64>>>,
    /// Wakes the one who deletes them.
    alone: Notify,
}

impl Ephemeral {
    fn with<R>(&self, work: impl FnOnce(&mut BTreeMap<SessionId, BTreeSet<u64>>) -> R) -> R {
        work(&mut self.clients.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets a session that is deleted.
    pub(crate) fn forget(&self, id: &SessionId) {
        self.with(|clients| clients.remove(id));
    }

    fn alone(&self) -> Vec<SessionId> {
        let alone = |(id, clients): (&SessionId, &BTreeSet<u64>)| clients.is_empty().then(|| id.clone());
        self.with(|clients| clients.iter().filter_map(alone).collect())
    }
}

impl Daemon {
    /// Keeps a new session as long as this connection, and others that come to it, are there.
    pub(crate) fn keep_while(&self, id: &SessionId, connection: u64) {
        self.0.ephemeral.with(|clients| clients.insert(id.clone(), BTreeSet::new()));
        self.comes_to(id, connection);
    }

    /// A connection opens or observes a session.
    pub(crate) fn comes_to(&self, id: &SessionId, connection: u64) {
        let noted = self
            .0
            .ephemeral
            .with(|clients| clients.get_mut(id).map(|clients| clients.insert(connection)).is_some());
        // It may have ended while its request was on the way.
        if noted && !self.is_inside(connection) {
            self.leaves(id, connection);
        }
    }

    /// A connection parts with a session.
    pub(crate) fn leaves(&self, id: &SessionId, connection: u64) {
        self.0.ephemeral.with(|clients| clients.get_mut(id).map(|clients| clients.remove(&connection)));
        self.0.ephemeral.alone.notify_one();
    }

    /// A connection has ended.
    pub(crate) fn leaves_all(&self, connection: u64) {
        self.0.ephemeral.with(|clients| {
            for clients in clients.values_mut() {
                clients.remove(&connection);
            }
        });
        self.0.ephemeral.alone.notify_one();
    }

    /// Tells whether nothing of a session is kept.
    pub(crate) fn is_ephemeral(&self, id: &SessionId) -> bool {
        self.0.ephemeral.with(|clients| clients.contains_key(id))
    }

    /// Deletes ephemeral sessions when their last client is gone, until it is dropped. Those that an earlier daemon handed over
    /// wait for their clients first.
    pub(crate) async fn keep_ephemeral(&self) {
        if !self.0.ephemeral.alone().is_empty() {
            self.0.resources.clock.sleep(RETURN_TIMEOUT).await;
        }
        loop {
            for id in self.0.ephemeral.alone() {
                if let Err(error) = self.end(&id).await {
                    tracing::warn!(session = %id, %error, "an ephemeral session is deleted at the next start");
                    self.0.ephemeral.forget(&id);
                }
            }
            self.0.ephemeral.alone.notified().await;
        }
    }

    /// Brings a session to rest, whatever it does, and deletes it.
    async fn end(&self, id: &SessionId) -> Result<(), RpcError> {
        let mut commits = self.0.resources.journal.watch(&LogId::Session(id.clone()));
        let handle = self.session(id).await?;
        loop {
            commits.mark_unchanged();
            let how = CloseHow::Delete;
            let closed: Result<SeqResult, RpcError> =
                handle.call(|reply| Command::Archive { how, reply }).await?;
            match closed {
                Ok(_) => return self.delete(id).await,
                Err(error) if error.is(ErrorKind::SessionBusy) => {
                    let params = InterruptParams {
                        session_id: id.clone(),
                        turn_id: None,
                        jobs: Some(true),
                        drop: None,
                    };
                    // A turn or job that has just ended needs none.
                    let _told = handle.call(|reply| Command::Interrupt { params, reply }).await?;
                    // It closes when the log does, and then there is nothing to delete.
                    let _changed = commits.changed().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Deletes what an earlier daemon left behind; what it handed over stays for its clients. Call it before anybody can ask.
    pub(crate) async fn delete_left_behind(&self) {
        let journal = &self.0.resources.journal;
        let Ok(page) = journal.items(ItemKind::Ephemeral, None, None, LEFT_BEHIND_MAX).await else { return };
        for item in page.items {
            let id = SessionId::from(item.id.as_str());
            if item.json == "true" {
                // The next restart is none of ours, unless it is told again.
                let batch =
                    Batch { items: vec![ephemeral_item(&id, false)], ..Batch::of(LogId::All, Vec::new()) };
                drop(journal.append(batch).await);
                self.0.ephemeral.with(|clients| clients.insert(id, BTreeSet::new()));
            } else if let Err(error) = self.delete(&id).await {
                tracing::warn!(session = %id, %error, "an ephemeral session could not be deleted");
            }
        }
    }

    /// The daemon leaves and its sessions are stopped: deletes the ephemeral ones, or hands them over.
    pub(crate) async fn part_with_ephemeral(&self) {
        let all: Vec<SessionId> = self.0.ephemeral.with(|clients| clients.keys().cloned().collect());
        for id in all {
            if self.has_heir() {
                let batch =
                    Batch { items: vec![ephemeral_item(&id, true)], ..Batch::of(LogId::All, Vec::new()) };
                drop(self.0.resources.journal.append(batch).await);
            } else if let Err(error) = self.delete(&id).await {
                tracing::warn!(session = %id, %error, "an ephemeral session is deleted at the next start");
            }
        }
    }
}
