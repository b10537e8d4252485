//! Who is connected, and how long nobody was. Not here: connections (`wire`), and who sees which requests
//! (`session::answerers`).
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tenon_protocol::context::ContextParams;
use tenon_protocol::error::RpcError;
use tenon_protocol::handshake::Role;
use tenon_protocol::ids::{JobId, SessionId};
use tokio::sync::watch;

use crate::base::task::Task;
use crate::daemon::drain::{Course, leaving};
use crate::daemon::{Caller, Daemon};

/// How long a daemon waits for its first client: as long as a client waits for a daemon that it has started.
const FIRST_CLIENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The connections there are.
#[derive(Debug)]
pub(crate) struct Presence {
    door: watch::Sender<Door>,
    /// What waits for the end of running turns, once the daemon drains: held so that it lives.
    draining: watch::Sender<Option<Task<()>>>,
}

/// Who got in.
#[derive(Debug, Default)]
struct Door {
    /// Those inside.
    inside: BTreeSet<u64>,
    /// Whether anybody ever was.
    used: bool,
    /// Whether it is closed: the last look found nobody, and the daemon leaves.
    closed: bool,
}

/// What runs in every session, watched.
#[derive(Debug)]
pub(crate) struct Work {
    turns: watch::Receiver<Arc<BTreeSet<SessionId>>>,
    /// Each with whether nobody waits for it.
    jobs: watch::Receiver<Arc<BTreeMap<JobId, bool>>>,
}

impl Work {
    /// Takes what runs now as known.
    pub(crate) fn mark_unchanged(&mut self) {
        self.turns.mark_unchanged();
        self.jobs.mark_unchanged();
    }

    /// Tells whether nothing runs.
    fn is_done(&self) -> bool {
        self.turns.borrow().is_empty() && self.jobs.borrow().is_empty()
    }

    /// Returns when something began or ended. The senders live as long as the daemon.
    pub(crate) async fn changed(&mut self) {
        tokio::select! {
            _ = self.turns.changed() => {}
            _ = self.jobs.changed() => {}
        }
    }
}

impl Default for Presence {
    fn default() -> Self {
        Self { door: watch::Sender::new(Door::default()), draining: watch::Sender::new(None) }
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
    ///
    /// # Errors
    /// 1006 when the daemon has just found that nobody is there, and leaves.
    pub(crate) fn connected(&self, caller: &Caller) -> Result<(), RpcError> {
        let got_in = self.0.presence.door.send_if_modified(|door| {
            if !door.closed {
                door.inside.insert(caller.id);
                door.used = true;
            }
            !door.closed
        });
        if got_in { Ok(()) } else { Err(leaving()) }
    }

    /// A connection ended.
    pub(crate) fn disconnected(&self, id: u64) {
        self.0.presence.door.send_modify(|door| {
            door.inside.remove(&id);
        });
        self.0.resources.board.forget(id);
        self.heir_left(id);
        self.leaves_all(id);
    }

    /// Tells whether a connection is there.
    pub(crate) fn is_inside(&self, id: u64) -> bool {
        self.0.presence.door.borrow().inside.contains(&id)
    }

    /// A connection tells what its person looks at. One that may only look changes nothing for others.
    pub(crate) fn looks(&self, caller: &Caller, params: ContextParams) {
        if caller.role == Role::Controller {
            self.0.resources.board.tell(caller.id, caller.by(), params);
        }
    }

    /// Closes the door if nobody is inside; from then on nobody gets in.
    fn close_the_door(&self) -> bool {
        self.0.presence.door.send_if_modified(|door| {
            door.closed = door.inside.is_empty();
            door.closed
        })
    }

    /// Returns when the daemon has to leave: when it was told to, or, with `linger`, when nobody was connected and nothing ran
    /// for that long.
    pub(crate) async fn leaving(&self, linger: Option<Duration>) {
        let mut course = self.0.course.subscribe();
        tokio::select! {
            // Every receiver lives as long as the daemon.
            _ = course.wait_for(|course| matches!(course, Course::Leaving { .. })) => {}
            () = self.idle_for(linger) => {}
        }
    }

    /// Returns what tells that a turn or a job began or ended.
    pub(crate) fn work(&self) -> Work {
        Work { turns: self.0.resources.running.subscribe(), jobs: self.0.resources.jobs.subscribe() }
    }

    async fn idle_for(&self, linger: Option<Duration>) {
        let Some(linger) = linger else { return std::future::pending().await };
        let mut door = self.0.presence.door.subscribe();
        let mut work = self.work();
        loop {
            let (empty, used) = {
                let door = door.borrow_and_update();
                (door.inside.is_empty(), door.used)
            };
            work.mark_unchanged();
            let idle = empty && work.is_done();
            // Whoever started it is on the way, however short it lingers afterwards.
            let patience = if used { linger } else { linger.max(FIRST_CLIENT_TIMEOUT) };
            let alarm = self.0.resources.clock.sleep(patience);
            tokio::select! {
                _ = door.changed() => {}
                () = work.changed() => {}
                // Whoever was faster than this is served.
                () = alarm, if idle => {
                    if self.close_the_door() {
                        return;
                    }
                }
            }
        }
    }
}
