//! Whether what a client names is in a session's history of changes. Not here: the history (`projections`), comparing two
//! places of it (`difference`).
use tenon_protocol::apply::{ApplyParams, RevertParams};
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::ids::{PlanId, SessionId};

use crate::journal::Journal;
use crate::projections::history::{History, NoPlace, Side};
use crate::session::difference::read;

/// Returns why what is to be applied cannot be: 1201 where the session has no such plan or change, else 1203 with what it lacks.
pub(crate) async fn staged(journal: &Journal, params: &ApplyParams) -> RpcError {
    let history = match read(journal, &params.session_id).await {
        Ok(history) => history,
        Err(error) => return error,
    };
    let (known, lacks) = match (&params.plan_id, &params.change_id) {
        (Some(plan), _) => (
            the_plan(&history, plan),
            format!("nothing is staged for plan {plan}: its edits were made as it went on"),
        ),
        (None, Some(change)) => (
            the_place(&history, change.as_str(), 'c', "change"),
            format!("change {change} is applied already: only a staged one waits for it"),
        ),
        (None, None) => (Ok(()), "nothing is named to apply".to_owned()),
    };
    known.err().unwrap_or_else(|| not_ready(lacks))
}

/// Checks which plan is to be revised.
///
/// # Errors
/// 1201 where the session has no such plan.
pub(crate) async fn plan(journal: &Journal, session: &SessionId, plan: &PlanId) -> Result<(), RpcError> {
    the_plan(&read(journal, session).await?, plan)
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

fn the_plan(history: &History, plan: &PlanId) -> Result<(), RpcError> {
    match history.place(plan.as_str(), Side::Before) {
        Err(NoPlace::NothingStaged) => Ok(()),
        Ok(_) | Err(NoPlace::Unknown) => Err(unknown(format!("the session has no plan {plan}"))),
    }
}

/// An id of another kind is not found, whatever it names.
fn the_place(history: &History, id: &str, letter: char, what: &str) -> Result<(), RpcError> {
    let found = id.starts_with(letter) && history.place(id, Side::Before).is_ok();
    if found { Ok(()) } else { Err(unknown(format!("the session has no {what} {id}"))) }
}

fn unknown(message: String) -> RpcError {
    RpcError::new(ErrorKind::ChangeNotFound, message).retry(Retry::Never)
}
