//! Who is connected, and how long nobody was. Not here: connections (`wire`).
use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;

use crate::base::task::Task;
use crate::daemon::{Caller, Daemon, Phase};

/// The connections there are, and whether each can show a person a request.
#[derive(Debug)]
pub(crate) struct Presence {
    present: watch::Sender<BTreeMap<u64, bool>>,
    /// What waits for the end of running turns, once the daemon drains: held so that it lives.
    draining: watch::Sender<Option<Task<()>>>,
}

impl Default for Presence {
    fn default() -> Self {
        Self { present: watch::Sender::new(BTreeMap::new()), draining: watch::Sender::new(None) }
    }
}

impl Presence {
    /// Keeps the task that waits for running turns; an earlier one is dropped.
    pub(crate) fn keep(&self, task: Task<()>) {
        self.draining.send_replace(Some(task));
    }
}

impl Daemon {
    /// A connection was initialised.
    pub(crate) fn connected(&self, caller: &Caller) {
        self.0.presence.present.send_modify(|present| {
            present.insert(caller.id, caller.can_answer);
        });
        self.count_answerers();
    }

    /// A connection ended.
    pub(crate) fn disconnected(&self, id: u64) {
        self.0.presence.present.send_modify(|present| {
            present.remove(&id);
        });
        self.count_answerers();
    }

    fn count_answerers(&self) {
        let count = self.0.presence.present.borrow().values().filter(|can_answer| **can_answer).count();
        self.0.resources.answerers.send_replace(count);
    }

    /// Returns when the daemon has to leave: when it was told to, or, with `linger`, when nobody was connected and nothing ran
    /// for that long.
    pub(crate) async fn leaving(&self, linger: Option<Duration>) {
        let mut phase = self.0.phase.subscribe();
        tokio::select! {
            // Every receiver lives as long as the daemon.
            _ = phase.wait_for(|phase| *phase == Phase::Leaving) => {}
            () = self.idle_for(linger) => {}
        }
    }

    /// Returns when no turn runs.
    pub(crate) async fn rest(&self) {
        let mut running = self.0.resources.running.subscribe();
        // The sender lives as long as the daemon.
        let _held = running.wait_for(|running| running.is_empty()).await;
    }

    async fn idle_for(&self, linger: Option<Duration>) {
        let Some(linger) = linger else { return std::future::pending().await };
        let mut present = self.0.presence.present.subscribe();
        let mut running = self.0.resources.running.subscribe();
        loop {
            let idle = present.borrow_and_update().is_empty() && running.borrow_and_update().is_empty();
            let alarm = self.0.resources.clock.sleep(linger);
            tokio::select! {
                _ = present.changed() => {}
                _ = running.changed() => {}
                () = alarm, if idle => return,
            }
        }
    }
}
