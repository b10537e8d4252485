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
    /// Whether the daemon may have heard of this connection.
    announced: bool,
    caller: Option<Arc<Caller>>,
}

impl Peer {
    pub(super) fn new(router: Arc<Router>, id: u64) -> Self {
        Self { router, id, variables: BTreeMap::new(), announced: false, caller: None }
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
            Ok(params) if !self.announced => {
                self.variables.extend(params.variables);
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Answers `initialize`. What the future yields is given to `introduced`.
    pub(crate) fn initialize(
        &mut self,
        introduction: Introduction,
    ) -> impl Future<Output = Result<(Arc<Caller>, Bytes), RpcError>> + Send + use<> {
        self.announced = true;
        let (host, id) = (Arc::clone(&self.router.host), self.id);
        lifecycle::initialize(host, id, introduction, self.variables.clone())
    }

    /// The connection is initialised.
    pub(crate) fn introduced(&mut self, caller: Arc<Caller>) {
        self.variables.clear();
        self.caller = Some(caller);
    }

    /// `initialize` was refused; another one may follow.
    pub(crate) fn refused(&mut self) {
        self.announced = false;
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

    /// The connection ended.
    pub(crate) async fn end(self) {
        if self.announced {
            self.router.host.disconnected(self.id).await;
        }
    }
}
