//! The sessions in memory: each loaded once, when it is first asked for. Not here: their lists (`lists`), which need no session.
use std::collections::BTreeMap;
use std::sync::Arc;
#[expect(clippy::disallowed_types, reason = "guards a map for a look-up; never held across an await")]
use std::sync::Mutex;

use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::ids::SessionId;
use tokio::sync::OnceCell;

use crate::daemon::Daemon;
use crate::session::SessionHandle;
use crate::session::load::{self, Live};

/// A session's place: empty until it is loaded, and loaded by whoever comes first.
type Place = Arc<OnceCell<Live>>;

/// The sessions in memory.
///
/// A map behind a lock rather than a task with a mailbox: loading a session takes milliseconds, and nobody who asks for another
/// one should wait for that.
#[derive(Debug, Default)]
#[expect(clippy::disallowed_types, reason = "see above")]
pub(crate) struct Sessions(Mutex<BTreeMap<SessionId, Place>>);

impl Sessions {
    fn place(&self, id: &SessionId) -> Place {
        let mut places = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let place = places.entry(id.clone()).or_default();
        if place.get().is_some_and(|live| live.handle.is_gone()) {
            *place = Place::default();
        }
        Arc::clone(place)
    }

    fn forget(&self, id: &SessionId) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(id);
    }

    fn loaded(&self) -> Vec<SessionHandle> {
        let places = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        places.values().filter_map(|place| place.get().map(|live| live.handle.clone())).collect()
    }

    fn take_all(&self) -> Vec<Place> {
        let mut places = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        std::mem::take(&mut *places).into_values().collect()
    }
}

impl Daemon {
    /// Returns a session, loaded if it was not.
    pub(crate) async fn session(&self, id: &SessionId) -> Result<SessionHandle, RpcError> {
        let place = self.0.sessions.place(id);
        let leave = self.0.leave.child_token();
        let loaded = place.get_or_try_init(|| load::load(&self.0.resources, id.clone(), leave)).await;
        match loaded {
            Ok(live) => Ok(live.handle.clone()),
            Err(error) => {
                self.0.sessions.forget(id);
                Err(error)
            }
        }
    }

    /// Creates a session.
    pub(crate) async fn create(&self, seed: load::Seed) -> Result<SessionHandle, RpcError> {
        let live = load::create(&self.0.resources, seed, self.0.leave.child_token()).await?;
        let handle = live.handle.clone();
        let place = self.0.sessions.place(&handle.id);
        // The id is new: nobody else can have filled its place.
        place
            .set(live)
            .map_err(|_| RpcError::new(ErrorKind::Internal, "a new session has an old one's id"))?;
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

    /// Stops every actor where it stands and waits until the last one has let go of the journal.
    pub(crate) async fn stop_sessions(&self) {
        self.0.leave.cancel();
        for place in self.0.sessions.take_all() {
            if let Some(live) = Arc::into_inner(place).and_then(OnceCell::into_inner) {
                let _ended = live.task.await;
            }
        }
    }
}
