//! The session's entry in lists, and when the `all` log is told of it. Not here: what the entry says (`projections::listed`).
//!
//! The entry is written with every commit; the `all` log is told of a change at most once a second. What is held back is on
//! record in the same transaction (`ItemKind::Untold`), so that it is told by whoever comes next, after a crash too.
use std::time::Duration;

use tenon_protocol::event::all::SessionListed;
use tenon_protocol::event::session::SessionChanged;
use tenon_protocol::session::{SessionItem, SessionState};

use crate::base::clock::{Sleep, Timestamp};
use crate::journal::{AppendError, Batch, ItemKind, ItemWrite, Journal, LogId, ReadError};
use crate::session::actor::{Actor, Beside, draft};
use crate::turn::ports::Fact;

/// Changes of a session's entry are told in the `all` log at most once in this time.
const LISTING_PAUSE: Duration = Duration::from_secs(1);

/// Entries that one start tells at most: as many as could have changed in one `LISTING_PAUSE`, and more.
const UNTOLD_MAX: usize = 10_000;

/// What the `all` log knows of the session.
pub(crate) struct Listing {
    /// The entry as it was told last.
    told: SessionItem,
    at: Option<Timestamp>,
    /// Rings when a change that was held back has to be told.
    alarm: Option<Sleep>,
}

/// What one commit does to the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is told.
    Told,
    /// It is told after so long.
    Held(Duration),
    /// Nobody needs to know, or an alarm is set already.
    Quiet,
}

impl Listing {
    /// Knows that this was told.
    pub(crate) const fn new(told: SessionItem) -> Self {
        Self { told, at: None, alarm: None }
    }

    /// Waits for the alarm; for ever where none is set.
    pub(crate) async fn alarm(&mut self) {
        match &mut self.alarm {
            Some(sleep) => sleep.await,
            None => std::future::pending().await,
        }
    }

    /// Tells whether a change is held back.
    pub(crate) const fn holds_back(&self) -> bool {
        self.alarm.is_some()
    }

    fn step(&self, now: Timestamp, item: &SessionItem) -> Step {
        if !differs(&self.told, item) {
            return Step::Quiet;
        }
        let rest = self.at.map_or(Duration::ZERO, |at| LISTING_PAUSE.saturating_sub(now.since(at)));
        // Nothing follows the end of a session that could tell it.
        if rest.is_zero() || item.state == SessionState::Closed {
            Step::Told
        } else if self.alarm.is_some() {
            Step::Quiet
        } else {
            Step::Held(rest)
        }
    }
}

/// Tells whether an entry says something else than before. Of a session that works, the end of its log, its time and its cost
/// are told along with other news: they change with every event.
fn differs(told: &SessionItem, now: &SessionItem) -> bool {
    let mut told = told.clone();
    if matches!(now.state, SessionState::Running | SessionState::Waiting) {
        told.head = now.head;
        told.updated_at.clone_from(&now.updated_at);
        told.cost = now.cost;
    }
    told != *now
}

impl Actor {
    /// Puts the entry into a transaction, and decides whether the `all` log is told in it. `listed` says it was committed.
    pub(crate) fn list(&self, now: Timestamp, item: &SessionItem, beside: &mut Beside) -> Step {
        beside.items.push(entry(item));
        if beside.create {
            beside.machine.push(Fact::new(SessionListed { item: item.clone() }));
            return Step::Told;
        }
        let step = self.listing.step(now, item);
        match step {
            Step::Told => {
                beside.machine.push(news(item));
                if self.listing.holds_back() {
                    beside.items.push(told(item));
                }
            }
            Step::Held(_) => beside.items.push(held_back(item)),
            Step::Quiet => {}
        }
        step
    }

    /// The transaction with the entry is on disk.
    pub(crate) fn listed(&mut self, now: Timestamp, item: SessionItem, step: Step) {
        match step {
            Step::Told => self.listing = Listing { told: item, at: Some(now), alarm: None },
            Step::Held(rest) => self.listing.alarm = Some(self.resources.clock.sleep(rest)),
            Step::Quiet => {}
        }
    }

    /// Tells the `all` log what was held back.
    pub(crate) async fn list_again(&mut self) -> Result<(), AppendError> {
        let item = self.state.listed.item.clone();
        let batch = Batch {
            // The session's own, so that nothing is told of one that was deleted meanwhile.
            log: LogId::Session(self.state.id.clone()),
            create: false,
            drafts: Vec::new(),
            machine: vec![draft(news(&item), None)],
            items: vec![entry(&item), told(&item)],
        };
        self.resources.journal.append(batch).await?;
        self.listed(self.resources.clock.now(), item, Step::Told);
        Ok(())
    }

    /// Takes up what an actor before this one held back.
    pub(crate) async fn take_up_untold(&mut self) -> Result<(), ReadError> {
        let held = self.resources.journal.item(ItemKind::Untold, self.state.id.as_str()).await?;
        if held.is_some() {
            self.listing.alarm = Some(self.resources.clock.sleep(Duration::ZERO));
        }
        Ok(())
    }
}

/// Why what a former owner held back is not told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UntoldError {
    /// The lists cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log takes nothing.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Tells the `all` log what a former owner of the state directory held back. Call it before anybody can ask.
pub(crate) async fn tell_untold(journal: &Journal) -> Result<(), UntoldError> {
    let held = journal.items(ItemKind::Untold, None, None, UNTOLD_MAX).await?;
    let (mut drafts, mut items) = (Vec::new(), Vec::new());
    // The oldest first, so that the lists keep their order.
    for row in held.items.into_iter().rev() {
        let json = journal.item(ItemKind::Session, &row.id).await?;
        if let Some(item) = json.and_then(|json| serde_json::from_str::<SessionItem>(&json).ok()) {
            drafts.push(draft(news(&item), None));
            items.extend([entry(&item), told(&item)]);
        }
    }
    if !drafts.is_empty() {
        journal.append(Batch { items, ..Batch::of(LogId::All, drafts) }).await?;
    }
    Ok(())
}

fn news(item: &SessionItem) -> Fact {
    Fact::new(SessionChanged { item: Some(item.clone()), ..SessionChanged::default() })
}

fn entry(item: &SessionItem) -> ItemWrite {
    ItemWrite {
        kind: ItemKind::Session,
        id: item.id.to_string(),
        group: item.workspace.clone(),
        json: serde_json::to_string(item).ok(),
    }
}

/// Returns the record that a change of this entry is still to be told.
fn held_back(item: &SessionItem) -> ItemWrite {
    ItemWrite { json: Some(String::new()), ..told(item) }
}

/// Returns that there is no such record any more.
fn told(item: &SessionItem) -> ItemWrite {
    let id = item.id.to_string();
    ItemWrite { kind: ItemKind::Untold, group: id.clone(), id, json: None }
}

#[cfg(test)]
mod tests {
    use tenon_protocol::cursor::Cursor;

    use super::*;
    use crate::projections::listed::Listed;

    #[test]
    fn what_changes_with_every_event_is_told_when_the_session_rests() {
        let mut told = Listed::new("s_1".into(), 1).item;
        told.state = SessionState::Running;
        let later = SessionItem { head: Cursor { epoch: 1, seq: 9 }, cost: 1.0, ..told.clone() };
        assert!(!differs(&told, &later));
        assert!(differs(&told, &SessionItem { changed_files: 1, ..later.clone() }));
        let rests = SessionItem { state: SessionState::Idle, ..told };
        assert!(differs(&rests, &SessionItem { state: SessionState::Idle, ..later }));
    }

    #[test]
    fn the_second_change_within_a_second_is_held_back_once() {
        let item = Listed::new("s_1".into(), 1).item;
        let changed = SessionItem { title: "new".to_owned(), ..item.clone() };
        let mut listing = Listing::new(item.clone());
        assert_eq!(listing.step(Timestamp(5_000), &item), Step::Quiet);
        assert_eq!(listing.step(Timestamp(5_000), &changed), Step::Told);
        listing.at = Some(Timestamp(4_700));
        assert_eq!(listing.step(Timestamp(5_000), &changed), Step::Held(Duration::from_millis(700)));
        let closed = SessionItem { state: SessionState::Closed, ..changed.clone() };
        assert_eq!(listing.step(Timestamp(5_000), &closed), Step::Told);
        listing.alarm = Some(Box::pin(std::future::pending()));
        assert_eq!(listing.step(Timestamp(5_000), &changed), Step::Quiet);
        assert_eq!(listing.step(Timestamp(6_000), &changed), Step::Told);
    }
}
