//! Where a revert goes. Not here: what that means for files (`look`).
use tenon_protocol::apply::{RevertScope, RevertTo};
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::ids::SessionId;
use tenon_protocol::session::SessionItem;

use crate::journal::ItemKind;
use crate::projections::history::{Going, History};
use crate::session::actor::Actor;
use crate::session::difference;

impl Actor {
    /// Returns what goes.
    ///
    /// # Errors
    /// 1201 where the session has no such place, 1204 where only a session has that this one was forked from, and -32602 where the
    /// conversation cannot go on from there.
    pub(super) async fn going(
        &mut self,
        history: &History,
        to: &RevertTo,
        scope: RevertScope,
    ) -> Result<Going, RpcError> {
        let head = self.state.head.seq;
        if let Some(seq) = to.seq.filter(|seq| *seq > head) {
            return Err(unknown(format!("the session has no event {seq}; its last is {head}")));
        }
        // With the conversation everything goes that was done in the part that goes.
        let Some(going) = history.going(to, scope == RevertScope::Both) else {
            let (what, id) = named(to);
            let (parent, of) = (self.state.listed.item.parent.clone(), self.state.id.clone());
            return Err(if self.is_before_fork(parent, to).await {
                let message =
                    format!("{what} {id} was before session {of} was forked: it is not its own to take back");
                let error = RpcError::new(ErrorKind::NotReversible, message).retry(Retry::Never);
                error.hint("go back in the session it was forked from")
            } else {
                unknown(format!("the session has no {what} {id}"))
            });
        };
        let inside = history.inside(going.at).filter(|_| scope != RevertScope::Files);
        if let Some(before) = inside {
            let message =
                format!("event {} lies inside a turn: a conversation goes on between turns", going.at);
            let error = RpcError::new(ErrorKind::InvalidParams, message).with("before", before);
            return Err(error.hint(format!("go to event {before}, or to a turn")));
        }
        Ok(going)
    }

    async fn is_before_fork(&mut self, mut parent: Option<SessionId>, to: &RevertTo) -> bool {
        while let Some(id) = parent {
            let journal = &self.resources.journal;
            // A parent that was deleted has nothing to go back to any more.
            let Ok(history) = difference::read(journal, &id).await else { return false };
            if to.seq.is_none() && history.going(to, false).is_some() {
                return true;
            }
            let item = journal.item(ItemKind::Session, id.as_str()).await.ok().flatten();
            let item = item.and_then(|json| serde_json::from_str::<SessionItem>(&json).ok());
            parent = item.and_then(|item| item.parent);
        }
        false
    }
}

fn named(to: &RevertTo) -> (&'static str, String) {
    match to {
        RevertTo { change: Some(id), .. } => ("change", id.to_string()),
        RevertTo { turn: Some(id), .. } => ("turn", id.to_string()),
        RevertTo { checkpoint: Some(id), .. } => ("checkpoint", id.to_string()),
        RevertTo { seq, .. } => ("event", seq.unwrap_or_default().to_string()),
    }
}

fn unknown(message: String) -> RpcError {
    RpcError::new(ErrorKind::ChangeNotFound, message).retry(Retry::Never)
}
