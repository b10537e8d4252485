//! Forks: where one may begin, what it takes along, and how it is read back. Not here: creating the session (`load`).
//!
//! A fork needs nothing of its parent afterwards: the conversation up to the place is a blob of its own, named in the private
//! column of its first event, because the provider's own form of the answers is in it and never goes out.
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tenon_protocol::cursor::Cursor;
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::event::EventBody;
use tenon_protocol::ids::SessionId;
use tenon_protocol::open::ForkFrom;

use crate::base::digest::Digest;
use crate::journal::{BlobError, Ends, Journal, LogId, PageLimits, ReadError, Stored, TypeFilter, refs};
use crate::projections::transcript::Transcript;
use crate::session::resources::Resources;
use crate::session::state::State;

const TURN_STARTED: &str = "turn.started";
const TURN_ENDED: &str = "turn.ended";

/// The private column of a fork's first event.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct ForkRecord {
    /// The blob with the conversation.
    conversation: Digest,
    /// What is named in it: the fork needs that too, whatever becomes of its parent.
    #[serde(default)]
    refs: Vec<Digest>,
}

/// What a fork takes along.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The parent.
    pub(crate) parent: SessionId,
    /// The place in its log.
    pub(crate) at: u64,
    /// The parent as it was there.
    pub(crate) state: State,
}

/// Reads the session a fork is made of, as it was at the place; whether it runs, rests or is archived does not matter.
///
/// # Errors
/// 1101, and -32602 for a place that is none, or lies inside a turn.
pub(crate) async fn origin(resources: &Resources, from: ForkFrom) -> Result<Origin, RpcError> {
    let ForkFrom { session_id: parent, at } = from;
    let log = LogId::Session(parent.clone());
    let at = place(&resources.journal, &log, at).await?;
    let (state, _) = fold(resources, &parent, Some(at)).await?;
    Ok(Origin { parent, at, state })
}

/// Folds a session from its log, up to a place or to its end.
///
/// # Errors
/// 1101, or the log or the conversation that it goes on from cannot be read.
pub(crate) async fn fold(
    resources: &Resources,
    id: &SessionId,
    until: Option<u64>,
) -> Result<(State, Ends), RpcError> {
    let log = LogId::Session(id.clone());
    // The machine's own log has events too, and is nobody's conversation.
    if LogId::from_wire(id.as_str()) == LogId::All {
        return Err(not_found(id));
    }
    let unreadable = |error: &dyn std::fmt::Display| {
        RpcError::new(ErrorKind::Internal, format!("session {id} cannot be read: {error}"))
    };
    let ends = resources.journal.ends(&log).await.map_err(|_| not_found(id))?;
    let mut state = State::new(id.clone(), ends.head.epoch);
    let mut record: Option<ForkRecord> = None;
    let replayed = resources.journal.replay(&log, 0, |event, private| {
        if until.is_some_and(|until| event.seq > until) {
            return;
        }
        if let EventBody::SessionCreated(_) = &event.body {
            record = private.as_deref().and_then(|private| serde_json::from_slice(private).ok());
        }
        state.apply(&event, private.as_deref());
    });
    let ends = replayed.await.map_err(|error| {
        if matches!(error, ReadError::NoLog(_)) { not_found(id) } else { unreadable(&error) }
    })?;
    if let Some(record) = record {
        let blob = resources.journal.blobs().get_async(record.conversation).await;
        let blob = blob.map_err(|error| unreadable(&error))?;
        let before = Transcript::from_bytes(&blob).map_err(|error| unreadable(&error))?;
        state.transcript = Arc::new(before.followed_by(&state.transcript));
    }
    Ok((state, ends))
}

/// Stores the conversation of a fork and returns the private column that names it.
///
/// # Errors
/// The disk is full, or refuses.
pub(crate) async fn store(
    resources: &Resources,
    fork: &SessionId,
    origin: &Origin,
) -> Result<Vec<u8>, RpcError> {
    let internal = |error: &dyn std::fmt::Display| {
        RpcError::new(ErrorKind::Internal, format!("the conversation cannot be kept: {error}"))
    };
    let bytes = origin.state.transcript.to_bytes().map_err(|error| internal(&error))?;
    let blobs = resources.journal.blobs().of(LogId::Session(fork.clone()));
    let refs = refs::digests(&bytes);
    for digest in &refs {
        blobs.keep(*digest);
    }
    let stored = blobs.put_async(bytes).await;
    let conversation = stored.map_err(|error| {
        if matches!(error, BlobError::StorageFull) {
            RpcError::new(ErrorKind::StorageFull, error.to_string())
        } else {
            internal(&error)
        }
    })?;
    serde_json::to_vec(&ForkRecord { conversation, refs }).map_err(|error| internal(&error))
}

fn not_found(id: &SessionId) -> RpcError {
    RpcError::new(ErrorKind::SessionNotFound, format!("session {id} is not known"))
}

/// Returns the place a fork begins at: the one that is asked for, which no turn may be under way at, or the last such one.
async fn place(journal: &Journal, log: &LogId, asked: Option<u64>) -> Result<u64, RpcError> {
    let told = |error: ReadError| {
        if matches!(error, ReadError::NoLog(_)) {
            let message = format!("session {log} is not known");
            return RpcError::new(ErrorKind::SessionNotFound, message);
        }
        RpcError::new(ErrorKind::Internal, error.to_string())
    };
    let ends = journal.ends(log).await.map_err(told)?;
    let head = ends.head.seq;
    let at = asked.unwrap_or(head);
    if at < ends.first.seq || at > head {
        let message = format!("session {log} has no event {at}: it has {} to {head}", ends.first.seq);
        return Err(RpcError::new(ErrorKind::InvalidParams, message));
    }
    let before = last_turn_event(journal, log, Cursor { epoch: ends.head.epoch, seq: at + 1 });
    let Some(open) = before.await.map_err(told)?.filter(|event| event.kind() == TURN_STARTED) else {
        return Ok(at);
    };
    let earlier = open.seq() - 1;
    if asked.is_none() {
        return Ok(earlier);
    }
    let message = format!("event {at} of session {log} lies inside a turn: a fork begins between turns");
    let error = RpcError::new(ErrorKind::InvalidParams, message).with("before", earlier);
    Err(error.hint(format!("fork it at {earlier}, or at a `turn.ended`")))
}

/// Returns the last event before a place that begins or ends a turn.
async fn last_turn_event(
    journal: &Journal,
    log: &LogId,
    mut before: Cursor,
) -> Result<Option<Stored>, ReadError> {
    let types = TypeFilter::new([TURN_STARTED, TURN_ENDED].map(str::to_owned).to_vec());
    loop {
        let page = journal.read_before(log, before, PageLimits::events(1), Some(&types)).await?;
        if let Some(event) = page.events.into_iter().next_back() {
            return Ok(Some(event));
        }
        if !page.more {
            return Ok(None);
        }
        before = page.next;
    }
}
