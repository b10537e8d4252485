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
    /// What the project's tests said of a plan, or of a part of it: they ran on the files as they would be.
    struct TestReport {
        /// The harness, as the snapshot's `tests` names it.
        harness: String,
        /// What ran.
        command: String,
        /// The revision of the plan.
        rev: u64,
        /// Whether they passed.
        ok: bool,
        /// What they printed, long outputs cut in the middle.
        text: String,
    }
    optional {
        /// The exit code.
        exit: i32,
        /// Whether they took too long and were ended.
        timed_out: bool,
        /// How many passed, where the output tells it.
        passed: u64,
        /// How many failed.
        failed: u64,
        /// The names of failed ones, at most 50.
        failures: Vec<String>,
        /// Where the whole output is, if `text` was cut.
        reference: String,
    }
}

impl TestReport {
    /// Says in one line what came of the tests.
    pub fn summary(&self) -> String {
        let Self { command, passed, failed, .. } = self;
        let mut text = match (self.ok, self.timed_out == Some(true), self.exit) {
            (true, ..) => format!("the tests passed ({command}"),
            (false, true, _) => format!("the tests took too long and were ended ({command}"),
            (false, false, Some(exit)) => format!("the tests failed ({command}: exit code {exit}"),
            (false, false, None) => format!("the tests were killed ({command}"),
        };
        let counts = [(passed, "passed"), (failed, "failed")];
        let counts = counts.iter().filter_map(|(count, word)| count.map(|count| format!("{count} {word}")));
        let counts: Vec<String> = counts.collect();
        if !counts.is_empty() {
            text.push_str("; ");
            text.push_str(&counts.join(", "));
        }
        text.push(')');
        if let Some(failures) = &self.failures {
            text.push_str(": ");
            text.push_str(&failures.join(", "));
        }
        text
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
