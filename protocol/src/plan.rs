//! `agent/plan`, and plans as they are listed. Not here: the steps of a plan (`event::change`).
use crate::apply::Selected;
use crate::content::Content;
use crate::event::change::PlanStep;
use crate::ids::{ChangeId, PlanId, SessionId, TurnId};
use crate::prompt::Admission;

wire! {
    /// Asks for a turn whose edits are staged: nothing on disk changes before the plan is applied.
    struct PlanParams {
        /// The session.
        session_id: SessionId,
        /// What is to be reached.
        #[serde(deserialize_with = "crate::word::known")]
        goal: Vec<Content>,
    }
    optional {
        /// The plan that is to be changed: it keeps its id and gets the next revision.
        revise: PlanId,
        /// Makes a repetition safe: the same key gives the first result again.
        key: String,
    }
}

wire! {
    /// What became of the goal; committed before it is said.
    struct PlanResult {
        /// What became of it; a busy session queues it.
        outcome: Admission,
        /// The plan.
        plan_id: PlanId,
        /// The event that admitted it.
        seq: u64,
    }
    optional {
        /// The turn it started.
        turn_id: TurnId,
    }
}

wire! {
    /// A plan, as `agent/list` shows it.
    struct PlanItem {
        /// The plan.
        id: PlanId,
        /// Its session.
        session: SessionId,
        /// Its revision, from 1.
        rev: u64,
        /// Its steps.
        tree: Vec<PlanStep>,
        /// The event that changed it last.
        seq: u64,
        /// When that was.
        at: String,
    }
    optional {
        /// The staged change it explains.
        change_id: ChangeId,
        /// The hunks of it that are applied, all so far.
        applied: Vec<Selected>,
        /// Whether it was thrown away.
        dropped: bool,
    }
}
