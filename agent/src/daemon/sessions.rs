//! The sessions in memory: each loaded once, when it is asked for, and unloaded when nobody used it for a while. Not here:
//! their lists (`lists`), which need no session.
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::ids::SessionId;
use tokio::sync::{Notify, OnceCell};

use crate::base::clock::Timestamp;
use crate::config::environment::Variables;
use crate::daemon::Daemon;
use crate::journal::LogId;
use crate::session::SessionHandle;
use crate::session::command::Command;
use crate::session::load::{self, Live};

#[expect(clippy::disallowed_types, reason = "guards a map for a look-up; never held across an await")]
type Lock<T> = std::sync::Mutex<T>;

/// Sessions that rest in memory at most, those that are observed aside; of more, the ones that were not used for longest are
/// unloaded at once.
const RESTING_MAX: usize = 32;

/// The shortest pause between two looks for sessions to unload.
const LOOK_PAUSE_MIN: Duration = Duration::from_millis(10);

/// Senders of a session's mailbox that nobody uses: the actor's own and the place's. Whoever else can send, or a turn that
/// runs, holds one more.
const SENDERS_AT_REST: usize = 2;

/// A session's place: empty until it is loaded, and loaded by whoever comes first.
#[derive(Debug, Default)]
struct Place {
    live: OnceCell<Live>,
    /// The session that is about to be unloaded. Whoever fills the place takes it from here first, so there are never two
    /// actors of one session.
    leaving: Lock<Option<Live>>,
}

/// A place, and when it was asked for last.
#[derive(Debug, Default)]
struct Used {
    place: Arc<Place>,
    at: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Table {
    places: BTreeMap<SessionId, Used>,
    /// What clients brought to sessions that are unloaded, keys included. Equal ones are kept once.
    brought: BTreeMap<SessionId, Arc<Variables>>,
}

/// The sessions in memory.
///
/// A map behind a lock rather than a task with a mailbox: loading a session takes milliseconds, and nobody who asks for another
/// one should wait for that.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    table: Lock<Table>,
    /// Wakes the one who unloads: a session was loaded.
    loaded: Notify,
}

fn locked<T, R>(lock: &Lock<T>, work: impl FnOnce(&mut T) -> R) -> R {
    work(&mut lock.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Place {
    fn leaving(live: Live) -> Self {
        Self { live: OnceCell::new(), leaving: Lock::new(Some(live)) }
    }

    fn take_leaving(&self) -> Option<Live> {
        locked(&self.leaving, Option::take)
    }
}

impl Sessions {
    fn place(&self, id: &SessionId, now: Timestamp) -> Arc<Place> {
        locked(&self.table, |table| {
            let used = table.places.entry(id.clone()).or_default();
            used.at = Some(now);
            if used.place.live.get().is_some_and(|live| live.handle.is_gone()) {
                used.place = Arc::default();
            }
            Arc::clone(&used.place)
        })
    }

    /// Removes a place that could not be filled, unless somebody else is about to.
    fn give_up(&self, id: &SessionId, place: &Arc<Place>) {
        locked(&self.table, |table| {
            let ours = |used: &Used| Arc::ptr_eq(&used.place, place);
            // The table's and ours.
            if table.places.get(id).is_some_and(ours)
                && Arc::strong_count(place) == 2
                && place.live.get().is_none()
            {
                table.places.remove(id);
            }
        });
    }

    fn forget(&self, id: &SessionId) {
        locked(&self.table, |table| {
            table.places.remove(id);
            table.brought.remove(id);
        });
    }

    fn loaded(&self) -> Vec<SessionHandle> {
        let handle = |used: &Used| used.place.live.get().map(|live| live.handle.clone());
        locked(&self.table, |table| table.places.values().filter_map(handle).collect())
    }

    fn take_all(&self) -> Vec<Arc<Place>> {
        let all = locked(&self.table, |table| std::mem::take(&mut table.places));
        all.into_values().map(|used| used.place).collect()
    }

    fn keep_brought(&self, id: &SessionId, variables: Variables) {
        locked(&self.table, |table| {
            let known = table.brought.values().find(|known| ***known == variables).cloned();
            table.brought.insert(id.clone(), known.unwrap_or_else(|| Arc::new(variables)));
        });
    }

    fn brought(&self, id: &SessionId) -> Variables {
        locked(&self.table, |table| table.brought.remove(id)).map(Arc::unwrap_or_clone).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        locked(&self.table, |table| table.places.is_empty())
    }

    /// Returns the sessions that may be unloaded: those that rested for so long, and the oldest of too many.
    fn unused(&self, now: Timestamp, rest: Duration, watched: impl Fn(&SessionId) -> bool) -> Vec<SessionId> {
        let mut resting: Vec<(Timestamp, SessionId)> = locked(&self.table, |table| {
            let rests = table.places.iter_mut().filter_map(|(id, used)| {
                let live = used.place.live.get()?;
                if live.handle.commands.strong_count() > SENDERS_AT_REST {
                    used.at = Some(now);
                    return None;
                }
                Some((used.at.unwrap_or(now), id.clone()))
            });
            rests.collect()
        });
        resting.retain(|(_, id)| !watched(id));
        resting.sort();
        let crowd = resting.len().saturating_sub(RESTING_MAX);
        let old =
            |(place, (at, _)): (usize, &(Timestamp, SessionId))| place < crowd || now.since(*at) >= rest;
        let count = resting.iter().enumerate().filter(|entry| old(*entry)).count();
        resting.truncate(count);
        resting.into_iter().map(|(_, id)| id).collect()
    }

    /// Makes a session leave its place, if nobody holds it; returns the place it leaves.
    fn begin_leaving(&self, id: &SessionId) -> Option<Arc<Place>> {
        locked(&self.table, |table| {
            let used = table.places.get_mut(id)?;
            let live = used.place.live.get()?;
            if live.handle.commands.strong_count() > SENDERS_AT_REST {
                return None;
            }
            // Whoever has this place may take a handle from it at any moment.
            let place = Arc::get_mut(&mut used.place)?;
            let live = place.live.take()?;
            used.place = Arc::new(Place::leaving(live));
            Some(Arc::clone(&used.place))
        })
    }
}

impl Daemon {
    /// Returns a session, loaded if it was not.
    pub(crate) async fn session(&self, id: &SessionId) -> Result<SessionHandle, RpcError> {
        let place = self.0.sessions.place(id, self.0.resources.clock.now());
        let loaded = place.live.get_or_try_init(|| self.bring_back(id, &place)).await;
        let handle = loaded.map(|live| live.handle.clone());
        if handle.is_err() {
            self.0.sessions.give_up(id, &place);
        }
        handle
    }

    /// Fills a place: with the session that was about to leave it, else from the log.
    async fn bring_back(&self, id: &SessionId, place: &Place) -> Result<Live, RpcError> {
        if let Some(live) = place.take_leaving() {
            return Ok(live);
        }
        let brought = self.0.sessions.brought(id);
        let loaded = load::load(&self.0.resources, id.clone(), &brought, self.0.leave.child_token()).await;
        match &loaded {
            Ok(_) => self.0.sessions.loaded.notify_one(),
            Err(_) if !brought.is_empty() => self.0.sessions.keep_brought(id, brought),
            Err(_) => {}
        }
        loaded
    }

    /// Creates a session.
    pub(crate) async fn create(&self, seed: load::Seed) -> Result<SessionHandle, RpcError> {
        let live = load::create(&self.0.resources, seed, self.0.leave.child_token()).await?;
        let handle = live.handle.clone();
        let place = self.0.sessions.place(&handle.id, self.0.resources.clock.now());
        // The id is new: nobody else can have filled its place.
        place
            .live
            .set(live)
            .map_err(|_| RpcError::new(ErrorKind::Internal, "a new session has an old one's id"))?;
        self.0.sessions.loaded.notify_one();
        Ok(handle)
    }

    /// Returns the sessions in memory.
    pub(crate) fn loaded(&self) -> Vec<SessionHandle> {
        self.0.sessions.loaded()
    }

    /// Drops a session from memory; its log is deleted by then.
    pub(crate) fn forget(&self, id: &SessionId) {
        self.0.sessions.forget(id);
    }

    /// Unloads sessions that nobody used for `rest`, and takes those up whose workspace was trusted meanwhile, until it is
    /// dropped. Does not wake up while no session is in memory.
    pub(crate) async fn keep_sessions(&self, rest: Duration) {
        let mut trusted = self.0.resources.standing.trusted.subscribe();
        let pause = (rest / 2).max(LOOK_PAUSE_MIN);
        loop {
            let look = async {
                if self.0.sessions.is_empty() {
                    std::future::pending::<()>().await;
                } else {
                    self.0.resources.clock.sleep(pause).await;
                }
            };
            tokio::select! {
                () = self.0.sessions.loaded.notified() => {}
                () = look => {}
                // The sender lives as long as the daemon.
                _ = trusted.changed() => self.take_up_trusted().await,
            }
            let journal = &self.0.resources.journal;
            // The session's own hub listens too.
            let watched = |id: &SessionId| journal.watchers(&LogId::Session(id.clone())) > 1;
            for id in self.0.sessions.unused(self.0.resources.clock.now(), rest, watched) {
                self.unload(&id).await;
            }
        }
    }

    /// Asks a session to leave memory. A request that comes meanwhile waits until it is clear whether it does.
    async fn unload(&self, id: &SessionId) {
        let Some(place) = self.0.sessions.begin_leaving(id) else { return };
        let stays = place.live.get_or_try_init(|| async {
            // Whoever wanted the session in the meantime has put it back already.
            let live = place.take_leaving().ok_or(())?;
            match live.handle.call(|reply| Command::Leave { reply }).await {
                Ok(None) => Ok(live),
                Ok(Some(brought)) => {
                    // Until then it may still hold on to its log.
                    let _ended = live.task.await;
                    if !brought.is_empty() {
                        self.0.sessions.keep_brought(id, brought);
                    }
                    Err(())
                }
                Err(_gone) => Err(()),
            }
        });
        if stays.await.is_err() {
            self.0.sessions.give_up(id, &place);
        }
    }

    /// Stops every actor where it stands and waits until the last one has let go of the journal.
    pub(crate) async fn stop_sessions(&self) {
        self.0.leave.cancel();
        for place in self.0.sessions.take_all() {
            let Some(place) = Arc::into_inner(place) else { continue };
            let leaving = place.take_leaving();
            if let Some(live) = leaving.or_else(|| place.live.into_inner()) {
                let _ended = live.task.await;
            }
        }
    }
}
