//! `initialize` in the native dialect. Not here: which dialect a peer speaks (`dialects`).
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::handshake::{AgentHello, ClientHello, ClientInfo, Limits, Role};
use tenon_protocol::methods::EXPERIMENTAL;
use tenon_protocol::version::{INLINE_BYTES_MAX, MESSAGE_IN_BYTES_MAX, PAGE_EVENTS_MAX, PROTOCOL};

use crate::handlers::Caller;
use crate::handlers::check::length;
use crate::handlers::presence::Host;
use crate::handlers::reply::serialise;
use crate::router::published::DIGEST;

/// Bytes of a client's name for itself, and of its kind.
const CLIENT_BYTES_MAX: usize = 256;

/// What a client said of itself.
#[derive(Debug)]
pub(crate) struct Introduction {
    /// `capabilities.experimental.agent`.
    pub(crate) hello: ClientHello,
    /// LSP's `clientInfo.name`: what the client is, where it does not say so itself.
    pub(crate) name: Option<String>,
}

/// LSP's result of `initialize`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InitializeResult {
    capabilities: Capabilities,
    server_info: ServerInfo,
}

#[derive(Debug, Serialize)]
struct Capabilities {
    experimental: Experimental,
}

#[derive(Debug, Serialize)]
struct Experimental {
    agent: AgentHello,
}

#[derive(Debug, Serialize)]
struct ServerInfo {
    name: &'static str,
    version: String,
}

/// Answers `initialize`: who the caller is, and the result.
///
/// # Errors
/// 1005 when the client speaks no version this build knows, -32602 when its name is too long, 1006 when the daemon is just leaving.
pub(super) fn initialize(
    host: &dyn Host,
    id: u64,
    introduction: Introduction,
    variables: BTreeMap<String, String>,
) -> Result<(Arc<Caller>, Bytes), RpcError> {
    if !introduction.hello.protocol.contains(&PROTOCOL) {
        let message = format!("this build speaks version {PROTOCOL} of the protocol alone");
        return Err(unsupported(message));
    }
    check_client(&introduction)?;
    let experimental = experimental(introduction.hello.experimental.as_deref());
    let (instance, can) = host.hello();
    let server_info = ServerInfo { name: "tenon", version: instance.version.clone() };
    let agent = AgentHello {
        protocol: PROTOCOL,
        instance,
        can,
        limits: limits(),
        schema: DIGEST.clone(),
        experimental: experimental.clone(),
    };
    let capabilities = Capabilities { experimental: Experimental { agent } };
    let result = serialise(&InitializeResult { capabilities, server_info })?;
    let caller = Arc::new(caller(id, introduction, experimental, variables));
    host.connected(&caller)?;
    Ok((caller, result))
}

/// Returns error 1005 with the versions there are.
pub(crate) fn unsupported(message: impl Into<String>) -> RpcError {
    RpcError::new(ErrorKind::UnsupportedProtocol, message).with("supported", [PROTOCOL])
}

fn limits() -> Limits {
    let bytes = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    Limits {
        message: bytes(MESSAGE_IN_BYTES_MAX),
        page: bytes(PAGE_EVENTS_MAX),
        inline: bytes(INLINE_BYTES_MAX),
    }
}

/// Returns the experimental items that the client wants and this build has.
fn experimental(wanted: Option<&[String]>) -> Vec<String> {
    let is_there = |item: &&String| EXPERIMENTAL.iter().any(|(known, _)| *known == item.as_str());
    wanted.unwrap_or_default().iter().filter(is_there).cloned().collect()
}

/// What a client calls itself stands in the log with everything it does.
fn check_client(introduction: &Introduction) -> Result<(), RpcError> {
    let client = introduction.hello.client.as_ref();
    length("client.id", client.map(|client| &client.id), CLIENT_BYTES_MAX)?;
    length("client.kind", client.map(|client| &client.kind), CLIENT_BYTES_MAX)?;
    length("clientInfo.name", introduction.name.as_ref(), CLIENT_BYTES_MAX)
}

fn caller(
    id: u64,
    introduction: Introduction,
    experimental: Vec<String>,
    variables: BTreeMap<String, String>,
) -> Caller {
    let Introduction { hello, name } = introduction;
    let kind = name.unwrap_or_else(|| "unknown".to_owned());
    let client = hello.client.unwrap_or(ClientInfo { id: format!("connection-{id}"), kind, version: None });
    let role = hello.role.unwrap_or(Role::Controller);
    let delta = hello.events.and_then(|events| events.delta);
    Caller {
        id,
        client,
        role,
        can_answer: role == Role::Controller
            && hello.render.as_ref().is_some_and(|render| render.contains_key("approval")),
        quiet: hello.render.is_none(),
        delta_default: delta.is_some(),
        delta_per_second: delta.and_then(|delta| delta.max_per_second).unwrap_or(0),
        experimental,
        variables,
    }
}
