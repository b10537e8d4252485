//! The connection task, one for every carrier. Not here: how bytes arrive (`socket`, `stdio`) and what methods do.
//!
//! One task owns everything of its connection: no lock, no queue, no second task. Each round it takes what is ready, in this
//! order: finished calls, incoming messages, subscriptions, then one write for all of it. Requests run
//! concurrently; each is polled first in the order of arrival, which is when a handler posts to a mailbox, so admission has
//! the order of arrival.
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tenon_protocol::version::IN_FLIGHT_MAX;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::base::clock::{SharedClock, Sleep};
use crate::router::peer::Peer;
use crate::wire::admission::Standing;
use crate::wire::carrier::Carrier;
use crate::wire::codec::Framing;
use crate::wire::outbox::Outbox;

mod calls;
mod incoming;
mod lifecycle;
mod replies;
mod subscriptions;
#[cfg(test)]
pub(in crate::wire) mod tests;

use calls::Calls;
use subscriptions::Subscriptions;

/// How long a connection may take to send `initialize`.
const GREETING_MAX: Duration = Duration::from_secs(10);

/// How long a peer may accept nothing before it loses its subscriptions.
const STALL_MAX: Duration = Duration::from_mins(10);

/// How long a connection that ends may take to get its last answers out.
const FAREWELL_MAX: Duration = Duration::from_secs(10);

/// Bodies in a row that are no JSON, before the connection is closed.
const UNREADABLE_MAX: u32 = 3;

/// Messages taken in one round, so that answers go out between them.
const MESSAGES_A_ROUND: usize = 64;

/// Rounds before other tasks get their turn.
const ROUNDS_A_POLL: usize = 16;

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The peer closed it, or sent `exit`.
    Closed,
    /// It was refused, or broke the rules of framing.
    Refused,
    /// Nothing could be read or written any more.
    Lost,
    /// The daemon asked for it.
    Stopped,
}

/// What a connection is made of.
#[derive(Debug)]
pub(crate) struct Setup {
    /// The router's side.
    pub(crate) peer: Peer,
    /// Its place among the others, or why it is refused.
    pub(crate) standing: Standing,
    /// Where time comes from.
    pub(crate) clock: SharedClock,
    /// Ends every connection of the process.
    pub(crate) stop: CancellationToken,
}

/// A connection at work.
struct Connection<C> {
    carrier: C,
    framing: Framing,
    outbox: Outbox,
    /// Whether the carrier took something that it may still hold.
    is_unflushed: bool,
    peer: Peer,
    standing: Standing,
    calls: Calls,
    subscriptions: Subscriptions,
    /// Bodies in a row that were no JSON.
    unreadable: u32,
    /// Messages that were ignored: responses, and notifications nobody knows or that failed.
    ignored: u64,
    /// Whether `shutdown` was answered.
    is_shut: bool,
    /// How the connection ends. It is not read any more; running calls are answered, and everything is written.
    ending: Option<End>,
    clock: SharedClock,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Runs out when the peer does not introduce itself in time.
    greeting: Option<Sleep>,
    /// Runs out when the peer accepts nothing for too long.
    stall: Option<Sleep>,
    /// Runs out when the last answers cannot be written.
    farewell: Option<Sleep>,
}

/// Serves one connection to its end. Dropping the future ends it at once.
pub(crate) async fn serve(carrier: impl Carrier, setup: Setup) -> End {
    let id = setup.peer.id();
    let mut connection = Connection::new(carrier, setup);
    let end = poll_fn(|context| connection.poll(context)).await;
    tracing::debug!(connection = id, ?end, ignored = connection.ignored, "connection ended");
    let Connection { mut carrier, peer, subscriptions, calls, clock, .. } = connection;
    drop((subscriptions, calls));
    // The peer may be gone already, or take nothing: there is nobody left to tell.
    tokio::select! {
        () = poll_fn(|context| carrier.poll_close(context)) => {}
        () = clock.sleep(FAREWELL_MAX) => {}
    }
    drop(peer);
    end
}

impl<C: Carrier> Connection<C> {
    fn new(carrier: C, setup: Setup) -> Self {
        let Setup { peer, standing, clock, stop } = setup;
        let greeting = standing.is_timed().then(|| clock.sleep(GREETING_MAX));
        Self {
            framing: carrier.framing(),
            carrier,
            outbox: Outbox::default(),
            is_unflushed: false,
            peer,
            standing,
            calls: Calls::default(),
            subscriptions: Subscriptions::default(),
            unreadable: 0,
            ignored: 0,
            is_shut: false,
            ending: None,
            clock,
            stop: Box::pin(stop.cancelled_owned()),
            greeting,
            stall: None,
            farewell: None,
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<End> {
        for _ in 0..ROUNDS_A_POLL {
            let mut moved = self.poll_calls(context);
            moved |= self.poll_incoming(context);
            moved |= self.poll_subscriptions(context);
            match self.poll_write(context) {
                Ok(wrote) => moved |= wrote,
                Err(error) => {
                    tracing::debug!(connection = self.peer.id(), %error, "cannot write");
                    return Poll::Ready(End::Lost);
                }
            }
            moved |= self.poll_stop(context);
            if let Some(end) = self.poll_end(context) {
                return Poll::Ready(end);
            }
            if !moved {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Fetches finished calls, unless the peer takes nothing: then their replies wait where they are.
    fn poll_calls(&mut self, context: &mut Context<'_>) -> bool {
        let mut moved = false;
        self.calls.drive(context);
        while !self.outbox.is_over_hard() {
            let Some((id, reply)) = self.calls.take_finished() else {
                break;
            };
            self.reply(&id, reply);
            moved = true;
        }
        moved
    }

    fn may_read(&self) -> bool {
        self.ending.is_none() && self.calls.len() < IN_FLIGHT_MAX && !self.outbox.is_over_hard()
    }

    /// Writes everything that is ready in as few calls as the peer allows.
    fn poll_write(&mut self, context: &mut Context<'_>) -> std::io::Result<bool> {
        let mut moved = false;
        while !self.outbox.is_empty() {
            match self.carrier.poll_send(&mut self.outbox, context) {
                Poll::Ready(Ok(())) => {
                    (moved, self.is_unflushed) = (true, true);
                    self.stall = None;
                }
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => {
                    self.poll_stall(context);
                    return Ok(moved);
                }
            }
        }
        if self.is_unflushed {
            // Carriers that buffer hand everything on; for the others it is nothing.
            match self.carrier.poll_flush(context) {
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Ready(Ok(())) => self.is_unflushed = false,
                Poll::Pending => self.poll_stall(context),
            }
        }
        Ok(moved)
    }

    /// The peer takes nothing. After ten minutes of it, its subscriptions end, each with the place to go on from.
    fn poll_stall(&mut self, context: &mut Context<'_>) {
        if self.subscriptions.is_empty() {
            return;
        }
        let stall = self.stall.get_or_insert_with(|| self.clock.sleep(STALL_MAX));
        if stall.as_mut().poll(context).is_ready() {
            tracing::info!(connection = self.peer.id(), "the client takes nothing: its subscriptions end");
            self.subscriptions.close_all(
                "the client took nothing for ten minutes",
                self.framing,
                &mut self.outbox,
            );
        }
    }

    fn poll_stop(&mut self, context: &mut Context<'_>) -> bool {
        if self.ending.is_some() || self.stop.as_mut().poll(context).is_pending() {
            return false;
        }
        self.end(End::Stopped);
        true
    }

    /// The connection is not read any more.
    fn end(&mut self, end: End) {
        if self.ending.is_none() {
            self.ending = Some(end);
            self.farewell = Some(self.clock.sleep(FAREWELL_MAX));
            self.subscriptions = Subscriptions::default();
        }
    }

    fn poll_end(&mut self, context: &mut Context<'_>) -> Option<End> {
        if let Some(end) = self.ending {
            let is_done = self.calls.len() == 0 && self.outbox.is_empty() && !self.is_unflushed;
            let is_late = self.farewell.as_mut().is_some_and(|sleep| sleep.as_mut().poll(context).is_ready());
            return (is_done || is_late).then_some(end);
        }
        let is_late = self.greeting.as_mut().is_some_and(|sleep| sleep.as_mut().poll(context).is_ready());
        if is_late {
            tracing::info!(connection = self.peer.id(), "closed: no initialize within 10 s");
        }
        is_late.then_some(End::Refused)
    }
}
