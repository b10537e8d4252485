//! Whether what a client names is in a session's history of changes. Not here: the history (`projections`), comparing two
//! places of it (`difference`).
use tenon_protocol::apply::RevertParams;
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::ids::{ChangeId, SessionId};

use crate::journal::Journal;
use crate::projections::history::{History, Side};
use crate::session::difference::read;

/// Returns why a change cannot be applied that is staged for no plan: 1201 where the session has none of this id, else 1203.
pub(crate) async fn not_staged(journal: &Journal, session: &SessionId, change: &ChangeId) -> RpcError {
    let known = read(journal, session).await;
    let known = known.and_then(|history| the_place(&history, change.as_str(), 'c', "change"));
    let lacks =
        format!("change {change} is applied already, or not whole: only a plan's staged one waits for it");
    known.err().unwrap_or_else(|| not_ready(lacks))
}

/// Checks where a revert is to go; `head` is the last event of the session.
///
/// # Errors
/// 1201 where the session has no such place.
pub(crate) async fn target(journal: &Journal, params: &RevertParams, head: u64) -> Result<(), RpcError> {
    let history = read(journal, &params.session_id).await?;
    let to = &params.to;
    if let Some(seq) = to.seq.filter(|seq| *seq > head) {
        return Err(unknown(format!("the session has no event {seq}; its last is {head}")));
    }
    if let Some(change) = &to.change {
        the_place(&history, change.as_str(), 'c', "change")?;
    }
    if let Some(checkpoint) = &to.checkpoint {
        the_place(&history, checkpoint.as_str(), 'k', "checkpoint")?;
    }
    match &to.turn {
        Some(turn) => the_place(&history, turn.as_str(), 't', "turn"),
        None => Ok(()),
    }
}

/// Returns error 1203: it will not do as things stand.
pub(crate) fn not_ready(message: impl Into<String>) -> RpcError {
    RpcError::new(ErrorKind::NotReady, message).retry(Retry::Never)
}

/// An id of another kind is not found, whatever it names.
fn the_place(history: &History, id: &str, letter: char, what: &str) -> Result<(), RpcError> {
    let found = id.starts_with(letter) && history.place(id, Side::Before).is_ok();
    if found { Ok(()) } else { Err(unknown(format!("the session has no {what} {id}"))) }
}

/// Returns error 1201: the session has nothing of this name.
pub(crate) fn unknown(message: String) -> RpcError {
    RpcError::new(ErrorKind::ChangeNotFound, message).retry(Retry::Never)
}
