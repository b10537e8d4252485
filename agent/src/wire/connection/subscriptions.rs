//! The subscriptions of one connection. Not here: where events come from.
use std::task::{Context, Poll};

use crate::router::Subscription;
use crate::wire::carrier::Carrier;
use crate::wire::codec::Framing;
use crate::wire::connection::Connection;
use crate::wire::outbox::Outbox;

/// Deliveries of one subscription before the next one gets its turn.
const DELIVERIES_A_TURN: usize = 64;

/// One subscription, and what stands before each of its deliveries.
#[derive(Debug)]
struct Active {
    id: String,
    prefix: String,
    subscription: Subscription,
}

/// The subscriptions of one connection, each with an id that this connection never uses again.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    active: Vec<Active>,
    made: u64,
}

impl Subscriptions {
    /// Tells whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.active.len()
    }

    /// Adds one. Returns its id, which is to be told before anything is polled.
    pub(super) fn add(&mut self, subscription: Subscription) -> String {
        self.made += 1;
        let id = self.made.to_string();
        let prefix = format!(
            r#"{{"jsonrpc":"2.0","method":"{}","params":{{"subscription":"{id}","result":"#,
            tenon_protocol::methods::EVENT
        );
        self.active.push(Active { id: id.clone(), prefix, subscription });
        id
    }

    /// Ends one. Returns whether there was one of this id.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        let before = self.active.len();
        self.active.retain(|active| active.id != id);
        self.active.len() < before
    }

    /// Ends those that read this log.
    pub(super) fn remove_log(&mut self, log: &str) {
        self.active.retain(|active| active.subscription.log() != log);
    }

    /// Ends all, each with an `observe.closed`.
    pub(super) fn close_all(&mut self, reason: &str, framing: Framing, outbox: &mut Outbox) {
        for active in self.active.drain(..) {
            active.push(framing, &active.subscription.closed(reason), outbox);
        }
    }

    /// Takes what is ready while the outbox has room. Returns whether anything was taken.
    fn poll(&mut self, framing: Framing, outbox: &mut Outbox, context: &mut Context<'_>) -> bool {
        let (mut moved, mut place) = (false, 0);
        while place < self.active.len() && !outbox.is_over_soft() {
            if self.active[place].poll(framing, outbox, context, &mut moved) {
                place += 1;
            } else {
                self.active.remove(place);
            }
        }
        // The one that was served last begins the next time: none starves behind a busy one.
        if moved && self.active.len() > 1 {
            self.active.rotate_left(1);
        }
        moved
    }
}

impl Active {
    fn push(&self, framing: Framing, json: &[u8], outbox: &mut Outbox) {
        outbox.push(framing, &[self.prefix.as_bytes(), json, b"}}"]);
    }

    /// Takes a turn's worth of deliveries. Returns whether the subscription goes on.
    fn poll(
        &mut self,
        framing: Framing,
        outbox: &mut Outbox,
        context: &mut Context<'_>,
        moved: &mut bool,
    ) -> bool {
        for _ in 0..DELIVERIES_A_TURN {
            if outbox.is_over_soft() {
                return true;
            }
            match self.subscription.poll_next(context) {
                Poll::Pending => return true,
                Poll::Ready(None) => {
                    *moved = true;
                    return false;
                }
                Poll::Ready(Some(json)) => {
                    self.push(framing, &json, outbox);
                    *moved = true;
                }
            }
        }
        true
    }
}

impl<C: Carrier> Connection<C> {
    /// Takes deliveries, unless the peer is behind: then the logs are not even read.
    pub(super) fn poll_subscriptions(&mut self, context: &mut Context<'_>) -> bool {
        self.subscriptions.poll(self.framing, &mut self.outbox, context)
    }
}
