//! Where the HTTP carrier listens: `host:port`. Not here: listening.
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

/// A host and a port to listen at; port 0 lets the kernel choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenAddress {
    /// A name, or an address without brackets.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
}

/// A text that is no such address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address is host:port, such as 127.0.0.1:0 or [::1]:8080")]
pub(crate) struct NoAddress;

impl ListenAddress {
    /// Whether only this machine can connect. A name may mean anything, apart from `localhost`, which is taken for
    /// 127.0.0.1 and nothing else.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
    }
}

impl FromStr for ListenAddress {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let (host, port) = text.rsplit_once(':').ok_or(NoAddress)?;
        let port = port.parse().map_err(|_| NoAddress)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_fit = match bare {
            Some(bare) => bare.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
            }
        };
        if !is_fit {
            return Err(NoAddress);
        }
        let host = bare.unwrap_or(host);
        let host = if host.eq_ignore_ascii_case("localhost") {
            Ipv4Addr::LOCALHOST.to_string()
        } else {
            host.to_owned()
        };
        Ok(Self { host, port })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_told_apart() {
        for (text, shown, is_loopback) in [
            ("127.0.0.1:0", "127.0.0.1:0", true),
            ("127.8.0.1:80", "127.8.0.1:80", true),
            ("localhost:8080", "127.0.0.1:8080", true),
            ("[::1]:0", "[::1]:0", true),
            ("[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", "0.0.0.0:1", false),
            ("[::]:1", "[::]:1", false),
            ("agent.test:1", "agent.test:1", false),
            ("localhost.test:1", "localhost.test:1", false),
        ] {
            let address: ListenAddress = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.is_loopback()), (shown, is_loopback), "{text}");
        }
        for text in [
            "",
            "80",
            "127.0.0.1",
            ":80",
            "127.0.0.1:",
            "127.0.0.1:70000",
            "::1:80",
            "[x]:1",
            "a b:1",
            "http://a:1",
        ] {
            assert_eq!(text.parse::<ListenAddress>(), Err(NoAddress), "{text}");
        }
    }
}
