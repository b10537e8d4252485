//! `agent/answer`. Not here: which answer wins, which is the session's.
use std::sync::Arc;

use tenon_protocol::answer::AnswerParams;
use tenon_protocol::error::RpcError;
use tenon_protocol::open::SeqResult;

use crate::daemon::{Caller, Daemon};
use crate::handlers::check::invalid;

/// Answers a request.
pub(crate) async fn answer(
    daemon: Daemon,
    caller: Arc<Caller>,
    params: AnswerParams,
) -> Result<SeqResult, RpcError> {
    if params.decision.is_empty() {
        return Err(invalid("decision is empty"));
    }
    daemon.answer(&caller, params).await
}
