//! Prompts: admitted, keyed, queued, steered. Not here: what they may hold (`input`), what a turn does with them (`turns`).
use tenon_protocol::content::Content;
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::event::prompt::PromptAdmitted;
use tenon_protocol::event::session::By;
use tenon_protocol::ids::{MessageId, PlanId, TurnId};
use tenon_protocol::prompt::{
    Admission, Delivery, InterruptParams, InterruptResult, PromptParams, PromptResult,
};
use tenon_protocol::tool::EffectClass;
use tenon_protocol::version::{QUEUE_BYTES_MAX, QUEUE_LEN_MAX};

use crate::base::ids;
use crate::config::credentials::KeyState;
use crate::config::model::ModelError;
use crate::projections::cut::size;
use crate::projections::turn::CallPhase;
use crate::sandbox::LayerFolder;
use crate::session::actor::{Actor, Refusal};
use crate::session::jobs::WhichJobs;
use crate::turn::ports::Fact;

impl Actor {
    /// Admits a message: commits what becomes of it and answers that.
    pub(crate) async fn prompt(
        &mut self,
        params: PromptParams,
        by: Option<By>,
        connection: u64,
    ) -> Result<PromptResult, Refusal> {
        self.admit(params, by, connection, None).await
    }

    /// Admits a message, or the goal of a plan.
    pub(crate) async fn admit(
        &mut self,
        params: PromptParams,
        by: Option<By>,
        connection: u64,
        plan_id: Option<PlanId>,
    ) -> Result<PromptResult, Refusal> {
        if let Some(again) = self.seen_before(&params) {
            return Ok(again);
        }
        self.check_open()?;
        let (outcome, position) = self.place(&params)?;
        if outcome != Admission::Started {
            self.room_for(&params.input, None)?;
        }
        let input = self.checked_input(params.input)?;
        self.check_trust().await?;
        self.refresh_world();
        self.check_key()?;
        let message_id: MessageId = ids::new(&*self.resources.entropy);
        let turn_id: Option<TurnId> = match outcome {
            Admission::Started => Some(ids::new(&*self.resources.entropy)),
            Admission::Steered => self.turn.as_ref().map(|turn| turn.id.clone()),
            Admission::Queued | Admission::Duplicate | Admission::Unheard(_) => None,
        };
        let admitted = PromptAdmitted {
            message_id: message_id.clone(),
            input,
            delivery: params.delivery.unwrap_or(Delivery::Auto),
            outcome,
            turn_id: turn_id.clone(),
            position,
            by,
            key: params.key,
            context: self.resources.board.of_sender(connection, &self.state.id, &self.root),
            plan_id,
        };
        // What it commits comes before the admission, whose place is told.
        self.settle_settings().await?;
        let seq = self.state.head.seq + 1;
        match &turn_id {
            Some(turn) if outcome == Admission::Started => {
                let turn = turn.clone();
                self.start_turn(turn, message_id.clone(), Some(Fact::new(admitted))).await?;
            }
            _ => self.commit(vec![Fact::new(admitted)]).await?,
        }
        Ok(PromptResult { outcome, message_id, seq, turn_id, position })
    }

    fn seen_before(&self, params: &PromptParams) -> Option<PromptResult> {
        let key = params.key.as_ref()?;
        let first = self.state.keys.iter().find(|seen| seen.key == *key)?;
        Some(PromptResult {
            outcome: Admission::Duplicate,
            message_id: first.message_id.clone(),
            seq: first.seq,
            turn_id: first.turn_id.clone(),
            position: first.position,
        })
    }

    pub(crate) fn check_open(&self) -> Result<(), RpcError> {
        if self.state.closed {
            let message = format!("session {} is closed", self.state.id);
            return Err(RpcError::new(ErrorKind::SessionClosed, message).retry(Retry::Never));
        }
        Ok(())
    }

    /// Decides what becomes of a message now.
    fn place(&self, params: &PromptParams) -> Result<(Admission, Option<u64>), RpcError> {
        let id = &self.state.id;
        let delivery = params.delivery.unwrap_or(Delivery::Auto);
        if delivery == Delivery::Steer {
            let turn = self.steerable();
            if turn.is_some() && (params.expect_turn.is_none() || params.expect_turn.as_ref() == turn) {
                return self.room().map(|()| (Admission::Steered, None));
            }
            if params.strict == Some(true) {
                let message = match &params.expect_turn {
                    Some(turn) => format!("turn {turn} of session {id} cannot be steered any more"),
                    None => format!("session {id} has no turn to steer"),
                };
                return Err(RpcError::new(ErrorKind::NotSteerable, message)
                    .retry(Retry::Never)
                    .hint("without `strict` it would start a turn, or wait for the next"));
            }
        }
        if self.state.turn.is_none() && self.state.waiting.queue().is_empty() {
            return Ok((Admission::Started, None));
        }
        if delivery == Delivery::Start {
            let error = RpcError::new(ErrorKind::SessionBusy, format!("session {id} is busy"));
            return Err(error.retry(Retry::Later).hint("send it with delivery `queue` or `steer`"));
        }
        self.room()?;
        let position = u64::try_from(self.state.waiting.queue().len()).unwrap_or(u64::MAX) + 1;
        Ok((Admission::Queued, Some(position)))
    }

    /// Returns the turn that a message can join: one that is being interrupted has no safe point any more.
    pub(crate) fn steerable(&self) -> Option<&TurnId> {
        self.turn.as_ref().filter(|turn| !turn.interrupt.is_cancelled()).map(|turn| &turn.id)
    }

    /// Steers count too: those that come too late for their turn go to the queue.
    fn room(&self) -> Result<(), RpcError> {
        if self.state.waiting.len() < QUEUE_LEN_MAX {
            return Ok(());
        }
        let message = format!("{QUEUE_LEN_MAX} messages wait in session {} already", self.state.id);
        Err(RpcError::new(ErrorKind::QueueFull, message)
            .retry(Retry::Later)
            .hint("`agent/pending` withdraws one"))
    }

    /// The messages that wait are in memory, and in one picture. The one that is replaced makes room.
    pub(crate) fn room_for(&self, input: &[Content], replaced: Option<&MessageId>) -> Result<(), RpcError> {
        let waiting = self.state.waiting.steers().iter().chain(self.state.waiting.queue());
        let waiting = waiting.filter(|pending| Some(&pending.id) != replaced);
        let bytes = waiting.map(|pending| size(&pending.input)).sum::<usize>() + size(&input);
        if bytes <= QUEUE_BYTES_MAX {
            return Ok(());
        }
        let message =
            format!("the messages that wait in session {} may take {QUEUE_BYTES_MAX} bytes", self.state.id);
        let error = RpcError::new(ErrorKind::QueueFull, message).retry(Retry::Later);
        Err(error.hint("`agent/pending` withdraws one"))
    }

    /// Tells whether the session's model can be used with the keys there are.
    pub(crate) fn has_key(&self) -> bool {
        self.check_key().is_ok()
    }

    /// A prompt without a key for its model is not admitted.
    fn check_key(&self) -> Result<(), RpcError> {
        let choice = self.world.choose(self.state.settings.model.as_deref()).map_err(|error| {
            // Without any provider a key would help; a wrong name is wrong whatever keys there are.
            let nothing = matches!(error, ModelError::NothingAvailable);
            let kind = if nothing { ErrorKind::AuthRequired } else { ErrorKind::InvalidConfig };
            RpcError::new(kind, error.to_string()).retry(Retry::Never)
        })?;
        match choice.provider.key(&self.world.environment, &self.world.credentials) {
            KeyState::NotNeeded | KeyState::Found { .. } => Ok(()),
            KeyState::Missing { how } => {
                let message = format!("no key for provider {}", choice.provider.name);
                Err(RpcError::new(ErrorKind::AuthRequired, message)
                    .retry(Retry::Never)
                    .hint(how)
                    .with("provider", &choice.provider.name))
            }
        }
    }

    /// Interrupts the turn; its end is told by `turn.ended`.
    pub(crate) fn interrupt(&mut self, params: &InterruptParams) -> Result<InterruptResult, RpcError> {
        let seq = self.state.head.seq;
        let none = || RpcError::new(ErrorKind::NoTurn, format!("no turn runs in session {}", self.state.id));
        let turn_id = self.turn.as_ref().map(|turn| turn.id.clone());
        if params.turn_id.is_some() && params.turn_id != turn_id {
            return Err(none());
        }
        let had_jobs = params.jobs == Some(true) && self.end_jobs(WhichJobs::All);
        // Tests belong to no turn.
        let had_tests = params.turn_id.is_none() && self.end_tests();
        if turn_id.is_none() && !had_jobs && !had_tests {
            return Err(none());
        }
        let dropped = (params.drop == Some(true)).then(|| self.drop_written());
        if let Some(turn) = &mut self.turn {
            turn.drops |= dropped == Some(true);
            turn.interrupt.cancel();
        }
        Ok(InterruptResult { seq, turn_id, dropped })
    }

    /// Drops what running commands write, where it lies in a layer: others have written to the workspace itself. Tells whether
    /// there is such a command.
    fn drop_written(&self) -> bool {
        let calls = self.state.turn.iter().flat_map(|turn| &turn.calls);
        let is_command =
            |phase: &CallPhase| matches!(phase, CallPhase::Started { effect: EffectClass::Command, .. });
        // What is on its way into the workspace is brought to its end.
        let running = calls.filter(|call| is_command(&call.phase) && call.begun.is_none());
        let records = &self.resources.records_dir;
        let mut dropped = self.state.plans.making().is_some();
        for call in running.filter(|call| LayerFolder::place(records, call.id.as_str()).is_dir()) {
            dropped = true;
            // It is answered only when it is certain: the next start would bring in what lies in the layer.
            if let Err(error) = std::fs::write(self.resources.dropped_of(call.id.as_str()), b"") {
                tracing::warn!(%error, "that a command's writes are dropped is not recorded");
            }
        }
        dropped
    }
}
