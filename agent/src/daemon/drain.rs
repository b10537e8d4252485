//! Leaving: when the turns and jobs that run have ended, at once, or to a newer agent that goes on with the turns. Not here:
//! what a turn does at its safe point (`session::hold`).
//!
//! Nobody waits for a job in the background, but others may use what it serves: it is ended last.
//!
//! A hand-over belongs to the connections that asked for it, each of which starts the newer agent as soon as this one is
//! gone. When the last of them ends first (it was killed, or did not want to wait any longer) nobody would follow, so this
//! daemon stays and every turn goes on where it stands.
use std::collections::BTreeSet;

use tenon_protocol::admin::AdminResult;
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::event::all::{AgentDraining, Notice};
use tenon_protocol::prompt::InterruptParams;

use crate::base::task;
use crate::daemon::{Caller, Daemon};
use crate::session::command::Command;
use crate::session::jobs::WhichJobs;
use crate::session::resources::Hold;

/// When whoever was refused may try again.
const RETRY_AFTER_MS: u64 = 500;

/// Where the daemon is heading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Course {
    /// It takes new work.
    #[default]
    Open,
    /// It leaves when every turn stands at a safe point, and one of these connections starts the next agent.
    HandingOver(BTreeSet<u64>),
    /// It leaves when what runs has ended.
    Draining,
    /// It leaves now.
    Leaving {
        /// Whether a newer agent follows at once.
        heir: bool,
    },
}

impl Course {
    fn drain(&mut self) -> bool {
        let changes = matches!(self, Self::Open | Self::HandingOver(_));
        if changes {
            *self = Self::Draining;
        }
        changes
    }

    /// Notes a connection that starts the next agent; tells whether there is a hand-over now.
    fn hand_over(&mut self, heir: u64) -> bool {
        match self {
            Self::Open => *self = Self::HandingOver(BTreeSet::from([heir])),
            Self::HandingOver(heirs) => {
                heirs.insert(heir);
            }
            Self::Draining | Self::Leaving { .. } => return false,
        }
        true
    }

    /// Notes the end of a connection; tells whether that undoes the hand-over.
    fn lose(&mut self, heir: u64) -> bool {
        let Self::HandingOver(heirs) = self else { return false };
        let undone = heirs.remove(&heir) && heirs.is_empty();
        if undone {
            *self = Self::Open;
        }
        undone
    }

    /// Nothing runs any more.
    fn arrive(&mut self) -> bool {
        let heir = match self {
            Self::HandingOver(_) => true,
            Self::Draining => false,
            Self::Open | Self::Leaving { .. } => return false,
        };
        *self = Self::Leaving { heir };
        true
    }
}

impl Daemon {
    /// Takes no more work. A turn that waits for a person is at a safe point already; those that run may finish.
    pub(crate) async fn drain(&self) -> Result<AdminResult, RpcError> {
        self.0.course.send_if_modified(Course::drain);
        self.0.resources.hold.send_replace(Hold::Turns);
        self.leave_at_rest().await
    }

    /// Drains, interrupts the turns that run and ends every job.
    pub(crate) async fn stop(&self) -> Result<AdminResult, RpcError> {
        let result = self.drain().await?;
        let running = self.0.resources.running.borrow().as_ref().clone();
        for handle in self.loaded().into_iter().filter(|handle| running.contains(&handle.id)) {
            let params =
                InterruptParams { session_id: handle.id.clone(), turn_id: None, jobs: None, drop: None };
            // A turn that has ended meanwhile needs no interrupt.
            let _told = handle.call(|reply| Command::Interrupt { params, reply }).await;
        }
        self.end_jobs(WhichJobs::All).await;
        Ok(result)
    }

    /// Lets turns stand still at their next safe point, and leaves then. A daemon that leaves anyway does so as it was told.
    pub(crate) async fn hand_over(&self, caller: &Caller) -> Result<AdminResult, RpcError> {
        let mut hands_over = false;
        self.0.course.send_if_modified(|course| {
            hands_over = course.hand_over(caller.id);
            hands_over
        });
        if hands_over {
            self.0.resources.hold.send_replace(Hold::Steps);
        }
        self.leave_at_rest().await
    }

    /// A connection has ended: if it was to start the next agent and no other is, this daemon stays.
    pub(crate) fn heir_left(&self, connection: u64) {
        if !self.0.course.send_if_modified(|course| course.lose(connection)) {
            return;
        }
        self.0.resources.hold.send_replace(Hold::Nowhere);
        let daemon = self.clone();
        self.0.presence.keep(task::spawn(async move {
            let message = "the hand-over to a newer agent was given up: this one goes on".to_owned();
            let notice = Notice { kind: "handOver".to_owned(), message };
            // A log that takes nothing is told to whoever wants to write.
            let _untold = daemon.machine(notice.into(), Vec::new()).await;
        }));
    }

    /// Tells whether a newer agent follows at once.
    pub(crate) fn has_heir(&self) -> bool {
        matches!(*self.0.course.borrow(), Course::Leaving { heir: true })
    }

    /// Waits, in the background, until nothing runs, and leaves then. How much still does is told in the `all` log.
    async fn leave_at_rest(&self) -> Result<AdminResult, RpcError> {
        let running = self.running();
        self.machine(self.draining(running).into(), Vec::new()).await?;
        let daemon = self.clone();
        self.0.presence.keep(task::spawn(async move { daemon.rest_and_leave(running).await }));
        Ok(AdminResult { pid: Some(std::process::id()), running: Some(running), ..AdminResult::default() })
    }

    async fn rest_and_leave(&self, mut told: u64) {
        let mut changes = self.work();
        loop {
            changes.mark_unchanged();
            let running = self.running();
            if running == 0 && self.has_ended_jobs().await {
                self.0.course.send_if_modified(Course::arrive);
                return;
            }
            if running != told {
                told = running;
                let _untold = self.machine(self.draining(running).into(), Vec::new()).await;
            }
            changes.changed().await;
        }
    }

    /// Returns when nothing runs, jobs in the background ended.
    pub(crate) async fn rest(&self) {
        let mut changes = self.work();
        loop {
            changes.mark_unchanged();
            if self.running() == 0 && self.has_ended_jobs().await {
                return;
            }
            changes.changed().await;
        }
    }

    /// Ends the jobs in the background; tells whether there is none any more.
    async fn has_ended_jobs(&self) -> bool {
        let is_empty = self.0.resources.jobs.borrow().is_empty();
        if !is_empty {
            self.end_jobs(WhichJobs::Background).await;
        }
        is_empty
    }

    /// Returns how many turns and jobs run that are waited for.
    fn running(&self) -> u64 {
        let turns = self.0.resources.running.borrow().len();
        let jobs = self.0.resources.jobs.borrow().values().filter(|background| !**background).count();
        u64::try_from(turns + jobs).unwrap_or(u64::MAX)
    }

    fn draining(&self, running: u64) -> AgentDraining {
        let hand_over = matches!(*self.0.course.borrow(), Course::HandingOver(_)).then_some(true);
        AgentDraining { running, hand_over }
    }

    /// Refuses new work while the daemon leaves.
    pub(crate) fn admit(&self) -> Result<(), RpcError> {
        match &*self.0.course.borrow() {
            Course::Open => Ok(()),
            Course::HandingOver(_) | Course::Leaving { heir: true } => {
                Err(refusal("a newer agent takes over")
                    .with("handOver", true)
                    .hint("connect again when this connection ends: nothing that runs is lost"))
            }
            Course::Draining | Course::Leaving { heir: false } => Err(leaving()),
        }
    }
}

fn refusal(message: &str) -> RpcError {
    RpcError::new(ErrorKind::Draining, message).retry(Retry::Later).with("retryAfterMs", RETRY_AFTER_MS)
}

/// What is told to whoever comes while the daemon leaves.
pub(crate) fn leaving() -> RpcError {
    refusal("the agent is leaving and takes no new work")
        .hint("try again in a moment: the next command starts it anew")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_over_ends_with_the_last_connection_that_asked_for_it() {
        let mut course = Course::Open;
        assert!(course.hand_over(1) && course.hand_over(2));
        assert!(!course.lose(3) && !course.lose(1));
        assert!(course.lose(2), "nobody follows any more");
        assert_eq!(course, Course::Open);
        assert!(course.hand_over(4) && course.arrive());
        assert_eq!(course, Course::Leaving { heir: true });
        assert!(!course.lose(4), "it is too late to stay");
    }

    #[test]
    fn who_leaves_for_good_hands_nothing_over() {
        let mut course = Course::Open;
        assert!(course.hand_over(1) && course.drain());
        assert!(!course.hand_over(2) && !course.lose(1));
        assert!(course.arrive() && !course.arrive());
        assert_eq!(course, Course::Leaving { heir: false });
    }
}
