//! `agent/answer`. Not here: which answer wins, which is the session's.
use std::sync::Arc;

use tenon_protocol::answer::AnswerParams;
use tenon_protocol::error::RpcError;
use tenon_protocol::open::SeqResult;

use crate::daemon::{Caller, Daemon};
use crate::handlers::check::{invalid, length};
use crate::projections::cut::size;

/// Bytes of the word for a decision: an option's id is shorter.
const NAME_BYTES_MAX: usize = 256;

/// Bytes of what is said beside a decision; it stands in the log.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// Answers a request.
pub(crate) async fn answer(
    daemon: Daemon,
    caller: Arc<Caller>,
    params: AnswerParams,
) -> Result<SeqResult, RpcError> {
    if params.decision.is_empty() {
        return Err(invalid("decision is empty"));
    }
    length("decision", Some(&params.decision), NAME_BYTES_MAX)?;
    length("pattern", params.pattern.as_ref(), TEXT_BYTES_MAX)?;
    length("note", params.note.as_ref(), TEXT_BYTES_MAX)?;
    if params.form.as_ref().is_some_and(|form| size(form) > TEXT_BYTES_MAX) {
        return Err(invalid(format!("form may take {TEXT_BYTES_MAX} bytes as JSON")));
    }
    daemon.answer(&caller, params).await
}
