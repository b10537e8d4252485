//! The end of a turn, and what follows it. Not here: why it ends (`turn`).
use tenon_protocol::content::Content;
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::event::context::UsageChanged;
use tenon_protocol::event::message::MessageEnded;
use tenon_protocol::event::prompt::{PendingOp, PromptChanged};
use tenon_protocol::event::session::SessionClosed;
use tenon_protocol::event::tool::ToolEnded;
use tenon_protocol::event::turn::{AttemptEnded, AttemptOutcome, ProviderFailure, Stop, TurnEnded};
use tenon_protocol::ids::TurnId;
use tenon_protocol::open::{CloseHow, SeqResult};
use tenon_protocol::tool::CallStatus;

use crate::base::ids;
use crate::journal::{AppendError, BlobError, LogId};
use crate::projections::turn::{CallPhase, OpenTurn};
use crate::session::actor::{Actor, Refusal};
use crate::session::answers::resolved;
use crate::turn::ports::{Ended, Fact, TurnEnd};

impl Actor {
    /// Ends the running turn: settles whatever it left open, sums up, and moves steers that came too late to the queue.
    /// A turn that is simply done goes on instead if somebody steered it meanwhile.
    pub(crate) async fn end_turn(&mut self, end: TurnEnd) -> Result<Ended, AppendError> {
        let Some(turn) = self.state.turn.clone() else { return Ok(Ended::Over) };
        let mut end = end;
        if end.stop == Stop::Done && !self.state.waiting.steers().is_empty() {
            return Ok(Ended::SteersPending);
        }
        let mut facts = close_open(&turn);
        let of_turn = self.state.requests.values().filter(|request| request.turn.as_ref() == Some(&turn.id));
        facts.extend(of_turn.map(|request| resolved(&request.request_id, "ended")));
        // They were to go before everything that waits, and still do.
        let late = self.state.waiting.steers().iter().zip(1..).map(|(steer, position)| PromptChanged {
            message_id: steer.id.clone(),
            op: PendingOp::Requeue,
            input: None,
            by: None,
            turn_id: None,
            position: Some(position),
        });
        facts.extend(late.map(Fact::new));
        if end.stop == Stop::Done {
            match self.plan_ends().await {
                Ok(whole) => facts.extend(whole),
                Err(error) => end = not_staged(&error),
            }
        }
        let mut total = self.state.usage.clone();
        total.add(&turn.usage);
        facts.push(Fact::new(UsageChanged { usage: total }));
        facts.push(Fact::new(TurnEnded {
            stop: end.stop,
            usage: turn.usage.clone(),
            message_id: turn.answer.clone(),
            error: end.error,
            limit: end.limit,
            denied: (turn.denied > 0).then_some(turn.denied),
        }));
        self.commit(facts).await?;
        self.resources.forget_shadow(turn.id.as_str());
        self.turn = None;
        self.resources.journal.blobs().let_go(&LogId::Session(self.state.id.clone()));
        Ok(Ended::Over)
    }

    /// Starts the turn of the next message that waits, if there is one.
    pub(crate) async fn start_next(&mut self) -> Result<(), AppendError> {
        while self.turn.is_none() && !self.state.closed {
            let Some(next) = self.state.waiting.queue().front().map(|pending| pending.id.clone()) else {
                return Ok(());
            };
            self.refresh_world();
            let turn: TurnId = ids::new(&*self.resources.entropy);
            match self.start_turn(turn, next, None).await {
                Ok(()) => {}
                Err(Refusal::Log(error)) => return Err(error),
                Err(Refusal::Client(error)) => {
                    tracing::warn!(session = %self.state.id, %error, "a waiting message could not start its turn");
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Archives the session; its log stays. A session with a turn is busy.
    pub(crate) async fn archive(&mut self, how: CloseHow) -> Result<SeqResult, Refusal> {
        if self.state.turn.is_some() {
            let message = format!("session {} is busy", self.state.id);
            let error = RpcError::new(ErrorKind::SessionBusy, message).retry(Retry::Later);
            return Err(error.hint("interrupt its turn first").into());
        }
        if !self.state.jobs.is_empty() {
            let message = format!("session {} has running jobs", self.state.id);
            let error = RpcError::new(ErrorKind::SessionBusy, message).retry(Retry::Later);
            return Err(error.hint("end them first: agent/interrupt with jobs, or `tenon jobs kill`").into());
        }
        if !self.state.closed {
            let open: Vec<Fact> = self.state.requests.keys().map(|id| resolved(id, "closed")).collect();
            let facts = open.into_iter().chain([Fact::new(SessionClosed { how })]).collect();
            self.commit(facts).await?;
        }
        Ok(SeqResult { seq: self.state.head.seq })
    }
}

/// A plan whose contents cannot be read is none, and its turn is not done.
fn not_staged(error: &BlobError) -> TurnEnd {
    let message = format!("what was staged cannot be read: {error}");
    let failure = ProviderFailure { kind: "storage".to_owned(), message, status: None, hint: None };
    TurnEnd { stop: Stop::Failed, error: Some(failure), limit: None }
}

/// Returns the facts that close what a turn left open: a message that was growing, its try, and its calls.
pub(crate) fn close_open(turn: &OpenTurn) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some((message_id, role)) = turn.open_message.clone() {
        let superseded = Some(true);
        facts.push(Fact::new(MessageEnded { message_id, role, content: Vec::new(), by: None, superseded }));
    }
    if turn.attempt_open {
        let outcome = AttemptOutcome::Interrupted;
        facts.push(Fact::new(AttemptEnded {
            outcome,
            error: None,
            retry_at: None,
            usage: None,
            finish: None,
        }));
    }
    let open = turn.calls.iter().filter(|call| call.phase != CallPhase::Settled);
    facts.extend(open.map(|call| {
        Fact::new(ToolEnded {
            call_id: call.id.clone(),
            status: CallStatus::Interrupted,
            content: vec![Content::text("Interrupted.")],
            reference: None,
            change_id: None,
            exit: None,
            denied_by: None,
        })
    }));
    facts
}
