//! The one method table: jsonrpsee's `RpcModule`, filled from the protocol's own table of methods. Not here: handlers.
//!
//! A callback's reply travels in the extensions of its `MethodResponse`, not in its JSON: jsonrpsee parses what it has
//! just written once more, knows no negative ids, and would write our error data a second time.
use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt as _;
use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::types::{Id, Params};
use jsonrpsee::{ConnectionId, Extensions, MethodCallback, MethodResponse, Methods, RpcModule};
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::handshake::Role;
use tenon_protocol::methods::{Access, METHODS, Method, Unobserve, experimental_item};

use crate::handlers::Caller;
use crate::handlers::reply::{Answer, Reply};

/// The table while it is filled. `C` is what every handler is given beside the caller.
#[derive(Debug)]
pub(crate) struct Table<C> {
    module: RpcModule<C>,
    context: C,
}

impl<C: Clone + Send + Sync + 'static> Table<C> {
    /// Starts an empty table.
    pub(crate) fn new(context: C) -> Self {
        Self { module: RpcModule::new(context.clone()), context }
    }

    /// Registers a method whose result is the whole answer.
    ///
    /// # Errors
    /// When the method is registered already.
    pub(crate) fn method<M, F, Fut>(self, handler: F) -> Result<Self, TableError>
    where
        M: Method,
        F: Fn(C, Arc<Caller>, M::Params) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<M::Result, RpcError>> + Send + 'static,
    {
        self.connection_method::<M, _, _>(move |context, caller, params| {
            let outcome = handler(context, caller, params);
            async move { Answer::value(&outcome.await?) }
        })
    }

    /// Registers a method whose answer concerns the connection too.
    ///
    /// # Errors
    /// When the method is registered already.
    pub(crate) fn connection_method<M, F, Fut>(mut self, handler: F) -> Result<Self, TableError>
    where
        M: Method,
        F: Fn(C, Arc<Caller>, M::Params) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Reply> + Send + 'static,
    {
        let context = self.context.clone();
        let callback = move |_: Id<'static>,
                             params: Params<'static>,
                             _: ConnectionId,
                             _: usize,
                             extensions: Extensions| {
            let (context, handler) = (context.clone(), handler.clone());
            async move {
                let reply = match admitted::<M>(&params, &extensions) {
                    Ok((caller, params)) => handler(context, caller, params).await,
                    Err(error) => Err(error),
                };
                enclose(reply, extensions)
            }
            .boxed()
        };
        self.module.verify_and_insert(M::NAME, MethodCallback::Async(Arc::new(callback)))?;
        Ok(self)
    }

    /// Returns the table as it is.
    pub(crate) fn finish(self) -> Methods {
        self.module.into()
    }

    /// Returns the finished table of the protocol.
    ///
    /// # Errors
    /// When one of its methods has no handler.
    pub(crate) fn complete(self) -> Result<Methods, TableError> {
        let methods = self.finish();
        match METHODS.iter().find(|method| methods.method(method.name).is_none()) {
            Some(missing) => Err(TableError::Missing(missing.name)),
            None => Ok(methods),
        }
    }
}

/// Why a table is none. Only a mistake of ours can be the reason, and it shows on every start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    /// A method was registered twice.
    #[error(transparent)]
    Twice(#[from] RegisterMethodError),
    /// A method has no handler.
    #[error("method {0} has no handler")]
    Missing(&'static str),
}

/// Checks the role and parses the parameters: what a handler gets, it may do and can read.
fn admitted<M: Method>(
    params: &Params<'_>,
    extensions: &Extensions,
) -> Result<(Arc<Caller>, M::Params), RpcError> {
    let Some(caller) = extensions.get::<Arc<Caller>>() else {
        return Err(RpcError::new(ErrorKind::NotInitialized, "initialize comes first"));
    };
    if let Some(item) = experimental_item(M::NAME)
        && !caller.experimental.iter().any(|wanted| wanted == item)
    {
        let message = format!("{} is experimental, and this client did not ask for it", M::NAME);
        let hint = format!("ask for it in the handshake: \"experimental\": [\"{item}\"]");
        return Err(RpcError::new(ErrorKind::MethodNotFound, message).hint(hint));
    }
    if M::ACCESS == Access::Act && caller.role == Role::Observer {
        let message = format!("an observer may not send {}", M::NAME);
        return Err(RpcError::new(ErrorKind::Forbidden, message).hint("connect with the role controller"));
    }
    let invalid = |reason: String| {
        RpcError::new(ErrorKind::InvalidParams, format!("the parameters do not fit {}: {reason}", M::NAME))
    };
    let text = params.as_str().unwrap_or("{}");
    if text.starts_with('[') && M::NAME != Unobserve::NAME {
        return Err(invalid("they must stand by name".to_owned()));
    }
    let params = serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
    Ok((Arc::clone(caller), params))
}

fn enclose(reply: Reply, mut extensions: Extensions) -> MethodResponse {
    extensions.insert(Arc::new(reply));
    MethodResponse::notification().with_extensions(extensions)
}

/// Calls a method. Nothing of it runs before the future is polled first.
pub(crate) fn call(
    methods: &Methods,
    caller: Arc<Caller>,
    method: &str,
    params: Option<&str>,
) -> impl Future<Output = Reply> + Send + use<> {
    let running = match methods.method(method) {
        Some(MethodCallback::Async(callback)) => {
            let mut extensions = Extensions::new();
            extensions.insert(caller);
            let params = Params::new(params).into_owned();
            Ok(callback(Id::Null, params, ConnectionId(0), usize::MAX, extensions))
        }
        // The table holds asynchronous callbacks alone.
        Some(_) | None => {
            Err(RpcError::new(ErrorKind::MethodNotFound, format!("there is no method {}", printable(method))))
        }
    };
    async move { disclose(running?.await) }
}

fn disclose(mut response: MethodResponse) -> Reply {
    let reply = response.extensions_mut().remove::<Arc<Reply>>().and_then(Arc::into_inner);
    reply.unwrap_or_else(|| Err(RpcError::new(ErrorKind::Internal, "the handler left no answer")))
}

/// Returns the beginning of a name a peer sent, fit for a message.
fn printable(name: &str) -> String {
    name.chars().take(64).map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use tenon_protocol::list::{ListParams, ListResult};
    use tenon_protocol::methods::List;

    use super::*;

    async fn nothing((): (), _: Arc<Caller>, _: ListParams) -> Result<ListResult, RpcError> {
        Ok(ListResult { items: Vec::new(), rev: 0, next: None })
    }

    #[test]
    fn a_table_with_gaps_or_doubles_is_none() {
        let table = Table::new(()).method::<List, _, _>(nothing).unwrap();
        let missing = table.complete().unwrap_err();
        assert_eq!(missing.to_string(), "method agent/open has no handler");
        let table = Table::new(()).method::<List, _, _>(nothing).unwrap();
        assert!(matches!(table.method::<List, _, _>(nothing), Err(TableError::Twice(_))));
    }
}
