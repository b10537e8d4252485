//! Other protocols as clients of the router inside a connection.
//!
//! Not here: the native dialect; so far only the detection and the refusals.
//!
//! Imports: router, protocol, base
use serde::Deserialize;
use serde_json::value::RawValue;
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::handshake::ClientHello;

use crate::router::lifecycle::{Introduction, unsupported};

/// What an `initialize` speaks.
#[derive(Debug)]
pub(crate) enum Dialect {
    /// Our own.
    Native(Box<Introduction>),
    /// One that this build lacks.
    Foreign(Foreign),
}

/// A dialect that is recognised and refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// The Agent Client Protocol.
    Acp,
    /// The Model Context Protocol.
    Mcp,
    /// LSP without our capability.
    PlainLsp,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Initialize<'a> {
    #[serde(default, borrow)]
    protocol_version: Option<&'a RawValue>,
    #[serde(default, borrow)]
    capabilities: Option<Capabilities<'a>>,
    #[serde(default, borrow)]
    client_info: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Capabilities<'a> {
    #[serde(default, borrow)]
    experimental: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Experimental<'a> {
    #[serde(default, borrow)]
    agent: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct ClientName {
    name: String,
}

/// Tells from the parameters of `initialize` what the peer speaks.
///
/// # Errors
/// -32602 when they fit no dialect.
pub(crate) fn detect(params: Option<&str>) -> Result<Dialect, RpcError> {
    let invalid = |error: serde_json::Error| {
        RpcError::new(ErrorKind::InvalidParams, format!("the parameters do not fit initialize: {error}"))
    };
    let params = params.unwrap_or("{}");
    if !params.starts_with('{') {
        return Err(RpcError::new(
            ErrorKind::InvalidParams,
            "the parameters of initialize must stand by name",
        ));
    }
    let initialize: Initialize<'_> = serde_json::from_str(params).map_err(invalid)?;
    match initialize.protocol_version.map(RawValue::get) {
        Some(version) if version.starts_with('"') => return Ok(Dialect::Foreign(Foreign::Mcp)),
        Some(version) if version.parse::<i64>().is_ok() => return Ok(Dialect::Foreign(Foreign::Acp)),
        Some(_) | None => {}
    }
    let experimental = initialize.capabilities.and_then(|capabilities| capabilities.experimental);
    // Whatever else stands under `experimental` is not ours, and may be of any shape.
    let experimental = experimental.map(RawValue::get).filter(|raw| raw.starts_with('{'));
    let agent = experimental.and_then(|raw| serde_json::from_str::<Experimental<'_>>(raw).ok()?.agent);
    let Some(agent) = agent else {
        return Ok(Dialect::Foreign(Foreign::PlainLsp));
    };
    if !agent.get().starts_with('{') {
        return Err(RpcError::new(ErrorKind::InvalidParams, "capabilities.experimental.agent is no object"));
    }
    let hello: ClientHello = serde_json::from_str(agent.get()).map_err(invalid)?;
    let name = initialize.client_info.and_then(|raw| serde_json::from_str::<ClientName>(raw.get()).ok());
    Ok(Dialect::Native(Box::new(Introduction { hello, name: name.map(|client| client.name) })))
}

/// Returns why a dialect that this build lacks is refused: error 1005 and a sentence.
pub(crate) fn refusal(foreign: Foreign) -> RpcError {
    let (message, hint) = match foreign {
        Foreign::Acp => (
            "this build does not speak the Agent Client Protocol",
            "connect a client that speaks the native protocol",
        ),
        Foreign::Mcp => (
            "this is an agent, which uses MCP servers, and not an MCP server itself",
            "remove it from the list of MCP servers",
        ),
        Foreign::PlainLsp => (
            "this build does not speak plain LSP: capabilities.experimental.agent is missing",
            "send capabilities.experimental.agent with initialize, at least {\"protocol\":[1]}",
        ),
    };
    unsupported(message).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(params: &str, expected: &str) {
        let told = match detect(Some(params)) {
            Ok(Dialect::Native(introduction)) => format!("native {:?}", introduction.name),
            Ok(Dialect::Foreign(foreign)) => format!("{foreign:?} {}", refusal(foreign).code),
            Err(error) => error.code.to_string(),
        };
        assert_eq!(told, expected, "{params}");
    }

    #[test]
    fn the_first_request_tells_the_dialect() {
        check(r#"{"protocolVersion":1,"clientCapabilities":{}}"#, "Acp 1005");
        check(r#"{"protocolVersion":"2025-11-25","capabilities":{"experimental":{}}}"#, "Mcp 1005");
        check(r#"{"processId":null,"capabilities":{}}"#, "PlainLsp 1005");
        check(r#"{"capabilities":{"experimental":[1]}}"#, "PlainLsp 1005");
        check(r#"{"capabilities":null}"#, "PlainLsp 1005");
        check("{}", "PlainLsp 1005");
        check(r#"{"capabilities":{"experimental":{"agent":{"protocol":[1],"new":1}}}}"#, "native None");
        check(
            r#"{"clientInfo":{"name":"Editor"},"capabilities":{"experimental":{"agent":{"protocol":[1]}}}}"#,
            r#"native Some("Editor")"#,
        );
        check(r#"{"capabilities":{"experimental":{"agent":true}}}"#, "-32602");
        check(r#"{"capabilities":{"experimental":{"agent":[[1]]}}}"#, "-32602");
        check(r#"{"capabilities":{"experimental":{"agent":{}}}}"#, "-32602");
        check("[1]", "-32602");
    }
}
