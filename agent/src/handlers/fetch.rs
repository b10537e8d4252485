//! `agent/fetch`. Not here: where contents are (`journal`).
use std::sync::Arc;

use tenon_protocol::error::RpcError;
use tenon_protocol::fetch::{FetchParams, FetchResult};

use crate::daemon::{Caller, Daemon};
use crate::handlers::check::invalid;

/// The longest reference, in bytes: what there is takes 67.
const REFERENCE_BYTES_MAX: usize = 256;

/// Reads a content by its reference.
pub(crate) async fn fetch(
    daemon: Daemon,
    _: Arc<Caller>,
    params: FetchParams,
) -> Result<FetchResult, RpcError> {
    if params.reference.len() > REFERENCE_BYTES_MAX {
        return Err(invalid("ref is too long to be a reference: it is `b3:` and 64 hex digits"));
    }
    if let Some(range) = params.range.filter(|range| range.end.is_some_and(|end| end < range.start)) {
        return Err(invalid(format!("range ends before its start {}", range.start)));
    }
    daemon.fetch(params).await
}
