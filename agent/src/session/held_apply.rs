//! Applying that waits: a file of the selection is open somewhere with changes that are not saved, and a person decides first. Not
//! here: applying (`apply`), and who has what open (`looking`).
use tenon_protocol::apply::{ApplyParams, ApplyResult};
use tenon_protocol::change::Conflict;
use tenon_protocol::error::RpcError;
use tenon_protocol::ids::RequestId;
use tenon_protocol::request::{RequestItem, RequestKind, Subject};

use crate::base::digest::Digest;
use crate::base::ids;
use crate::journal::AppendError;
use crate::session::actor::{Actor, Refusal, respond};
use crate::session::answers::resolved;
use crate::session::apply::{Outcome, in_the_way};
use crate::session::command::Reply;
use crate::session::testing::Tested;
use crate::turn::ports::Fact;
use crate::turn::unsaved::{CLEAN, WAIT, options};

/// An apply that waits for the answer to its question.
#[derive(Debug)]
pub(crate) struct HeldApply {
    request: RequestId,
    params: ApplyParams,
    conflicts: Vec<Conflict>,
    reply: Reply<Result<ApplyResult, RpcError>>,
}

impl Actor {
    /// Applies what is staged, or asks first: the answer comes when it is done.
    pub(crate) async fn apply_or_ask(
        &mut self,
        params: ApplyParams,
        reply: Reply<Result<ApplyResult, RpcError>>,
    ) -> Result<(), AppendError> {
        self.go_on_applying(params, &[], None, true, reply).await
    }

    pub(super) async fn go_on_applying(
        &mut self,
        params: ApplyParams,
        settled: &[Conflict],
        tested: Option<Tested>,
        may_wait: bool,
        reply: Reply<Result<ApplyResult, RpcError>>,
    ) -> Result<(), AppendError> {
        match self.apply_plan(params.clone(), settled, tested).await {
            Ok(Outcome::Untested(plan, edits)) => self.test_first(plan, params, settled, edits, reply).await,
            Ok(Outcome::Applied(result)) => respond(reply, Ok(*result)),
            Ok(Outcome::Unsaved(conflicts)) => self.hold_apply(params, conflicts, may_wait, reply).await,
            Err(refusal) => respond(reply, Err(refusal)),
        }
    }

    async fn hold_apply(
        &mut self,
        params: ApplyParams,
        conflicts: Vec<Conflict>,
        may_wait: bool,
        reply: Reply<Result<ApplyResult, RpcError>>,
    ) -> Result<(), AppendError> {
        let request: RequestId = ids::new(&*self.resources.entropy);
        let paths: Vec<&str> = conflicts.iter().map(|conflict| conflict.path.as_str()).collect();
        let mut options = options();
        options.retain(|option| may_wait || option.id != WAIT);
        let item = RequestItem {
            request_id: request.clone(),
            kind: RequestKind::Conflict,
            title: format!("the plan writes to {}, which is not saved", paths.join(", ")),
            digest: Some(Digest::of(format!("apply\n{}", paths.join("\n")).as_bytes()).to_string()),
            subject: Subject::Conflict { conflicts: conflicts.clone() },
            options,
            session: self.state.id.clone(),
            call_id: None,
            turn: None,
            reason: Some("the agent writes to disk, never into an editor's unsaved text".to_owned()),
        };
        if let Err(error) = self.commit(vec![Fact::new(item)]).await {
            return respond(reply, Err(Refusal::Log(error)));
        }
        self.held_applies.push(HeldApply { request, params, conflicts, reply });
        Ok(())
    }

    /// Goes on with the applies whose questions are answered.
    pub(crate) async fn apply_answered(
        &mut self,
        request: &RequestId,
        decision: &str,
    ) -> Result<(), AppendError> {
        let Some(place) = self.held_applies.iter().position(|held| held.request == *request) else {
            return Ok(());
        };
        let HeldApply { params, conflicts, reply, .. } = self.held_applies.swap_remove(place);
        match decision {
            // What was saved or closed is looked at again, and so is everything else.
            CLEAN => self.go_on_applying(params, &[], None, true, reply).await,
            WAIT => self.hold_apply(params, conflicts, false, reply).await,
            "save" | "discard" => self.go_on_applying(params, &conflicts, None, true, reply).await,
            _ => respond(reply, Err(in_the_way(&conflicts).into())),
        }
    }

    /// Resolves the questions of applies that a restart cut: whoever waited for them is gone, and nothing was written.
    pub(crate) async fn close_held_applies(&mut self) -> Result<(), AppendError> {
        let of_apply =
            |request: &&RequestItem| request.kind == RequestKind::Conflict && request.turn.is_none();
        let open = self.state.requests.values().filter(of_apply);
        let facts: Vec<Fact> = open.map(|request| resolved(&request.request_id, "ended")).collect();
        if facts.is_empty() { Ok(()) } else { self.commit(facts).await }
    }
}
