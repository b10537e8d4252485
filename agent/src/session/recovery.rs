//! Going on after a restart: a session that was not at rest is driven on from its log. Not here: verifying the log (`journal`).
use tenon_protocol::event::tool::ToolEnded;
use tenon_protocol::event::turn::{AttemptEnded, AttemptOutcome, ProviderFailure};
use tenon_protocol::tool::{CallStatus, EffectClass, ToolKind};

use crate::journal::AppendError;
use crate::projections::turn::{CallPhase, OpenCall, OpenTurn};
use crate::session::actor::{Actor, LiveTurn};
use crate::session::ending::close_open;
use crate::turn::attempt::Proposal;
use crate::turn::call::{recorded_arguments, unknown_outcome};
use crate::turn::machine::{Machine, Order};
use crate::turn::ports::Fact;

impl Actor {
    /// Takes up the turn that the log left open, if there is one, else the next message that waits.
    ///
    /// A try without an end gets another one; its text is withdrawn. A call that started and never settled is run again if it
    /// only read, and is `unknown` otherwise, never repeated. A question that was open stays open.
    pub(crate) async fn recover(&mut self) -> Result<(), AppendError> {
        let Some(turn) = self.state.turn.clone() else { return self.start_next().await };
        self.turn = Some(LiveTurn::new(turn.id.clone()));
        let facts = if turn.attempt_open { lost_attempt(&turn) } else { unknown_calls(&turn) };
        if !facts.is_empty() {
            self.commit(facts).await?;
        }
        if !self.restore_prefix().await {
            let facts = self.context_facts().await;
            self.commit(facts).await?;
        }
        let Some(turn) = self.state.turn.clone() else { return Ok(()) };
        let steps_max = self.world.turn_settings(&self.state.settings, turn.steps_more).steps_max;
        let open = turn.calls.iter().filter(|call| call.phase != CallPhase::Settled);
        let pending: Vec<Proposal> = open.map(proposal).collect();
        let calls = turn
            .calls
            .iter()
            .map(|call| (call.id.clone(), self.order(&call.name), call.phase == CallPhase::Settled));
        let machine = Machine::resume(steps_max, turn.step, turn.attempt, turn.whole, calls.collect());
        tracing::info!(session = %self.state.id, turn = %turn.id, step = turn.step, "a turn goes on after a restart");
        self.launch(pending, Some(machine));
        Ok(())
    }

    fn order(&self, tool: &str) -> Order {
        match self.resources.registry.kind(tool) {
            ToolKind::Read | ToolKind::Search => Order::Parallel,
            ToolKind::Edit | ToolKind::Execute | ToolKind::Plan | ToolKind::Other => Order::InTurn,
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

/// Settles the calls whose outcome was never recorded. Those that only read are left to run again.
fn unknown_calls(turn: &OpenTurn) -> Vec<Fact> {
    let unknown = |call: &&OpenCall| match &call.phase {
        CallPhase::Started { effect, .. } => *effect != EffectClass::Pure,
        CallPhase::Proposed | CallPhase::Settled => false,
    };
    let settle = |call: &OpenCall| {
        Fact::new(ToolEnded {
            call_id: call.id.clone(),
            status: CallStatus::Unknown,
            content: unknown_outcome(),
            reference: None,
            change_id: None,
            exit: None,
        })
    };
    turn.calls.iter().filter(unknown).map(settle).collect()
}

fn proposal(call: &OpenCall) -> Proposal {
    Proposal { id: call.id.clone(), name: call.name.clone(), arguments: recorded_arguments(&call.input.0) }
}
