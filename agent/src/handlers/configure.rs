//! `agent/configure`. Not here: the layers.
use std::sync::Arc;

use tenon_protocol::configure::{ConfigureParams, ConfigureResult};
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::handshake::Role;

use crate::daemon::{Caller, Daemon};
use crate::handlers::check::{invalid, length};

/// Bytes of the key or table that is to be explained: longer than any can be.
const EXPLAIN_BYTES_MAX: usize = 1024;

/// Reads or changes a layer of the configuration. Everybody may read.
pub(crate) async fn configure(
    daemon: Daemon,
    caller: Arc<Caller>,
    params: ConfigureParams,
) -> Result<ConfigureResult, RpcError> {
    if params.patch.is_some() && caller.role == Role::Observer {
        let message = "an observer may not change the configuration";
        return Err(RpcError::new(ErrorKind::Forbidden, message).hint("connect with the role controller"));
    }
    if params.if_rev.is_some() && params.patch.is_none() {
        return Err(invalid("`ifRev` without a `patch` decides nothing"));
    }
    length("explain", params.explain.as_ref(), EXPLAIN_BYTES_MAX)?;
    daemon.configure(&caller, params).await
}
