//! What is wrong with the machine: a disk without room, a clock that went back. It is looked at when work begins, never on a
//! timer, and told once, as a `notice`. Not here: what becomes of a turn that runs while the disk is full.
use std::time::{Duration, Instant};

use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::event::EventBody;
use tenon_protocol::event::all::Notice;
use tokio::sync::watch;

use crate::base::clock::Timestamp;
use crate::daemon::Daemon;
use crate::journal::{LogId, PageLimits};

/// Below this the disk is nearly full: some days of logs, and too little for most programs beside us.
const FREE_BYTES_MIN: u64 = 100 << 20;

/// A clock that goes back by less is one that is being set right.
const BACK_MIN: Duration = Duration::from_mins(1);

/// Notices that wait for a log that takes nothing.
const UNTOLD_MAX: usize = 16;

/// What was seen of the machine.
#[derive(Debug, Default)]
pub(crate) struct Health(watch::Sender<Seen>);

#[derive(Debug, Default)]
struct Seen {
    room: Room,
    /// The clock when it was looked at last, and when that was on one that never jumps.
    clock: Option<(Timestamp, Instant)>,
    untold: Vec<Notice>,
}

/// How much room there is on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Room {
    #[default]
    Enough,
    Low,
    None,
}

impl Seen {
    /// Takes what the disk says; a person is told where it is another thing than before.
    fn look_at_disk(&mut self, is_full: bool, free_bytes: Option<u64>) {
        let room = match free_bytes {
            _ if is_full => Room::None,
            Some(free) if free < FREE_BYTES_MIN => Room::Low,
            // Around the limit nothing is told again and again.
            Some(free) if free < 2 * FREE_BYTES_MIN && self.room == Room::Low => Room::Low,
            Some(_) | None => Room::Enough,
        };
        let before = std::mem::replace(&mut self.room, room);
        let free = free_bytes.unwrap_or_default() >> 20;
        match (before, room) {
            (Room::None | Room::Low | Room::Enough, Room::None) if before != room => self.tell(
                "disk",
                "the disk that the state directory is on is full: nothing new starts until there is room".to_owned(),
            ),
            (Room::Enough, Room::Low) => self.tell(
                "disk",
                format!(
                    "the disk that the state directory is on is nearly full: {free} MiB are left, and without room nothing new starts"
                ),
            ),
            (Room::None, Room::Low | Room::Enough) => {
                self.tell("disk", "there is room on the disk again: work can start".to_owned());
            }
            (Room::None | Room::Low | Room::Enough, _) => {}
        }
    }

    /// Takes what the clock says; a person is told where it is earlier than it can be.
    fn look_at_clock(&mut self, now: Timestamp, at: Instant) {
        let before = self.clock.replace((now, at));
        let Some((then, earlier)) = before else { return };
        let back = then.plus(at.saturating_duration_since(earlier)).since(now);
        if back >= BACK_MIN {
            let message = format!(
                "the machine's clock went back by {}: times in the logs are not in their order, and those of sessions and keys may be wrong",
                length(back)
            );
            self.tell("clock", message);
        }
    }

    fn tell(&mut self, kind: &str, message: String) {
        if self.untold.len() < UNTOLD_MAX {
            self.untold.push(Notice { kind: kind.to_owned(), message });
        }
    }
}

/// Returns a length of time in words.
fn length(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match (minutes / (24 * 60), minutes / 60, minutes) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {} min", minutes % 60),
        (days, hours, _) => format!("{days} days {} h", hours % 24),
    }
}

impl Daemon {
    /// Refuses new work while the disk is full, and looks at the rest of the machine; what a person should know is told soon.
    /// Costs some microseconds, and waits for nothing.
    pub(in crate::daemon) fn room_on_disk(&self) -> Result<(), RpcError> {
        let is_full = self.0.resources.journal.is_full();
        self.see_machine(is_full);
        if is_full {
            let error = RpcError::new(ErrorKind::StorageFull, "the disk is full: nothing new starts");
            return Err(error.hint("free some space; no restart is needed"));
        }
        Ok(())
    }

    fn see_machine(&self, is_full: bool) {
        let free_bytes = self.0.resources.journal.free_bytes();
        let (now, at) = (self.0.resources.clock.now(), Instant::now());
        self.0.health.0.send_if_modified(|seen| {
            seen.look_at_disk(is_full, free_bytes);
            seen.look_at_clock(now, at);
            !seen.untold.is_empty()
        });
    }

    /// Tells what was seen, until it is dropped. Waits without waking up.
    pub(crate) async fn keep_health(&self) {
        let mut full = self.0.resources.journal.fullness();
        let mut seen = self.0.health.0.subscribe();
        if let Some(last) = self.last_told().await {
            self.0.health.0.send_modify(|seen| seen.clock = Some((last, Instant::now())));
        }
        loop {
            seen.mark_unchanged();
            // Whether there is room again is not tried here: what is free now is for the commit that it was freed for.
            let is_full = *full.borrow_and_update();
            self.see_machine(is_full);
            let mut untold = Vec::new();
            self.0.health.0.send_if_modified(|seen| {
                untold = std::mem::take(&mut seen.untold);
                false
            });
            for notice in untold {
                tracing::warn!(kind = notice.kind, "{}", notice.message);
                // A disk that takes nothing at all is told to whoever wants to write.
                let _untold = self.machine(EventBody::Notice(notice), Vec::new()).await;
            }
            tokio::select! {
                // The senders live as long as the daemon.
                _ = full.changed() => {}
                _ = seen.changed() => {}
            }
        }
    }

    /// Returns when the newest event of the machine's log was recorded.
    async fn last_told(&self) -> Option<Timestamp> {
        let journal = &self.0.resources.journal;
        let mut behind = journal.ends(&LogId::All).await.ok()?.head;
        behind.seq += 1;
        let page = journal.read_before(&LogId::All, behind, PageLimits::events(1), None).await.ok()?;
        let event: Recorded = serde_json::from_slice(page.events.last()?.bytes()).ok()?;
        Timestamp::parse(&event.at)
    }
}

/// As much of an event as tells when it was.
#[derive(serde::Deserialize)]
struct Recorded {
    at: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn told(seen: &mut Seen) -> Vec<String> {
        std::mem::take(&mut seen.untold).into_iter().map(|notice| notice.message).collect()
    }

    #[test]
    fn a_disk_is_told_when_it_becomes_another_thing() {
        let mut seen = Seen::default();
        let mut check = |is_full, free: u64| {
            seen.look_at_disk(is_full, Some(free * MIB));
            told(&mut seen).join("; ")
        };
        assert_eq!(check(false, 500), "");
        assert!(check(false, 99).contains("nearly full: 99 MiB"));
        assert_eq!((check(false, 50), check(false, 150)), (String::new(), String::new()));
        assert!(check(true, 0).contains("is full"));
        assert_eq!(check(true, 1), "");
        assert!(check(false, 50).contains("room on the disk again"));
        assert_eq!((check(false, 50), check(false, 201)), (String::new(), String::new()));
        assert!(check(false, 60).contains("nearly full"));
        seen.look_at_disk(false, None);
        assert_eq!(told(&mut seen), Vec::<String>::new());
    }

    #[test]
    fn a_clock_that_goes_back_is_told_and_one_that_goes_on_is_not() {
        let (mut seen, start) = (Seen::default(), Instant::now());
        let mut check = |wall_s: i64, steady_s: u64| {
            seen.look_at_clock(Timestamp(wall_s * 1000), start + Duration::from_secs(steady_s));
            told(&mut seen).join("; ")
        };
        let silent = [check(1_000_000, 0), check(1_000_010, 10), check(1_500_000, 11), check(1_499_950, 12)];
        assert_eq!(silent, [const { String::new() }; 4]);
        assert!(check(1_490_000, 20).contains("back by 2 h 45 min"));
        assert_eq!(check(1_490_010, 30), "");
        assert!(check(1_490_020, 200).contains("back by 2 min"), "it stood still");
        assert!(check(0, 210).contains("back by 17 days 5 h"));
    }
}
