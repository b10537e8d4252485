//! `agent/apply` and `agent/revert`, and changes and checkpoints as they are listed. Not here: hunks and conflicts (`change`).
use std::collections::BTreeMap;

use crate::change::{Conflict, FileChange, Uncovered};
use crate::ids::{CallId, ChangeId, CheckpointId, JobId, PlanId, SessionId, TurnId};
use crate::plan::TestReport;

wire! {
    /// A file, or some of its hunks.
    #[derive(Eq)]
    struct Selected {
        /// Relative to the workspace.
        path: String,
    }
    optional {
        /// The numbers of the hunks; all of them if absent.
        hunks: Vec<u32>,
        /// Whether bytes of the path are not UTF-8 and stand as `%XX`.
        path_encoded: bool,
    }
}

words! {
    /// How files that moved on are dealt with.
    enum ApplyResolve {
        /// Both sides are kept, where that is possible.
        Merge = "merge",
    }
}

words! {
    /// What runs on the staged files before they are applied.
    enum ApplyRun {
        /// The project's tests.
        Tests = "tests",
    }
}

wire! {
    /// Writes what is staged: a plan, some of its steps, files or hunks; or drops it.
    struct ApplyParams {
        /// The session.
        session_id: SessionId,
    }
    optional {
        /// The plan; either this or `changeId`.
        plan_id: PlanId,
        /// The staged change; either this or `planId`.
        change_id: ChangeId,
        /// Only if the plan has this revision.
        rev: u64,
        /// Only these steps of the plan, by id.
        steps: Vec<String>,
        /// Only these files and hunks.
        select: Vec<Selected>,
        /// Whether what has no conflict is applied where something else has.
        partial: bool,
        /// What to do about files that moved on.
        resolve: ApplyResolve,
        /// What has to succeed first.
        run: ApplyRun,
        /// Whether only what would happen is answered, and nothing written.
        dry_run: bool,
        /// Whether it is thrown away in place of being applied.
        drop: bool,
    }
}

wire! {
    /// What was applied.
    struct ApplyResult {
        /// The files that were written.
        applied: Vec<FileChange>,
        /// What was left because something stands in its way.
        conflicts: Vec<Conflict>,
        /// The last event it committed.
        seq: u64,
    }
    optional {
        /// The change; absent where nothing was written.
        change_id: ChangeId,
        /// The place just before it; absent where nothing was written.
        checkpoint_id: CheckpointId,
        /// What the tests said, where they had to pass.
        tests: TestReport,
    }
}

wire! {
    /// How far back to go: exactly one of these.
    #[derive(Default)]
    struct RevertTo {}
    optional {
        /// To the place that a checkpoint names: its change and every later one of the session go.
        checkpoint: CheckpointId,
        /// What this turn did.
        turn: TurnId,
        /// What this change did.
        change: ChangeId,
        /// To the files as they were at this event of the session.
        seq: u64,
    }
}

words! {
    /// What goes back.
    open enum RevertScope {
        /// The files.
        Files = "files",
        /// The conversation; later messages stay in the log.
        Conversation = "conversation",
        /// Both in one step.
        Both = "both",
    }
}

words! {
    /// What happens to a file that stands in the way of a revert.
    enum RevertChoice {
        /// It stays as it is.
        Keep = "keep",
        /// The earlier content comes back, and what is there now is kept by reference.
        OursAfterBackup = "ours-after-backup",
        /// Both sides are kept, where that is possible.
        Merge = "merge",
    }
}

wire! {
    /// Goes back. The log is never cut: a revert is a change of its own.
    struct RevertParams {
        /// The session.
        session_id: SessionId,
        /// How far.
        to: RevertTo,
    }
    optional {
        /// Only these files and hunks.
        select: Vec<Selected>,
        /// What goes back; `files` if absent.
        #[serde(deserialize_with = "crate::word::known")]
        scope: RevertScope,
        /// Whether what has no conflict goes back where something else has.
        partial: bool,
        /// Whether only to say what would happen.
        dry_run: bool,
        /// What to do about files that stand in the way, by path.
        resolve: BTreeMap<String, RevertChoice>,
    }
}

wire! {
    /// What was kept of a file that a revert wrote over.
    struct Backup {
        /// Relative to the workspace.
        path: String,
        /// Where its bytes are.
        #[serde(rename = "ref")]
        reference: String,
    }
}

wire! {
    /// What went back.
    struct RevertResult {
        /// The place just before the revert.
        checkpoint_id: CheckpointId,
        /// The files that went back.
        restored: Vec<FileChange>,
        /// What cannot go back, and why.
        skipped: Vec<Uncovered>,
        /// What stands in the way.
        conflicts: Vec<Conflict>,
    }
    optional {
        /// The change that the revert is; absent where no file changed.
        change_id: ChangeId,
        /// The last event of the log behind it; absent for `dryRun`.
        seq: u64,
        /// What `ours-after-backup` kept.
        backups: Vec<Backup>,
    }
}

wire! {
    /// A change, as `agent/list` shows it.
    struct ChangeItem {
        /// The change.
        id: ChangeId,
        /// The place just before it.
        checkpoint_id: CheckpointId,
        /// Its session.
        session: SessionId,
        /// The files.
        files: Vec<FileChange>,
        /// What it could not cover.
        uncovered: Vec<Uncovered>,
        /// The event that applied it.
        seq: u64,
        /// When that was.
        at: String,
    }
    optional {
        /// The turn it belongs to.
        turn: TurnId,
        /// The call that made it.
        call_id: CallId,
        /// The job that ran meanwhile.
        job_id: JobId,
    }
}

wire! {
    /// A checkpoint, as `agent/list` shows it: the files just before a change.
    struct CheckpointItem {
        /// The checkpoint.
        id: CheckpointId,
        /// The change it stands before.
        change_id: ChangeId,
        /// Its session.
        session: SessionId,
        /// The event that applied the change.
        seq: u64,
        /// When that was.
        at: String,
    }
    optional {
        /// The turn the change belongs to.
        turn: TurnId,
    }
}
