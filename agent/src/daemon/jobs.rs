//! The doors for jobs: run one, tell one what to do, end them when the daemon leaves. Not here: what they run (`jobs`).
use std::collections::BTreeSet;

use tenon_protocol::error::RpcError;
use tenon_protocol::ids::SessionId;
use tenon_protocol::job::{JobItem, JobParams, JobResult, RunParams, RunResult};

use crate::daemon::{Caller, Daemon};
use crate::jobs::{MACHINE_JOBS_MAX, SESSION_JOBS_MAX, job_not_found};
use crate::journal::{ItemKind, ItemWrite};
use crate::session::command::Command;
use crate::session::jobs::WhichJobs;

impl Daemon {
    /// Runs the person's own command.
    pub(crate) async fn run(&self, caller: &Caller, params: RunParams) -> Result<RunResult, RpcError> {
        self.admit()?;
        self.room_on_disk()?;
        let (handle, by) = (self.session(&params.session_id).await?, Some(caller.by()));
        handle.call(|reply| Command::Run { params, by, reply }).await?
    }

    /// Tells a running job what to do.
    pub(crate) async fn job(&self, params: JobParams) -> Result<JobResult, RpcError> {
        let listed = self.0.resources.journal.item(ItemKind::Job, params.job_id.as_str()).await;
        let item = listed.ok().flatten().and_then(|json| serde_json::from_str::<JobItem>(&json).ok());
        let item = item.ok_or_else(|| job_not_found(&params.job_id))?;
        let handle = self.session(&item.session).await?;
        handle.call(|reply| Command::Job { params, reply }).await?
    }

    /// Ends jobs of every session.
    pub(crate) async fn end_jobs(&self, which: WhichJobs) {
        for handle in self.loaded() {
            // A session that is gone has none.
            let _told = handle.call(|reply| Command::EndJobs { which, reply }).await;
        }
    }

    /// Removes what is kept of the jobs of a session that is deleted: those whose end was never recorded. Returns what removes
    /// them from the list.
    pub(crate) async fn forget_jobs(&self, session: &SessionId) -> Vec<ItemWrite> {
        let resources = &self.0.resources;
        let page =
            resources.journal.items(ItemKind::Job, Some(session.as_str()), None, SESSION_JOBS_MAX).await;
        let ids: Vec<String> =
            page.map(|page| page.items).unwrap_or_default().into_iter().map(|item| item.id).collect();
        for id in &ids {
            for file in [resources.record_of(id), resources.output_of(id), resources.before_of(id)] {
                // There need not be one.
                let _absent = std::fs::remove_file(file);
            }
        }
        let gone = |id| ItemWrite { kind: ItemKind::Job, id, group: String::new(), json: None };
        ids.into_iter().map(gone).collect()
    }

    /// Returns the sessions with a job that has no end in the log.
    pub(crate) async fn sessions_with_jobs(&self) -> BTreeSet<SessionId> {
        let page = self.0.resources.journal.items(ItemKind::Job, None, None, 2 * MACHINE_JOBS_MAX).await;
        let items = page.map(|page| page.items).unwrap_or_default();
        items
            .iter()
            .filter_map(|item| serde_json::from_str::<JobItem>(&item.json).ok())
            .map(|item| item.session)
            .collect()
    }
}
