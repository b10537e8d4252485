//! An address as somebody wrote it, held to what may be asked for: http or https, a host, nothing secret. Not here: what the
//! host resolves to (`guard`).
use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use crate::network::ways::Scheme;

/// The longest address, in bytes: what browsers and servers take.
const URL_BYTES_MAX: usize = 2_048;

/// A place to ask, whose host is written the one plain way.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Target {
    url: Url,
    scheme: Scheme,
    host: String,
}

/// An address that is not asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TargetError {
    /// It cannot be understood.
    #[error("it is no address of a page: {0}")]
    Invalid(String),
    /// Another scheme.
    #[error("only http and https addresses are fetched, not {0}")]
    Scheme(String),
    /// A name or a password stands before the host.
    #[error("an address with a name or a password in it is not fetched")]
    Credentials,
    /// A host written as a number, or otherwise than programs write it.
    #[error("the host is written in an odd way: write {0}, which is what it means")]
    OddHost(String),
    /// Over the limit.
    #[error("the address is longer than {URL_BYTES_MAX} bytes")]
    TooLong,
}

impl Target {
    /// Understands an address.
    ///
    /// # Errors
    /// It is not one that may be asked for.
    pub(crate) fn parse(text: &str) -> Result<Self, TargetError> {
        if text.len() > URL_BYTES_MAX {
            return Err(TargetError::TooLong);
        }
        let url = Url::parse(text.trim()).map_err(|error| TargetError::Invalid(error.to_string()))?;
        let target = Self::of(url)?;
        // `0x7f.1`, `2130706433` and `127.1` are the same host to the network, and not to the eye.
        if target.address().is_some() && !text.to_ascii_lowercase().contains(&target.host) {
            return Err(TargetError::OddHost(target.host));
        }
        Ok(target)
    }

    /// Returns where an answer leads that is a redirect.
    ///
    /// # Errors
    /// Not to an address that may be asked for.
    pub(crate) fn redirected(&self, location: &str) -> Result<Self, TargetError> {
        if location.len() > URL_BYTES_MAX {
            return Err(TargetError::TooLong);
        }
        let url = self.url.join(location).map_err(|error| TargetError::Invalid(error.to_string()))?;
        Self::of(url)
    }

    fn of(mut url: Url) -> Result<Self, TargetError> {
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(TargetError::Scheme(other.to_owned())),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Credentials);
        }
        let missing = || TargetError::Invalid("the host is missing".to_owned());
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(missing)?;
        // A dot at the end means the same host, and would be another one to a rule.
        let host = host.trim_end_matches('.').to_owned();
        url.set_host(Some(&host)).map_err(|error| TargetError::Invalid(error.to_string()))?;
        url.set_fragment(None);
        Ok(Self { url, scheme, host })
    }

    /// Returns the whole address, without what stands behind `#`.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Returns whether TLS is spoken.
    pub(crate) const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the host in lower case, an IPv6 address in brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    pub(crate) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// Returns the host's address, where it is written as one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        let bare = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        bare.unwrap_or(&self.host).parse().ok()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<String, TargetError> {
        Target::parse(text).map(|target| format!("{} {}", target.host(), target.port()))
    }

    #[test]
    fn hosts_and_ports_are_told_the_plain_way() {
        assert_eq!(check("https://Example.ORG./a?b#c").unwrap(), "example.org 443");
        assert_eq!(check("http://example.org:8080").unwrap(), "example.org 8080");
        assert_eq!(check("http://[2606:4700::1111]/").unwrap(), "[2606:4700::1111] 80");
        assert_eq!(check("http://bücher.example/").unwrap(), "xn--bcher-kva.example 80");
        assert_eq!(Target::parse("https://a.example/x#y").unwrap().to_string(), "https://a.example/x");
    }

    #[test]
    fn what_is_not_asked_for() {
        assert_eq!(check("file:///etc/passwd"), Err(TargetError::Scheme("file".into())));
        assert_eq!(check("ftp://a.example/"), Err(TargetError::Scheme("ftp".into())));
        assert_eq!(check("https://me@a.example/"), Err(TargetError::Credentials));
        assert_eq!(check("https://me:word@a.example/"), Err(TargetError::Credentials));
        assert_eq!(check("https://a.example@127.0.0.1/"), Err(TargetError::Credentials));
        for odd in [
            "http://2130706433/",
            "http://0x7f.1/",
            "http://127.1/",
            "http://0177.0.0.1/",
            "http://①②⑦.0.0.1/",
        ] {
            assert_eq!(check(odd), Err(TargetError::OddHost("127.0.0.1".into())), "{odd}");
        }
        assert!(matches!(check("example.org"), Err(TargetError::Invalid(_))));
        assert!(matches!(check("https://"), Err(TargetError::Invalid(_))));
        assert_eq!(check(&format!("https://a.example/{}", "x".repeat(3_000))), Err(TargetError::TooLong));
        let target = Target::parse("https://a.example/b/c").unwrap();
        assert_eq!(target.redirected("../d").unwrap().to_string(), "https://a.example/d");
        assert_eq!(target.redirected("//b.example/").unwrap().host(), "b.example");
        assert!(matches!(target.redirected("javascript:x"), Err(TargetError::Scheme(_))));
        assert_eq!(target.redirected("http://me@b.example/"), Err(TargetError::Credentials));
    }
}
