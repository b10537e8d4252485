//! The person's own proxy, for those who connect themselves: whether a host is reached through it, and how it is spoken to. Not
//! here: requests that a client of the HTTP library makes (`ways`).
use std::net::IpAddr;

use reqwest::Url;

use crate::base::base64;
use crate::network::target::Target;
use crate::network::ways::{LOOPBACK, NetworkEnvironment, Scheme};

/// A proxy that is spoken to in plain HTTP.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Upstream {
    /// Its host.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// What it is told about who asks; a secret.
    pub(crate) authorization: Option<String>,
}

/// A proxy that cannot be gone through. Its address is not shown: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// It is no address.
    #[error("the proxy of this session has no address that can be used")]
    Invalid,
    /// TLS to the proxy, or SOCKS.
    #[error(
        "the proxy of this session is no plain HTTP proxy (http://…), and commands can go through no other"
    )]
    Unsupported,
}

impl NetworkEnvironment {
    /// Returns the proxy through which a target is reached; `None` for those that are reached directly.
    ///
    /// # Errors
    /// There is one that cannot be gone through.
    pub(crate) fn upstream(&self, target: &Target) -> Result<Option<Upstream>, UpstreamError> {
        let configured = match target.scheme() {
            Scheme::Http => &self.http_proxy,
            Scheme::Https => &self.https_proxy,
        };
        let Some(address) = configured else { return Ok(None) };
        let lists = [self.no_proxy.as_deref().unwrap_or_default(), LOOPBACK];
        if lists.iter().any(|list| is_listed(list, target)) {
            return Ok(None);
        }
        let has_scheme = address.contains("://");
        let whole = if has_scheme { address.clone() } else { format!("http://{address}") };
        let url = Url::parse(&whole).map_err(|_| UpstreamError::Invalid)?;
        if url.scheme() != "http" {
            return Err(UpstreamError::Unsupported);
        }
        let host = url.host_str().ok_or(UpstreamError::Invalid)?.to_owned();
        let port = url.port_or_known_default().ok_or(UpstreamError::Invalid)?;
        let has_name = !url.username().is_empty() || url.password().is_some();
        let authorization = has_name.then(|| {
            let words = [url.username(), ":", url.password().unwrap_or_default()].map(unescaped).concat();
            format!("Basic {}", base64::encode(&words))
        });
        Ok(Some(Upstream { host, port, authorization }))
    }
}

/// Whether a list of exceptions names a host: itself, a domain above it, an address, a network of addresses, or everything.
fn is_listed(list: &str, target: &Target) -> bool {
    let host = target.host().trim_matches(['[', ']']);
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        if let Some(address) = target.address() {
            return entry == "*" || is_within(entry.trim_matches(['[', ']']), address);
        }
        let name = entry.to_ascii_lowercase();
        let name = name.trim_start_matches('.');
        let beneath = || host.strip_suffix(name).is_some_and(|above| above.ends_with('.'));
        name == "*" || host == name || beneath()
    })
}

/// Whether an address is one that is written `10.0.0.1`, or of a network that is written `10.0.0.0/8`.
fn is_within(entry: &str, address: IpAddr) -> bool {
    let (network, length) = match entry.split_once('/') {
        Some((network, length)) => (network, length.parse::<u32>().ok()),
        None => (entry, Some(128)),
    };
    let differs = match (network.parse(), address) {
        (Ok(IpAddr::V4(network)), IpAddr::V4(address)) => {
            (network.to_bits() ^ address.to_bits()).leading_zeros()
        }
        (Ok(IpAddr::V6(network)), IpAddr::V6(address)) => {
            (network.to_bits() ^ address.to_bits()).leading_zeros()
        }
        (Ok(_) | Err(_), _) => return false,
    };
    let whole = if address.is_ipv4() { 32 } else { 128 };
    length.is_some_and(|length| differs >= length.min(whole))
}

/// Returns the bytes of a text in which some are written `%41`.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().iter();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let coded = bytes.as_slice().get(..2).filter(|_| *byte == b'%');
        let coded = coded.and_then(|digits| std::str::from_utf8(digits).ok());
        match coded.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(coded) => {
                plain.push(coded);
                bytes.nth(1);
            }
            None => plain.push(*byte),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(proxy: &str, exceptions: &str, target: &str) -> Result<Option<String>, UpstreamError> {
        let ways = NetworkEnvironment {
            http_proxy: Some(proxy.to_owned()),
            https_proxy: Some(proxy.to_owned()),
            no_proxy: Some(exceptions.to_owned()),
            ca_file: None,
        };
        let found = ways.upstream(&Target::parse(target).unwrap())?;
        let told = |Upstream { host, port, authorization }: Upstream| {
            format!("{host}:{port} {}", authorization.unwrap_or_default())
        };
        Ok(found.map(told))
    }

    #[test]
    fn a_persons_proxy_is_gone_through_but_for_what_they_except() {
        let is = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(check("http://proxy.example:3128", "", "https://a.example/"), is("proxy.example:3128 "));
        assert_eq!(check("proxy.example:3128", "", "http://a.example/"), is("proxy.example:3128 "));
        assert_eq!(
            check("http://me:a%3Ab@proxy.example", "", "https://a.example/"),
            is(&format!("proxy.example:80 Basic {}", base64::encode(b"me:a:b")))
        );
        for (exceptions, target) in [
            ("a.example", "https://a.example/"),
            (".example", "https://a.example/"),
            ("x, example", "https://a.example/"),
            ("*", "https://a.example/"),
            ("192.0.2.0/24", "https://192.0.2.7/"),
            ("2001:db8::/32", "https://[2001:db8::1]/"),
            ("", "http://localhost:3000/"),
            ("", "http://[::1]:3000/"),
        ] {
            assert_eq!(
                check("http://proxy.example:1", exceptions, target),
                Ok(None),
                "{exceptions} {target}"
            );
        }
        for (exceptions, target) in [
            ("ample", "https://a.example/"),
            ("b.example", "https://a.example/"),
            ("192.0.2.0/24", "https://192.0.3.7/"),
            ("192.0.2.1", "https://192.0.2.10/"),
        ] {
            assert_eq!(
                check("http://proxy.example:1", exceptions, target),
                is("proxy.example:1 "),
                "{exceptions} {target}"
            );
        }
        assert_eq!(
            check("socks5://proxy.example", "", "https://a.example/"),
            Err(UpstreamError::Unsupported)
        );
        assert_eq!(check("https://proxy.example", "", "https://a.example/"), Err(UpstreamError::Unsupported));
        assert_eq!(check("http://", "", "https://a.example/"), Err(UpstreamError::Invalid));
    }
}
