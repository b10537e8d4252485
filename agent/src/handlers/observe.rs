//! `agent/observe` and `agent/unobserve`. Not here: reading the log (`feed`), and the ids (`wire`).
use std::sync::Arc;

use tenon_protocol::log::ObserveParams;

use crate::daemon::{Caller, Daemon, Seeing};
use crate::feed::{self, Frame};
use crate::handlers::quiet;
use crate::handlers::reply::{Answer, Reply};
use crate::handlers::subscription::{Delivery, Source, Subscription};

/// Subscribes to a log.
pub(crate) async fn observe(daemon: Daemon, caller: Arc<Caller>, params: ObserveParams) -> Reply {
    let subscription = daemon.observe(&caller, &params).await?;
    let cursor = subscription.cursor();
    let seeing = daemon.seeing(&caller, &params);
    let source = Observed { subscription, is_quiet: caller.quiet, _seeing: seeing };
    Ok(Answer::Observing(Box::new(Subscription::new(params.session_id, cursor, source))))
}

/// Ends a subscription. The connection knows which there are.
pub(crate) async fn unobserve(_: Daemon, _: Arc<Caller>, (id,): (String,)) -> Reply {
    Ok(Answer::Unobserve(id))
}

/// A subscription in the form its client takes.
struct Observed {
    subscription: feed::Subscription,
    is_quiet: bool,
    /// Held so that its session has somebody to ask for as long as it lives.
    _seeing: Option<Seeing>,
}

impl Source for Observed {
    async fn next(&mut self) -> Option<Delivery> {
        let frame = self.subscription.next().await?;
        let is_event = matches!(frame, Frame::Event(_) | Frame::Local(_));
        let json = frame.into_json();
        let json = if self.is_quiet && is_event { quiet::reduce(&json) } else { json };
        Some(Delivery { json, cursor: Some(self.subscription.cursor()) })
    }
}
