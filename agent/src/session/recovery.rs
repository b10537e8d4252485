//! Going on after a restart: a session that was not at rest is driven on from its log. Not here: verifying the log (`journal`).
use tenon_protocol::event::turn::{AttemptEnded, AttemptOutcome, ProviderFailure};
use tenon_protocol::json::Json;
use tenon_protocol::tool::ToolKind;

use crate::journal::{AppendError, Blobs};
use crate::projections::turn::{CallPhase, OpenCall, OpenTurn};
use crate::session::actor::{Actor, LiveTurn};
use crate::session::ending::close_open;
use crate::session::prefix::digest_of;
use crate::session::turns::settled_calls;
use crate::turn::attempt::Proposal;
use crate::turn::call::recorded_arguments;
use crate::turn::machine::{Machine, Order};
use crate::turn::ports::Fact;

impl Actor {
    /// Takes up the turn that the log left open, if there is one, else the next message that waits.
    ///
    /// A try without an end gets another one; its text is withdrawn. A call that started and never settled is settled by what can
    /// be found out (`leftover`): one that only read runs again, a file change is finished by digest, a command is `unknown`
    /// and never repeated. A question that was open stays open.
    pub(crate) async fn recover(&mut self) -> Result<(), AppendError> {
        self.settle_jobs().await?;
        self.settle_started().await?;
        self.close_held_applies().await?;
        self.settle_revert().await?;
        let Some(turn) = self.state.turn.clone() else { return self.start_next().await };
        self.turn = Some(LiveTurn::new(turn.id.clone()));
        let facts = if turn.attempt_open { lost_attempt(&turn) } else { self.leftovers(&turn).await };
        if !facts.is_empty() {
            let settled = settled_calls(&facts);
            self.commit(facts).await?;
            self.forget_records(&settled);
        }
        if !self.restore_prefix().await {
            let facts = self.context_facts().await;
            self.commit(facts).await?;
        }
        let Some(turn) = self.state.turn.clone() else { return Ok(()) };
        let steps_max = self.world.turn_settings(&self.state.settings, turn.steps_more).steps_max;
        let mut pending = Vec::new();
        for call in turn.calls.iter().filter(|call| call.phase != CallPhase::Settled) {
            pending.push(proposal(self.blobs(), call).await);
        }
        let calls = turn
            .calls
            .iter()
            .map(|call| (call.id.clone(), self.order(&call.name), call.phase == CallPhase::Settled));
        let machine = Machine::resume(steps_max, turn.step, turn.attempt, turn.whole, calls.collect());
        tracing::info!(session = %self.state.id, turn = %turn.id, step = turn.step, "a turn goes on after a restart");
        self.launch(pending, Some(machine));
        Ok(())
    }

    /// Settles what had started and never settled, call by call.
    async fn leftovers(&mut self, turn: &OpenTurn) -> Vec<Fact> {
        let mut facts = Vec::new();
        for call in &turn.calls {
            facts.extend(self.settle_leftover(call).await);
        }
        facts
    }

    fn order(&self, tool: &str) -> Order {
        match self.resources.registry.kind(tool) {
            ToolKind::Read | ToolKind::Search => Order::Parallel,
            ToolKind::Edit
            | ToolKind::Execute
            | ToolKind::Fetch
            | ToolKind::Plan
            | ToolKind::Other
            | ToolKind::Unheard(_) => Order::InTurn,
        }
    }
}

/// Closes a try that the restart cut: another one follows.
fn lost_attempt(turn: &OpenTurn) -> Vec<Fact> {
    let mut facts = close_open(turn);
    for fact in &mut facts {
        if let tenon_protocol::event::EventBody::AttemptEnded(ended) = &mut fact.body {
            let message = "the agent was stopped while the answer came".to_owned();
            let failure = ProviderFailure { kind: "restarted".to_owned(), message, status: None, hint: None };
            *ended = AttemptEnded { outcome: AttemptOutcome::Failed, error: Some(failure), ..ended.clone() };
        }
    }
    facts
}

/// Returns a call as the model made it; large arguments are read back.
async fn proposal(blobs: Blobs, call: &OpenCall) -> Proposal {
    let arguments = match &call.reference {
        None => recorded_arguments(&call.input.0),
        Some(reference) => match read_back(blobs, reference).await {
            Ok(input) => recorded_arguments(&input.0),
            Err(error) => {
                tracing::error!(call = %call.id, reference, error, "arguments cannot be read back");
                Err("the arguments were lost when the agent was restarted; send the call again".to_owned())
            }
        },
    };
    Proposal { id: call.id.clone(), name: call.name.clone(), arguments }
}

async fn read_back(blobs: Blobs, reference: &str) -> Result<Json, String> {
    let digest = digest_of(reference).ok_or("it is no reference")?;
    let bytes = blobs.get_async(digest).await.map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}
