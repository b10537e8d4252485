//! Whether what a client names is in a session's history of changes. Not here: the history (`projections`), comparing two
//! places of it (`difference`).
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
