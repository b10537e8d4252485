//! `agent/admin prune`: sessions that are old or many go, and contents that no session needs. Not here: how they are deleted
//! (`doors`), how contents are found (`journal`).
use std::collections::BTreeMap;
use std::time::Duration;

use tenon_protocol::admin::{AdminParams, AdminResult, Pruned};
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::ids::SessionId;
use tenon_protocol::open::{CloseHow, SeqResult};
use tenon_protocol::session::{SessionItem, SessionState};

use crate::base::clock::Timestamp;
use crate::daemon::Daemon;
use crate::daemon::admin::RECOVERED_MAX;
use crate::daemon::doors::read_error;
use crate::journal::{ItemKind, LogId};
use crate::session::command::Command;

/// Which sessions may go. Without a word about them none does.
#[derive(Clone, Copy, Debug)]
struct Rule {
    older_than: Option<Duration>,
    keep: Option<u64>,
}

impl Rule {
    /// Returns those of a list, newest first, that may go: those that are old enough and not among the newest of their
    /// workspace. What runs, or has messages that wait, stays.
    fn choose(self, now: Timestamp, items: &[SessionItem]) -> Vec<SessionId> {
        let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
        let mut chosen = Vec::new();
        for item in items {
            let newer = seen.entry(&item.workspace).or_default();
            let is_kept = self.keep.is_some_and(|keep| *newer < keep);
            *newer += 1;
            let rests =
                matches!(item.state, SessionState::Idle | SessionState::Closed) && item.queued.is_none();
            // A time that cannot be read is none that is long ago.
            let age = Timestamp::parse(&item.updated_at).map_or(Duration::ZERO, |at| now.since(at));
            let is_old = self.older_than.is_none_or(|least| age >= least);
            if rests && is_old && !is_kept && (self.older_than.is_some() || self.keep.is_some()) {
                chosen.push(item.id.clone());
            }
        }
        chosen
    }
}

impl Daemon {
    /// Deletes the sessions that the parameters choose, but for those that somebody observes, and contents that none needs.
    pub(crate) async fn prune(&self, params: &AdminParams) -> Result<AdminResult, RpcError> {
        let journal = &self.0.resources.journal;
        let page = journal.items(ItemKind::Session, None, None, RECOVERED_MAX).await;
        let page = page.map_err(|error| read_error(&error))?;
        let items: Vec<SessionItem> =
            page.items.iter().filter_map(|item| serde_json::from_str(&item.json).ok()).collect();
        let rule = Rule { older_than: params.older_than_s.map(Duration::from_secs), keep: params.keep };
        let is_dry = params.dry_run == Some(true);
        let mut sessions = Vec::new();
        for id in rule.choose(self.0.resources.clock.now(), &items) {
            if self.is_ephemeral(&id) || self.is_observed(&id) {
                continue;
            }
            if is_dry || self.delete_resting(&id).await? {
                sessions.push(id);
            }
        }
        let collected = journal.collect(is_dry).await.map_err(|error| read_error(&error))?;
        let caches_bytes = if params.caches == Some(true) {
            let caches = std::sync::Arc::clone(&self.0.resources.caches);
            tokio::task::spawn_blocking(move || caches.clear(is_dry)).await.ok()
        } else {
            None
        };
        let pruned = Pruned { sessions, blobs: collected.blobs, bytes: collected.bytes, caches_bytes };
        Ok(AdminResult { pruned: Some(pruned), ..AdminResult::default() })
    }

    fn is_observed(&self, id: &SessionId) -> bool {
        // A session that is loaded listens to its own log.
        let own = usize::from(self.loaded().iter().any(|handle| handle.id == *id));
        self.0.resources.journal.watchers(&LogId::Session(id.clone())) > own
    }

    /// Deletes a session, unless it has begun to work meanwhile.
    async fn delete_resting(&self, id: &SessionId) -> Result<bool, RpcError> {
        // One that cannot be loaded, because its workspace is gone, rests all the same.
        if let Ok(handle) = self.session(id).await {
            let how = CloseHow::Delete;
            let closed: Result<SeqResult, RpcError> =
                handle.call(|reply| Command::Archive { how, reply }).await?;
            match closed {
                Err(error) if error.is(ErrorKind::SessionBusy) => return Ok(false),
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        self.delete(id).await.map(|()| true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str, workspace: &str, updated_at: &str, state: &str) -> SessionItem {
        let item = serde_json::json!({
            "id": id, "workspace": workspace, "title": "", "state": state, "model": "", "profile": "",
            "createdAt": updated_at, "updatedAt": updated_at, "head": "1.1", "changedFiles": 0, "cost": 0.0,
            "unanswered": 0,
        });
        serde_json::from_value(item).unwrap()
    }

    #[test]
    fn old_ones_beyond_the_newest_go_and_what_works_stays() {
        let now = Timestamp::parse("2026-01-11T00:00:00.000Z").unwrap();
        let items = [
            item("a", "w", "2026-01-10T12:00:00.000Z", "idle"),
            item("b", "w", "2026-01-02T00:00:00.000Z", "idle"),
            item("c", "v", "2026-01-01T00:00:00.000Z", "closed"),
            item("d", "w", "2026-01-01T00:00:00.000Z", "running"),
            item("e", "w", "never", "idle"),
        ];
        let check = |older_than: Option<u64>, keep, expected: &[&str]| {
            let rule = Rule { older_than: older_than.map(Duration::from_secs), keep };
            let chosen: Vec<String> = rule.choose(now, &items).iter().map(ToString::to_string).collect();
            assert_eq!(chosen, expected);
        };
        let day = 24 * 60 * 60;
        check(None, None, &[]);
        check(Some(day), None, &["b", "c"]);
        check(Some(0), None, &["a", "b", "c", "e"]);
        check(Some(day), Some(1), &["b"]);
        check(None, Some(1), &["b", "e"]);
        check(None, Some(0), &["a", "b", "c", "e"]);
    }
}
