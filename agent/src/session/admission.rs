//! Prompts: admitted, keyed, queued, steered. Not here: what a turn does with them (`turns`).
use tenon_protocol::content::Content;
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::event::prompt::PromptAdmitted;
use tenon_protocol::event::session::By;
use tenon_protocol::ids::{MessageId, TurnId};
use tenon_protocol::prompt::{
    Admission, Delivery, InterruptParams, InterruptResult, PromptParams, PromptResult,
};
use tenon_protocol::version::QUEUE_LEN_MAX;

use crate::base::ids;
use crate::config::credentials::KeyState;
use crate::config::model::ModelError;
use crate::session::actor::{Actor, Refusal};
use crate::turn::ports::Fact;

impl Actor {
    /// Admits a message: commits what becomes of it and answers that.
    pub(crate) async fn prompt(
        &mut self,
        params: PromptParams,
        by: Option<By>,
    ) -> Result<PromptResult, Refusal> {
        if let Some(again) = self.seen_before(&params) {
            return Ok(again);
        }
        self.check_open()?;
        let (outcome, position) = self.place(&params)?;
        if params.input.is_empty() {
            return Err(RpcError::new(ErrorKind::InvalidParams, "input is empty").into());
        }
        self.check_input(&params.input)?;
        self.refresh_world();
        self.check_key()?;
        let message_id: MessageId = ids::new(&*self.resources.entropy);
        let turn_id: Option<TurnId> = match outcome {
            Admission::Started => Some(ids::new(&*self.resources.entropy)),
            Admission::Steered => self.turn.as_ref().map(|turn| turn.id.clone()),
            Admission::Queued | Admission::Duplicate => None,
        };
        let admitted = PromptAdmitted {
            message_id: message_id.clone(),
            input: params.input,
            delivery: params.delivery.unwrap_or(Delivery::Auto),
            outcome,
            turn_id: turn_id.clone(),
            position,
            by,
            key: params.key,
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
        let (_, first, seq) = self.state.keys.iter().find(|(seen, _, _)| seen == key)?;
        Some(PromptResult {
            outcome: Admission::Duplicate,
            message_id: first.message_id.clone(),
            seq: *seq,
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
        let running = self.state.turn.as_ref().map(|turn| &turn.id);
        let delivery = params.delivery.unwrap_or(Delivery::Auto);
        if delivery == Delivery::Steer {
            let fits =
                running.is_some() && (params.expect_turn.is_none() || params.expect_turn.as_ref() == running);
            if fits {
                return self.room(self.state.steers.len()).map(|()| (Admission::Steered, None));
            }
            if params.strict == Some(true) {
                return Err(RpcError::new(
                    ErrorKind::NotSteerable,
                    format!("session {id} has no such turn to steer"),
                ));
            }
        }
        if running.is_none() && self.state.queue.is_empty() {
            return Ok((Admission::Started, None));
        }
        if delivery == Delivery::Start {
            let error = RpcError::new(ErrorKind::SessionBusy, format!("session {id} is busy"));
            return Err(error.retry(Retry::Later).hint("send it with delivery `queue` or `steer`"));
        }
        self.room(self.state.queue.len())?;
        let position = u64::try_from(self.state.queue.len()).unwrap_or(u64::MAX) + 1;
        Ok((Admission::Queued, Some(position)))
    }

    fn room(&self, waiting: usize) -> Result<(), RpcError> {
        if waiting < QUEUE_LEN_MAX {
            return Ok(());
        }
        let message = format!("{QUEUE_LEN_MAX} messages wait in session {} already", self.state.id);
        Err(RpcError::new(ErrorKind::QueueFull, message).retry(Retry::Later))
    }

    /// Checks that what the input names is there.
    fn check_input(&self, input: &[Content]) -> Result<(), RpcError> {
        for piece in input {
            let problem = match piece {
                Content::File { path, .. } => self.file_problem(path),
                Content::Image { data: None, reference, .. } => {
                    Some(format!("image {} is not known", reference.as_deref().unwrap_or("without data")))
                }
                Content::Ref { reference, .. } => Some(format!("reference {reference} is not known")),
                Content::Text { .. } | Content::Selection { .. } | Content::Image { .. } => None,
            };
            if let Some(problem) = problem {
                return Err(RpcError::new(ErrorKind::InvalidParams, problem));
            }
        }
        Ok(())
    }

    fn file_problem(&self, path: &str) -> Option<String> {
        let found = self.root.resolve(path).map_err(|error| error.to_string());
        let found = found.and_then(|path| self.root.stat(&path).map_err(|error| error.to_string()));
        match found {
            Ok(Some(_)) => None,
            Ok(None) => Some(format!("there is no file {path}")),
            Err(error) => Some(format!("file {path} cannot be read: {error}")),
        }
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
            KeyState::NotNeeded | KeyState::Found(_) => Ok(()),
            KeyState::Missing { how } => {
                let message = format!("no key for provider {}", choice.provider.name);
                Err(RpcError::new(ErrorKind::AuthRequired, message)
                    .hint(how)
                    .with("provider", &choice.provider.name))
            }
        }
    }

    /// Interrupts the turn; its end is told by `turn.ended`.
    pub(crate) fn interrupt(&self, params: &InterruptParams) -> Result<InterruptResult, RpcError> {
        let seq = self.state.head.seq;
        let none = || RpcError::new(ErrorKind::NoTurn, format!("no turn runs in session {}", self.state.id));
        let turn = self.turn.as_ref().ok_or_else(none)?;
        if params.turn_id.as_ref().is_some_and(|wanted| *wanted != turn.id) {
            return Err(none());
        }
        turn.interrupt.cancel();
        Ok(InterruptResult { seq, turn_id: Some(turn.id.clone()) })
    }
}
