//! Who may speak HTTP with us: `Host`, `Origin` and the token, checked on every request before anything else is looked at.
//! Not here: what is served (`http`).
//!
//! A page in a browser reaches every port of its machine: its `Origin` gives it away, and its `Host` where a name was
//! rebound to this address. The token keeps out whoever else can connect, other users of the machine first of all.
use std::net::{IpAddr, SocketAddr};

use hyper::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN};
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};

use crate::base::secret::Secret;

/// What is let through.
#[derive(Debug)]
pub(super) struct Gate {
    /// The token that has to be shown.
    pub(super) token: Secret,
    /// Origins that pages may have; any other page is refused.
    pub(super) origins: Vec<String>,
    /// The host that was asked to be listened at, where other machines may connect.
    pub(super) remote_host: Option<String>,
}

/// Why a request is refused, for the one who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// 401 or 403.
    pub(super) status: StatusCode,
    /// What is wrong.
    pub(super) message: &'static str,
    /// What to do about it.
    pub(super) hint: &'static str,
}

const fn forbidden(message: &'static str, hint: &'static str) -> Refusal {
    Refusal { status: StatusCode::FORBIDDEN, message, hint }
}

const FOREIGN_HOST: Refusal =
    forbidden("the host is not one that this agent answers to", "use 127.0.0.1, [::1] or localhost");
const FOREIGN_ORIGIN: Refusal = forbidden(
    "the origin is not listed",
    "list it in daemon.origins, if the page may do everything that you can",
);
const QUERY: Refusal = forbidden(
    "the address has a query",
    "a token belongs into the header Authorization, never into an address",
);
const NO_TOKEN: Refusal = Refusal {
    status: StatusCode::UNAUTHORIZED,
    message: "the token is missing or wrong",
    hint: "send Authorization: Bearer TOKEN; `tenon doctor` tells which file holds it",
};

impl Gate {
    /// Checks a request that came in at the address `local`.
    ///
    /// # Errors
    /// It is not to be answered otherwise than with this refusal.
    pub(super) fn check(&self, request: &Parts, local: SocketAddr) -> Result<(), Refusal> {
        // A target with an authority stands for the host, whatever the header says.
        let named = request.uri.authority().is_none_or(|named| self.is_ours(named.as_str(), local));
        let host = only(&request.headers, &HOST).is_some_and(|host| self.is_ours(host, local));
        if !named || !host {
            return Err(FOREIGN_HOST);
        }
        let is_listed = |origin: &str| self.origins.iter().any(|listed| listed == origin);
        if request.headers.contains_key(ORIGIN) && !only(&request.headers, &ORIGIN).is_some_and(is_listed) {
            return Err(FOREIGN_ORIGIN);
        }
        if request.uri.query().is_some() {
            return Err(QUERY);
        }
        let shown = only(&request.headers, &AUTHORIZATION).and_then(bearer).unwrap_or_default();
        if constant_time_eq::constant_time_eq(shown.as_bytes(), self.token.expose().as_bytes()) {
            Ok(())
        } else {
            Err(NO_TOKEN)
        }
    }

    /// Tells whether a host, with or without a port, is a name of ours. An address cannot be rebound, a name can.
    fn is_ours(&self, host: &str, local: SocketAddr) -> bool {
        let name = without_port(host);
        if name.eq_ignore_ascii_case("localhost") {
            return true;
        }
        let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match (address, &self.remote_host) {
            (Ok(address), _) if address.to_canonical().is_loopback() => true,
            (Ok(address), Some(_)) => address.to_canonical() == local.ip().to_canonical(),
            (Err(_), Some(listened)) => name.eq_ignore_ascii_case(listened),
            (_, None) => false,
        }
    }
}

/// Returns the value of a header that stands exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Returns what stands behind the word `Bearer`.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // Not the colon inside an address of version 6.
        Some((name, port)) if !port.contains(']') && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    const TOKEN: &str = "test-key";

    fn gate(remote_host: Option<&str>) -> Gate {
        let origins = vec!["https://console.test".to_owned()];
        Gate { token: Secret::new(TOKEN), origins, remote_host: remote_host.map(str::to_owned) }
    }

    fn check(gate: &Gate, target: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let local = SocketAddr::from(([192, 0, 2, 7], 80));
        gate.check(&parts, local).map_or_else(|refusal| refusal.status.as_u16(), |()| 200)
    }

    const SHOWN: (&str, &str) = ("authorization", "Bearer test-key");

    #[test]
    fn the_host_is_this_machine() {
        let gate = gate(None);
        for host in
            ["127.0.0.1", "127.0.0.1:80", "127.9.9.9:1", "localhost", "LocalHost:80", "[::1]", "[::1]:80"]
        {
            assert_eq!(check(&gate, "/", &[("host", host), SHOWN]), 200, "{host}");
        }
        for host in [
            "",
            "evil.test",
            "evil.test:80",
            "localhost.evil.test",
            "192.0.2.7",
            "127.0.0.1.evil.test",
            "[::2]:80",
            "0.0.0.0",
        ] {
            assert_eq!(check(&gate, "/", &[("host", host), SHOWN]), 403, "{host}");
        }
        assert_eq!(check(&gate, "/", &[SHOWN]), 403);
        assert_eq!(check(&gate, "/", &[("host", "localhost"), ("host", "evil.test"), SHOWN]), 403);
        assert_eq!(check(&gate, "http://evil.test/", &[("host", "localhost"), SHOWN]), 403);
        assert_eq!(check(&gate, "http://localhost/", &[("host", "localhost"), SHOWN]), 200);
    }

    #[test]
    fn other_machines_name_the_address_they_came_to() {
        let gate = gate(Some("agent.test"));
        for host in ["192.0.2.7:80", "agent.test:80", "127.0.0.1"] {
            assert_eq!(check(&gate, "/", &[("host", host), SHOWN]), 200, "{host}");
        }
        for host in ["192.0.2.8:80", "evil.test"] {
            assert_eq!(check(&gate, "/", &[("host", host), SHOWN]), 403, "{host}");
        }
    }

    #[test]
    fn origins_are_absent_or_listed() {
        let (gate, host) = (gate(None), ("host", "localhost"));
        assert_eq!(check(&gate, "/", &[host, SHOWN, ("origin", "https://console.test")]), 200);
        for origin in
            ["null", "", "https://evil.test", "http://console.test", "https://console.test.evil.test"]
        {
            assert_eq!(check(&gate, "/", &[host, SHOWN, ("origin", origin)]), 403, "{origin}");
        }
        let twice = [host, SHOWN, ("origin", "https://console.test"), ("origin", "null")];
        assert_eq!(check(&gate, "/", &twice), 403);
    }

    #[test]
    fn the_token_is_shown_in_its_header_alone() {
        let (gate, host) = (gate(None), ("host", "localhost"));
        for value in [
            "Bearer test-kez",
            "Bearer test-ke",
            "Bearer test-key1",
            "Bearer ",
            "Bearer",
            "Basic test-key",
            "test-key",
        ] {
            assert_eq!(check(&gate, "/", &[host, ("authorization", value)]), 401, "{value}");
        }
        assert_eq!(check(&gate, "/", &[host]), 401);
        assert_eq!(check(&gate, "/anything", &[host]), 401);
        assert_eq!(check(&gate, "/", &[host, SHOWN, SHOWN]), 401);
        assert_eq!(check(&gate, "/?token=test-key", &[host]), 403);
        assert_eq!(check(&gate, "/?token=test-key", &[host, SHOWN]), 403);
        assert_eq!(check(&gate, "/", &[host, ("authorization", "bearer test-key")]), 200);
    }
}
