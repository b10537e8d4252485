//! Requests of the sessions below one, for its picture: who opens a session sees what it may be waiting for. Not here: observing
//! them (`daemon::tree`).
use std::collections::BTreeMap;

use tenon_protocol::ids::SessionId;
use tenon_protocol::request::RequestItem;
use tenon_protocol::session::SessionItem;

use crate::journal::{ItemKind, Journal, ReadError};

/// Open requests that are looked at, the newest ones.
const REQUESTS_MAX: usize = 1_000;

/// Generations that are looked through.
const DEPTH_MAX: usize = 1_000;

/// Returns the open requests of the sessions that descend from this one, oldest first.
///
/// # Errors
/// The lists cannot be read.
pub(crate) async fn requests(journal: &Journal, id: &SessionId) -> Result<Vec<RequestItem>, ReadError> {
    let open = journal.items(ItemKind::Request, None, None, REQUESTS_MAX).await?;
    let mut parents = BTreeMap::new();
    let mut below = Vec::new();
    for item in open.items.iter().rev() {
        let Ok(request) = serde_json::from_str::<RequestItem>(&item.json) else { continue };
        if request.session != *id && descends(journal, &request.session, id, &mut parents).await? {
            below.push(request);
        }
    }
    Ok(below)
}

async fn descends(
    journal: &Journal,
    session: &SessionId,
    from: &SessionId,
    parents: &mut BTreeMap<SessionId, Option<SessionId>>,
) -> Result<bool, ReadError> {
    let mut session = session.clone();
    for _ in 0..DEPTH_MAX {
        let parent = if let Some(parent) = parents.get(&session) {
            parent.clone()
        } else {
            let entry = journal.item(ItemKind::Session, session.as_str()).await?;
            let parent = entry.and_then(|json| serde_json::from_str::<SessionItem>(&json).ok()?.parent);
            parents.insert(session.clone(), parent.clone());
            parent
        };
        match parent {
            Some(parent) if parent == *from => return Ok(true),
            Some(parent) => session = parent,
            None => return Ok(false),
        }
    }
    Ok(false)
}
