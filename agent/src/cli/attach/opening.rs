//! The beginning of a stream: what a client says up to its `initialize`, and the answer to it. Not here: anything behind
//! that, which nobody reads on its way.
//!
//! Until the handshake is answered nothing has happened yet, so it can be said again to another agent.
use std::io::{self, Read};

use serde::Deserialize;
use serde_json::Value;

/// How messages are told apart on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Framing {
    Headers,
    Lines,
}

impl Framing {
    /// Returns a message as it stands on the stream.
    pub(in crate::cli) fn frame(self, message: &Value) -> Vec<u8> {
        let message = message.to_string();
        match self {
            Self::Headers => format!("Content-Length: {}\r\n\r\n{message}", message.len()).into_bytes(),
            Self::Lines => format!("{message}\n").into_bytes(),
        }
    }
}

/// Bytes of an opening. An `initialize` with everything an editor can do has some 20 KiB; what is longer is no handshake.
const OPENING_BYTES_MAX: usize = 1024 * 1024;

/// What a client said first.
#[derive(Debug, Default)]
pub(in crate::cli) struct Opening {
    /// All of it, and whatever came in the same reads.
    pub(super) bytes: Vec<u8>,
    /// `None` where nothing visible was said.
    pub(in crate::cli) framing: Option<Framing>,
    /// Whether it asks for a handshake.
    pub(super) asks: bool,
    /// The id of the request that ends it.
    pub(in crate::cli) id: Option<Value>,
}

/// What the agent said to it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Bytes for the client, with the answer at their beginning.
    Given(Vec<u8>),
    /// Nothing: the agent is leaving, or gone.
    None,
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(default)]
    id: Option<Value>,
    #[serde(default, borrow)]
    method: Option<std::borrow::Cow<'a, str>>,
    #[serde(default)]
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
}

impl Opening {
    /// Reads up to the end of the first request, of the stream, or of what a handshake may be long.
    ///
    /// # Errors
    /// The client cannot be read.
    pub(in crate::cli) fn read(client: &mut impl Read) -> io::Result<Self> {
        let mut opening = Self::default();
        let mut chunk = [0; 4096];
        // Where the first message begins that was not looked at.
        let mut start = 0;
        while opening.bytes.len() < OPENING_BYTES_MAX {
            let count = match client.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            opening.bytes.extend_from_slice(&chunk[..count]);
            opening.framing = opening.framing.or_else(|| framing(&opening.bytes));
            let Some(framing) = opening.framing else { continue };
            while let Some((body, end)) = message(framing, &opening.bytes[start..]) {
                match serde_json::from_slice::<Said<'_>>(body) {
                    Ok(Said { id: None, method: Some(_), .. }) => {}
                    Err(_) if body.trim_ascii().is_empty() => {}
                    Ok(said) => {
                        opening.asks = said.method.as_deref() == Some("initialize");
                        opening.id = said.id;
                        return Ok(opening);
                    }
                    Err(_) => return Ok(opening),
                }
                start += end;
            }
        }
        Ok(opening)
    }
}

impl Answer {
    /// Reads the answer to a handshake. What cannot be understood, or does not come in the time that the stream has, is
    /// given as far as it came.
    pub(super) fn read(framing: Framing, mut agent: impl Read) -> Self {
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        while bytes.len() < OPENING_BYTES_MAX {
            match agent.read(&mut chunk) {
                Ok(count) if count > 0 => bytes.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // The time is over: from here on it is the client that waits.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // A part of an answer is none.
                Ok(_) | Err(_) => return Self::None,
            }
            if let Some((body, _)) = message(framing, &bytes) {
                let said = serde_json::from_slice::<Said<'_>>(body);
                let is_leaving = said.is_ok_and(|said| said.error.is_some_and(|error| error.code == LEAVING));
                return if is_leaving { Self::None } else { Self::Given(bytes) };
            }
        }
        Self::Given(bytes)
    }
}

/// The code of `draining`.
const LEAVING: i64 = 1006;

/// Tells the framing from the first bytes as the agent does; `None` while there is only white space. What is neither is
/// left to the agent to refuse.
fn framing(first: &[u8]) -> Option<Framing> {
    let first = first.trim_ascii_start();
    let is_header = first.first()?.eq_ignore_ascii_case(&b'c');
    Some(if is_header { Framing::Headers } else { Framing::Lines })
}

/// Returns the body of the first whole message, and how many bytes the message takes.
fn message(framing: Framing, bytes: &[u8]) -> Option<(&[u8], usize)> {
    match framing {
        Framing::Lines => {
            let end = bytes.iter().position(|byte| *byte == b'\n')?;
            Some((&bytes[..end], end + 1))
        }
        Framing::Headers => {
            let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
            let length = std::str::from_utf8(&bytes[..head]).ok()?.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.trim().eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse::<usize>().ok())?
            })?;
            let (start, end) = (head + 4, (head + 4).checked_add(length)?);
            Some((bytes.get(start..end)?, end))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brings one byte at a time, as the worst client does.
    struct Bytes<'a>(&'a [u8]);

    impl Read for Bytes<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            (buffer[0], self.0) = (*first, rest);
            Ok(1)
        }
    }

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    fn check(said: &str, asks: bool, taken: &str) {
        let opening = Opening::read(&mut Bytes(said.as_bytes())).unwrap();
        assert_eq!(opening.asks, asks, "{said}");
        assert_eq!(String::from_utf8(opening.bytes).unwrap(), taken, "{said}");
    }

    #[test]
    fn the_framing_is_told_from_the_first_visible_byte() {
        assert_eq!(framing(b""), None);
        assert_eq!(framing(b" \r\n\t"), None);
        assert_eq!(framing(b"\n{"), Some(Framing::Lines));
        assert_eq!(framing(b"content-length: 2"), Some(Framing::Headers));
        assert_eq!(framing(b"C"), Some(Framing::Headers));
    }

    #[test]
    fn an_opening_ends_with_the_first_request() {
        let (environment, hello) = (r#"{"method":"$/environment"}"#, r#"{"id":1,"method":"initialize"}"#);
        let lines = format!("\n{environment}\n{hello}\n");
        check(&format!("{lines}{hello}\n"), true, &lines);
        let headers = format!("{}{}", framed(environment), framed(hello));
        check(&format!("{headers}Content-"), true, &headers);
        check("{\"id\":1,\"method\":\"agent/list\"}\n{", false, "{\"id\":1,\"method\":\"agent/list\"}\n");
        check("GET / HTTP/1.1\nHost", false, "GET / HTTP/1.1\n");
        check(&format!("{environment}\n"), false, &format!("{environment}\n"));
        check("", false, "");
    }

    #[test]
    fn an_agent_that_leaves_gives_no_answer() {
        let read = |said: &str| Answer::read(Framing::Lines, Bytes(said.as_bytes()));
        let given = |said: &str| Answer::Given(said.as_bytes().to_vec());
        assert_eq!(read("{\"id\":1,\"result\":{}}\n"), given("{\"id\":1,\"result\":{}}\n"));
        let refused = "{\"id\":1,\"error\":{\"code\":1005,\"message\":\"m\"}}\n";
        assert_eq!(read(refused), given(refused));
        assert_eq!(read("{\"id\":1,\"error\":{\"code\":1006,\"message\":\"m\"}}\n"), Answer::None);
        assert_eq!(read(""), Answer::None);
        assert_eq!(read("{\"id\":1,"), Answer::None);
    }
}
