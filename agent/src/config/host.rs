//! A host, with or without a port, that may lie in this machine or its network. Not here: what it resolves to (`network`).
use std::fmt;
use std::str::FromStr;

/// A host that a person named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NearHost {
    host: String,
    port: Option<u16>,
}

/// A text that is no such host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a host is written like localhost:3000, intranet.example.org, 10.0.0.7 or [::1]:8080")]
pub(crate) struct NoHost;

impl NearHost {
    /// Returns whether it is this host, whatever the port.
    pub(crate) fn is_at(&self, host: &str) -> bool {
        self.host == host
    }

    /// Returns whether it is this host, in lower case and an IPv6 address in brackets, at this port.
    pub(crate) fn covers(&self, host: &str, port: u16) -> bool {
        self.host == host && self.port.is_none_or(|own| own == port)
    }
}

impl FromStr for NearHost {
    type Err = NoHost;

    fn from_str(text: &str) -> Result<Self, NoHost> {
        let text = text.trim().to_ascii_lowercase();
        let end = text.rfind(']').unwrap_or(0);
        let (host, port) = match text[end..].rfind(':') {
            Some(at) => (&text[..end + at], Some(text[end + at + 1..].parse().map_err(|_| NoHost)?)),
            None => (text.as_str(), None),
        };
        let is_fit = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(bare) => bare.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
            }
        };
        if is_fit { Ok(Self { host: host.to_owned(), port }) } else { Err(NoHost) }
    }
}

impl fmt::Display for NearHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_with_and_without_a_port() {
        let check = |text: &str| text.parse::<NearHost>().map(|host| host.to_string());
        assert_eq!(check(" LocalHost:3000 "), Ok("localhost:3000".to_owned()));
        assert_eq!(check("intranet.example.org"), Ok("intranet.example.org".to_owned()));
        assert_eq!(check("[::1]:8080"), Ok("[::1]:8080".to_owned()));
        assert_eq!(check("[::1]"), Ok("[::1]".to_owned()));
        for wrong in ["", "*", "*.example.org", "http://a", "a/b", "a:b", "::1", "a:99999", "10.0.0.0/8"] {
            assert_eq!(check(wrong), Err(NoHost), "{wrong}");
        }
    }
}
