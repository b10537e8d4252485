//! `plan.*` and `change.*`.
use crate::change::{FileChange, Uncovered};
use crate::ids::{CallId, ChangeId, CheckpointId, PlanId};

words! {
    /// How far a step is.
    enum StepStatus {
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
        /// The call that made it.
        call_id: CallId,
    }
}
