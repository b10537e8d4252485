//! Messages that wait: withdrawn, replaced, promoted. Not here: how they are kept (`projections::waiting`), and how they came
//! to wait (`admission`).
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::event::prompt::{PendingOp, PromptChanged};
use tenon_protocol::event::session::By;
use tenon_protocol::ids::TurnId;
use tenon_protocol::prompt::{Delivery, PendingChange, PendingParams, PendingResult};

use crate::session::actor::{Actor, Refusal};
use crate::turn::ports::Fact;

impl Actor {
    /// Changes a message that waits. Who comes after its delivery is told 1107.
    pub(crate) async fn change_pending(
        &mut self,
        params: PendingParams,
        by: Option<By>,
    ) -> Result<PendingResult, Refusal> {
        if !self.state.waiting.contains(&params.message_id) {
            let message = format!("message {} does not wait in session {}", params.message_id, self.state.id);
            let error = RpcError::new(ErrorKind::NotPending, message).retry(Retry::Never);
            return Err(error.hint("it was delivered or withdrawn, or is none of this session").into());
        }
        let (turn_id, position) = match params.op {
            PendingChange::Promote => self.promoted(&params)?,
            PendingChange::Withdraw | PendingChange::Replace => (None, None),
        };
        let input = match params.input {
            Some(input) => {
                self.room_for(&input, Some(&params.message_id))?;
                Some(self.checked_input(input)?)
            }
            None => None,
        };
        let op = match params.op {
            PendingChange::Withdraw => PendingOp::Withdraw,
            PendingChange::Replace => PendingOp::Replace,
            PendingChange::Promote => PendingOp::Promote,
        };
        let seq = self.state.head.seq + 1;
        let message_id = params.message_id;
        let changed = PromptChanged { message_id, op, input, by, turn_id: turn_id.clone(), position };
        self.commit(vec![Fact::new(changed)]).await?;
        Ok(PendingResult { seq, turn_id, position })
    }

    /// Returns where a promoted message waits from now on: in the running turn, or in front of the queue.
    /// The goal of a plan joins no other turn, in which its edits would not be staged.
    fn promoted(&self, params: &PendingParams) -> Result<(Option<TurnId>, Option<u64>), RpcError> {
        let goal =
            self.state.waiting.queue().iter().any(|next| next.id == params.message_id && next.plan.is_some());
        if goal && params.delivery == Some(Delivery::Steer) {
            let message =
                format!("message {} is the goal of a plan, which joins no other turn", params.message_id);
            let error = RpcError::new(ErrorKind::NotSteerable, message).retry(Retry::Never);
            return Err(error.hint("promote it with `queue`"));
        }
        let wants_turn = params.delivery != Some(Delivery::Queue) && !goal;
        Ok(match self.steerable() {
            Some(turn) if wants_turn => (Some(turn.clone()), None),
            Some(_) | None => (None, Some(1)),
        })
    }
}
