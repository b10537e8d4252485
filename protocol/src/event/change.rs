//! `plan.*` and `change.*`.
use crate::apply::Selected;
use crate::change::{Conflict, FileChange, Uncovered};
use crate::ids::{CallId, ChangeId, CheckpointId, JobId, PlanId};
use crate::plan::TestReport;

words! {
    /// How far a step is.
    open enum StepStatus {
        /// Not begun.
        Pending = "pending",
        /// Worked on.
        Active = "active",
        /// Done.
        Done = "done",
        /// Given up.
        Dropped = "dropped",
    }
}

wire! {
    /// A step of a plan.
    struct PlanStep {
        /// Its name in the plan.
        id: String,
        /// What it does.
        title: String,
        /// How far it is.
        status: StepStatus,
        /// Files it is about.
        #[serde(default)]
        files: Vec<String>,
    }
    optional {
        /// The staged hunks that belong to it: what `agent/apply` with this step takes. A hunk that two steps worked on belongs
        /// to both.
        edits: Vec<Selected>,
    }
}

wire! {
    /// The steps changed.
    struct PlanChanged {
        /// The plan; outside plan turns the session's todo list.
        plan_id: PlanId,
        /// Its revision, from 1.
        rev: u64,
        /// The steps.
        tree: Vec<PlanStep>,
    }
    optional {
        /// The staged change it explains.
        change_id: ChangeId,
        /// The hunks of it that are applied, all so far.
        applied: Vec<Selected>,
        /// Whether the plan was thrown away.
        dropped: bool,
        /// What the project's tests said of it.
        tests: TestReport,
    }
}

wire! {
    /// A plan is whole: its change is staged, and nothing on disk has changed.
    struct PlanReady {
        /// The plan.
        plan_id: PlanId,
        /// Its revision, from 1.
        rev: u64,
        /// Its steps.
        tree: Vec<PlanStep>,
        /// The staged change.
        change_id: ChangeId,
    }
}

wire! {
    /// Edits are staged: contents before and after are kept, the disk is as it was.
    struct ChangeStaged {
        /// The change.
        change_id: ChangeId,
        /// The files.
        files: Vec<FileChange>,
        /// What it could not cover.
        uncovered: Vec<Uncovered>,
    }
    optional {
        /// The plan it belongs to.
        plan_id: PlanId,
        /// The call that staged it. Without one it is all that is staged for the plan, and takes the place of what was.
        call_id: CallId,
        /// The step of the plan that the call named.
        step: String,
    }
}

wire! {
    /// Files are about to be changed: recorded before the first is touched, so that a change that was cut is finished or taken back.
    struct ChangeStarted {
        /// The change.
        change_id: ChangeId,
        /// The place just before it.
        checkpoint_id: CheckpointId,
        /// The files.
        files: Vec<FileChange>,
    }
    optional {
        /// The plan that is applied. Its hunks keep the numbers they were staged with.
        plan_id: PlanId,
        /// The call that makes it.
        call_id: CallId,
    }
}

wire! {
    /// Files were changed. The contents before and after are blobs named by their digests.
    struct ChangeApplied {
        /// The change.
        change_id: ChangeId,
        /// The place just before it.
        checkpoint_id: CheckpointId,
        /// The files.
        files: Vec<FileChange>,
        /// What it could not cover.
        uncovered: Vec<Uncovered>,
    }
    optional {
        /// Folders that had to be made for it, outermost first: an undo removes those that are empty then.
        folders: Vec<String>,
        /// Files that a command changed and somebody else too while it ran: what is on the disk stayed.
        conflicts: Vec<Conflict>,
        /// The call that made it.
        call_id: CallId,
        /// The plan that was applied. Its hunks keep the numbers they were staged with.
        plan_id: PlanId,
        /// The job that ran meanwhile, which ends with the next event. The change belongs to no turn, also where one runs.
        job_id: JobId,
    }
}
