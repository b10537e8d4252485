//! The two hash chains, as pure functions. Not here: where the links are stored.
//!
//! Events of a log: `h = H(h_prev ‖ epoch ‖ seq ‖ bytes ‖ private)`, from an origin that binds the log's name. The event's
//! JSON delimits itself, so the private part may follow it without a length.
//! Commits: `c = H(c_prev ‖ number ‖ term ‖ heads)`; a commit that restarts the chain after a loss begins from zero.

/// A BLAKE3 hash.
pub(in crate::journal) type Link = [u8; 32];

/// What stands before the first commit, and before one that restarts the chain.
pub(in crate::journal) const ZERO: Link = [0; 32];

/// Returns what stands before the first event of a log.
pub(in crate::journal) fn origin(log: &str) -> Link {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"tenon log 1\0").update(log.as_bytes());
    *hasher.finalize().as_bytes()
}

/// Returns the link of an event.
pub(in crate::journal) fn event(
    previous: &Link,
    epoch: u64,
    seq: u64,
    bytes: &[u8],
    private: Option<&[u8]>,
) -> Link {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous).update(&epoch.to_le_bytes()).update(&seq.to_le_bytes()).update(bytes);
    hasher.update(private.unwrap_or_default());
    *hasher.finalize().as_bytes()
}

/// Returns the link of a commit.
pub(in crate::journal) fn commit(previous: &Link, number: u64, term: u64, heads: &[u8]) -> Link {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous).update(&number.to_le_bytes()).update(&term.to_le_bytes()).update(heads);
    *hasher.finalize().as_bytes()
}

/// A head that a commit moved. A deleted log has seq 0 and a zero hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::journal) struct Moved {
    pub(in crate::journal) log: i64,
    pub(in crate::journal) epoch: u64,
    pub(in crate::journal) seq: u64,
    pub(in crate::journal) hash: Link,
}

/// Bytes of one moved head.
const MOVED_LEN: usize = 8 + 8 + 8 + 32;

/// Writes moved heads as a commit holds them.
pub(in crate::journal) fn encode(heads: &[Moved]) -> Vec<u8> {
    let mut out = Vec::with_capacity(heads.len() * MOVED_LEN);
    for head in heads {
        out.extend(head.log.to_le_bytes());
        out.extend(head.epoch.to_le_bytes());
        out.extend(head.seq.to_le_bytes());
        out.extend(head.hash);
    }
    out
}

/// Reads moved heads; `None` if the bytes are none.
pub(in crate::journal) fn decode(bytes: &[u8]) -> Option<Vec<Moved>> {
    let (heads, rest) = bytes.as_chunks::<MOVED_LEN>();
    if !rest.is_empty() {
        return None;
    }
    heads.iter().map(|head| decode_one(head)).collect()
}

fn decode_one(bytes: &[u8]) -> Option<Moved> {
    let (log, rest) = bytes.split_first_chunk()?;
    let (epoch, rest) = rest.split_first_chunk()?;
    let (seq, rest) = rest.split_first_chunk()?;
    Some(Moved {
        log: i64::from_le_bytes(*log),
        epoch: u64::from_le_bytes(*epoch),
        seq: u64::from_le_bytes(*seq),
        hash: rest.try_into().ok()?,
    })
}
