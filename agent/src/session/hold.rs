//! Standing still at a safe point while the daemon leaves. Between two requests to the model everything is settled and
//! recorded: the next daemon goes on there, or this one does if it stays after all. Not here: when that is (`daemon::drain`).
use crate::journal::AppendError;
use crate::session::actor::{Actor, respond_plain};
use crate::session::command::Reply;
use crate::turn::ports::{BeginFailure, View};

/// A try that waits to begin.
#[derive(Debug)]
pub(crate) struct Held {
    step: u32,
    attempt: u32,
    reply: Reply<Result<View, BeginFailure>>,
}

impl Actor {
    /// Begins a try, or keeps it waiting while turns stand still.
    pub(crate) async fn begin_or_hold(
        &mut self,
        step: u32,
        attempt: u32,
        reply: Reply<Result<View, BeginFailure>>,
    ) -> Result<(), AppendError> {
        let holds = self.resources.hold.borrow().holds(step, attempt);
        if let Some(turn) = self.turn.as_mut().filter(|_| holds) {
            turn.held = Some(Held { step, attempt, reply });
            self.count();
            return Ok(());
        }
        let result = self.begin_attempt(step, attempt).await?;
        respond_plain(reply, result)
    }

    /// Turns stand still elsewhere now, or nowhere: what waits may go on.
    pub(crate) async fn hold_changed(&mut self) -> Result<(), AppendError> {
        match self.turn.as_mut().and_then(|turn| turn.held.take()) {
            Some(Held { step, attempt, reply }) => self.begin_or_hold(step, attempt, reply).await,
            None => Ok(()),
        }
    }
}
