//! What several handlers check of their parameters. Not here: anything that needs the state of a session.
use tenon_protocol::error::{ErrorKind, RpcError};

/// Items of one page of a list or a log.
pub(super) const PAGE_MAX: u64 = 1_000;

/// Returns error -32602 with this reason.
pub(super) fn invalid(reason: impl Into<String>) -> RpcError {
    RpcError::new(ErrorKind::InvalidParams, reason)
}

/// Checks the limit of a page.
pub(super) fn limit(limit: Option<u64>) -> Result<(), RpcError> {
    match limit {
        Some(limit) if limit == 0 || limit > PAGE_MAX => Err(invalid(format!("limit is 1 to {PAGE_MAX}"))),
        Some(_) | None => Ok(()),
    }
}
