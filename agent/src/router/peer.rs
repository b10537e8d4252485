//! The router's side of one connection: who it is, and its way to the methods. Not here: its bytes (`wire`).
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use tenon_protocol::error::RpcError;
use tenon_protocol::methods::EnvironmentParams;

use crate::handlers::Caller;
use crate::handlers::reply::Reply;
use crate::router::Router;
use crate::router::lifecycle::{self, Introduction};
use crate::router::table;

/// One connection, as the router sees it.
#[derive(Debug)]
pub(crate) struct Peer {
    router: Arc<Router>,
    id: u64,
    /// What `$/environment` brought; goes to the caller when the connection is initialised.
    variables: BTreeMap<String, String>,
    caller: Option<Arc<Caller>>,
}

impl Peer {
    pub(super) fn new(router: Arc<Router>, id: u64) -> Self {
        Self { router, id, variables: BTreeMap::new(), caller: None }
    }

    /// Returns the connection's id.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Returns who it is, once it is initialised.
    pub(crate) fn caller(&self) -> Option<&Arc<Caller>> {
        self.caller.as_ref()
    }

    /// Takes the caller's variables. Returns whether they were taken: after `initialize` they come too late.
    pub(crate) fn environment(&mut self, params: Option<&str>) -> bool {
        let params = serde_json::from_str::<EnvironmentParams>(params.unwrap_or("{}"));
        match params {
            Ok(params) if self.caller.is_none() => {
                self.variables.extend(params.variables);
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Answers `initialize`.
    ///
    /// # Errors
    /// 1005 when there is no common version; another `initialize` may follow.
    pub(crate) fn initialize(&mut self, introduction: Introduction) -> Result<Bytes, RpcError> {
        let variables = self.variables.clone();
        let (caller, result) = lifecycle::initialize(&*self.router.host, self.id, introduction, variables)?;
        self.variables.clear();
        self.caller = Some(caller);
        Ok(result)
    }

    /// Takes what the client's person looks at. Returns whether it could be read.
    pub(crate) fn context(&self, params: Option<&str>) -> bool {
        match (&self.caller, serde_json::from_str(params.unwrap_or("{}"))) {
            (Some(caller), Ok(params)) => {
                self.router.host.looks(caller, params);
                true
            }
            _ => false,
        }
    }

    /// Calls a method. Nothing of it runs before the future is polled first.
    pub(crate) fn call(
        &self,
        caller: &Arc<Caller>,
        method: &str,
        params: Option<&str>,
    ) -> impl Future<Output = Reply> + Send + use<> {
        table::call(&self.router.methods, Arc::clone(caller), method, params)
    }
}

impl Drop for Peer {
    /// The connection ended, in whatever way: the daemon is told.
    fn drop(&mut self) {
        if self.caller.is_some() {
            self.router.host.disconnected(self.id);
        }
    }
}
