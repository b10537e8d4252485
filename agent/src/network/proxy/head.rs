//! What a client of the proxy asks for: the head of its request, read within bounds and understood strictly. Not here: whether it
//! may have that, and how it gets it (`connect`).
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::network::target::{Target, TargetError};

/// The longest head, in bytes: what servers take.
pub(super) const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What ends a head.
const END: &[u8] = b"\r\n\r\n";

/// Fields that are about the connection with the proxy and not handed on.
const OURS: [&str; 8] = [
    "connection",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "upgrade",
];

/// A head as it came, with what came behind it.
#[derive(Debug)]
pub(super) struct Head {
    bytes: Vec<u8>,
    /// How long the head is, its empty line included.
    length: usize,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// A way to the target, through which anything goes.
    Tunnel,
    /// A request in plain HTTP.
    Request(Request),
}

/// A request as it goes to the server itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// `GET`.
    pub(super) method: String,
    /// `HTTP/1.1`.
    pub(super) version: String,
    /// The fields that are handed on, each with its end of line.
    pub(super) fields: String,
}

/// A head that is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum HeadError {
    /// The client went away before its end.
    #[error("the request has no end")]
    Gone,
    /// Over the bound.
    #[error("the head of the request is longer than {HEAD_BYTES_MAX} bytes")]
    TooLong,
    /// No HTTP.
    #[error(
        "this is a proxy for HTTP: it takes `CONNECT host:port`, and requests with the whole address (http://…)"
    )]
    Odd,
    /// An address that is none.
    #[error("{0}")]
    Target(#[from] TargetError),
}

impl Head {
    /// Reads a head. What it had read is lost when it is dropped.
    pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Self, HeadError> {
        let mut bytes = Vec::with_capacity(1024);
        loop {
            let seen = bytes.len().saturating_sub(END.len() - 1);
            match stream.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => return Err(HeadError::Gone),
                Ok(_) => {}
            }
            let found = bytes[seen..].windows(END.len()).position(|window| window == END);
            if let Some(length) =
                found.map(|at| seen + at + END.len()).filter(|length| *length <= HEAD_BYTES_MAX)
            {
                return Ok(Self { bytes, length });
            }
            if bytes.len() >= HEAD_BYTES_MAX {
                return Err(HeadError::TooLong);
            }
        }
    }

    /// Returns what came behind the head.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.length..]
    }

    /// Returns the first line, and the others; no line holds a control character.
    fn lines(&self) -> Result<(&str, impl Iterator<Item = &str>), HeadError> {
        let text = std::str::from_utf8(&self.bytes[..self.length - END.len()]).map_err(|_| HeadError::Odd)?;
        let is_odd = |line: &str| line.contains(|c: char| c.is_control() && c != '\t');
        if text.split("\r\n").any(is_odd) {
            return Err(HeadError::Odd);
        }
        let mut lines = text.split("\r\n");
        lines.next().map(|first| (first, lines)).ok_or(HeadError::Odd)
    }

    /// Returns the number of an answer's status.
    pub(super) fn status(&self) -> Option<u16> {
        let (first, _) = self.lines().ok()?;
        first.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()
    }

    /// Returns what is asked for, and of whom.
    pub(super) fn asked(&self) -> Result<(Target, Asked), HeadError> {
        let (first, fields) = self.lines()?;
        let words: Vec<&str> = first.split(' ').collect();
        let [method, address, version @ ("HTTP/1.1" | "HTTP/1.0")] = words[..] else {
            return Err(HeadError::Odd);
        };
        if method == "CONNECT" {
            let (_, port) = address.rsplit_once(':').ok_or(HeadError::Odd)?;
            port.parse::<u16>().map_err(|_| HeadError::Odd)?;
            if address.contains(['/', '?', '#', '\\']) {
                return Err(HeadError::Odd);
            }
            return Ok((Target::parse(&format!("https://{address}/"))?, Asked::Tunnel));
        }
        if !is_token(method) || !address.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://"))
        {
            return Err(HeadError::Odd);
        }
        let target = Target::parse(address)?;
        let request = Request {
            method: method.to_owned(),
            version: version.to_owned(),
            fields: handed_on(&fields.collect::<Vec<_>>())?,
        };
        Ok((target, Asked::Request(request)))
    }
}

/// Returns the fields for the server: without those that are about this connection, in their own words or in those of `Connection`.
fn handed_on(fields: &[&str]) -> Result<String, HeadError> {
    let parted: Option<Vec<(String, &str)>> = fields
        .iter()
        .map(|line| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim())))
        .collect();
    let parted =
        parted.filter(|fields| fields.iter().all(|(name, _)| is_token(name))).ok_or(HeadError::Odd)?;
    let named: Vec<String> = parted
        .iter()
        .filter(|(name, _)| name == "connection")
        .flat_map(|(_, value)| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let is_ours = |name: &str| OURS.contains(&name) || named.iter().any(|named| named == name);
    let kept = parted.iter().filter(|(name, _)| !is_ours(name));
    Ok(kept.flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect())
}

/// Whether it is a word of HTTP (RFC 9110 §5.6.2).
fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn asked(text: &str) -> Result<(String, Asked), String> {
        let head = Head::read(&mut text.as_bytes()).await.map_err(|error| error.to_string())?;
        head.asked().map(|(target, asked)| (target.to_string(), asked)).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn what_is_asked_for_is_understood_strictly() {
        let tunnel = |text: &str| Ok((text.to_owned(), Asked::Tunnel));
        assert_eq!(
            asked("CONNECT A.example:443 HTTP/1.1\r\nHost: x\r\n\r\n").await,
            tunnel("https://a.example/")
        );
        assert_eq!(asked("CONNECT [::1]:22 HTTP/1.0\r\n\r\n").await, tunnel("https://[::1]:22/"));
        let (target, request) = asked(
            "POST http://a.example:81/b?c HTTP/1.1\r\nHost: evil.example\r\nConnection: close, X-Own\r\nX-Own: 1\r\n\
             Proxy-Authorization: Basic x\r\nContent-Length: 2\r\n\r\nhi",
        )
        .await
        .unwrap();
        let Asked::Request(Request { method, version, fields }) = request else { panic!("no request") };
        assert_eq!(
            (target.as_str(), method.as_str(), version.as_str()),
            ("http://a.example:81/b?c", "POST", "HTTP/1.1")
        );
        assert_eq!(fields, "content-length: 2\r\n");
        for odd in [
            "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
            "GET https://a.example/ HTTP/1.1\r\n\r\n",
            "GET ftp://a.example/ HTTP/1.1\r\n\r\n",
            "CONNECT a.example HTTP/1.1\r\n\r\n",
            "CONNECT a.example:443/x HTTP/1.1\r\n\r\n",
            "CONNECT a.example:443@b.example:443 HTTP/1.1\r\n\r\n",
            "CONNECT 127.1:80 HTTP/1.1\r\n\r\n",
            "CONNECT a.example:443 HTTP/2\r\n\r\n",
            "CONNECT  a.example:443 HTTP/1.1\r\n\r\n",
            "GET http://me:x@a.example/ HTTP/1.1\r\n\r\n",
            "GET http://a.example/ HTTP/1.1\r\nno field\r\n\r\n",
            "GET http://a.example/ HTTP/1.1\r\nA: b\n c\r\n\r\n",
            "G\0T http://a.example/ HTTP/1.1\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert!(asked(odd).await.is_err(), "{odd:?}: {:?}", asked(odd).await);
        }
    }

    #[tokio::test]
    async fn a_head_is_bounded() {
        let long = format!("GET http://a.example/ HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(HEAD_BYTES_MAX));
        assert!(asked(&long).await.unwrap_err().contains("longer than"));
        assert!(asked("GET http://a.example/ HTTP/1.1\r\n").await.unwrap_err().contains("no end"));
        let head = Head::read(&mut "CONNECT a.example:1 HTTP/1.1\r\n\r\nrest".as_bytes()).await.unwrap();
        assert_eq!(head.rest(), b"rest");
        let head = Head::read(&mut "HTTP/1.1 200 OK\r\n\r\n".as_bytes()).await.unwrap();
        assert_eq!(head.status(), Some(200));
    }
}
