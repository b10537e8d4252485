//! `agent/observe` and `agent/unobserve`. Not here: reading the log (`feed`), and the ids (`wire`).
use std::sync::Arc;

use tenon_protocol::log::ObserveParams;

use crate::daemon::tree::Observing;
use crate::daemon::{Caller, Daemon, Seeing};
use crate::feed::Frame;
use crate::handlers::check::invalid;
use crate::handlers::quiet;
use crate::handlers::reply::{Answer, Reply};
use crate::handlers::subscription::{Delivery, Source, Subscription};

/// Subscribes to a log.
pub(crate) async fn observe(daemon: Daemon, caller: Arc<Caller>, params: ObserveParams) -> Reply {
    if params.descendants.is_some() && params.tree != Some(true) {
        return Err(invalid("`descendants` goes with `tree: true` alone"));
    }
    let observing = daemon.observe(&caller, &params).await?;
    let cursor = observing.cursor();
    let seeing = daemon.seeing(&caller, &params);
    let source = Observed { observing, is_quiet: caller.quiet, _seeing: seeing };
    Ok(Answer::Observing(Box::new(Subscription::new(params.session_id, cursor, source))))
}

/// Ends a subscription. The connection knows which there are.
pub(crate) async fn unobserve(_: Daemon, _: Arc<Caller>, (id,): (String,)) -> Reply {
    Ok(Answer::Unobserve(id))
}

/// A subscription in the form its client takes.
struct Observed {
    observing: Observing,
    is_quiet: bool,
    /// Held so that its session has somebody to ask for as long as it lives.
    _seeing: Option<Seeing>,
}

impl Source for Observed {
    async fn next(&mut self) -> Option<Delivery> {
        let observed = self.observing.next().await?;
        let is_event = matches!(observed.frame, Frame::Event(_) | Frame::Local(_));
        let json = observed.frame.into_json();
        let is_reduced = self.is_quiet && is_event;
        let json = if is_reduced { quiet::reduce(&json, observed.is_descendants) } else { json };
        Some(Delivery { json, cursor: Some(self.observing.cursor()) })
    }
}
