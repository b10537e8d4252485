//! Messages of the agent under test, in whichever framing they come. Not here: what they say (`play`).
use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use serde_json::Value;

use crate::cli::failure::Failure;

/// Messages read ahead of the vector.
const AHEAD_MAX: usize = 10_000;

/// The largest message that is read, in bytes.
const MESSAGE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How messages are told apart on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Headers,
    Lines,
}

impl Framing {
    pub(super) const ALL: [Self; 2] = [Self::Headers, Self::Lines];

    /// Returns its name in vectors and reports.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Headers => "headers",
            Self::Lines => "lines",
        }
    }

    /// Returns the bytes of a message.
    pub(super) fn bytes(self, message: &Value) -> Vec<u8> {
        let body = message.to_string();
        match self {
            Self::Headers => format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes(),
            Self::Lines => format!("{body}\n").into_bytes(),
        }
    }
}

/// Reads messages on a thread of its own. A message that is none is told as such, and is the last one; the end of the
/// stream closes the channel.
pub(super) fn read(
    stream: impl Read + Send + 'static,
    framing: Framing,
) -> Result<Receiver<Result<Value, String>>, Failure> {
    let (sender, messages) = sync_channel(AHEAD_MAX);
    std::thread::Builder::new()
        .name("agent".to_owned())
        .spawn(move || pump(BufReader::new(stream), framing, &sender))
        .map_err(|error| Failure::failed(format!("a thread cannot be started: {error}")))?;
    Ok(messages)
}

fn pump(mut stream: impl BufRead, framing: Framing, sender: &SyncSender<Result<Value, String>>) {
    loop {
        let body = match framing {
            Framing::Headers => headed(&mut stream),
            Framing::Lines => Ok(line(&mut stream)),
        };
        let message = match body {
            Ok(None) => return,
            Ok(Some(body)) => serde_json::from_slice(&body).map_err(|error| {
                let shown = String::from_utf8_lossy(&body).chars().take(200).collect::<String>();
                format!("no JSON: {error}: {shown}")
            }),
            Err(error) => Err(error),
        };
        let is_last = message.is_err();
        if sender.send(message).is_err() || is_last {
            return;
        }
    }
}

fn line(stream: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    // A stream that is cut off may end with an error in place of an end.
    let count = stream.take(MESSAGE_BYTES_MAX).read_until(b'\n', &mut line).unwrap_or(0);
    (count > 0).then_some(line)
}

fn headed(stream: &mut impl BufRead) -> Result<Option<Vec<u8>>, String> {
    let mut length = None;
    loop {
        let Some(header) = line(stream) else { return Ok(None) };
        let header = String::from_utf8_lossy(&header).trim().to_owned();
        match header.split_once(':') {
            _ if header.is_empty() => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse::<u64>().ok().filter(|length| *length <= MESSAGE_BYTES_MAX);
            }
            Some(_) => {}
            None => return Err(format!("no header: {}", header.chars().take(200).collect::<String>())),
        }
    }
    let length = length.ok_or("a header block without Content-Length")?;
    let mut body = Vec::new();
    stream.take(length).read_to_end(&mut body).map_err(|error| error.to_string())?;
    Ok(Some(body))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn all(bytes: &'static [u8], framing: Framing) -> Vec<Result<Value, String>> {
        let messages = read(bytes, framing).ok().unwrap();
        std::iter::from_fn(|| messages.recv_timeout(Duration::from_secs(20)).ok()).collect()
    }

    #[test]
    fn messages_are_read_in_their_framing_and_in_no_other() {
        assert_eq!(all(b"{\"a\":1}\n{}\n", Framing::Lines), [Ok(json!({"a": 1})), Ok(json!({}))]);
        assert_eq!(all(b"content-length: 2\r\n\r\n{}", Framing::Headers), [Ok(json!({}))]);
        assert!(all(b"Content-Length: 2\r\n\r\n{}", Framing::Lines)[0].is_err());
        assert!(all(b"{}\n", Framing::Headers)[0].is_err());
        assert!(all(b"oh no\n", Framing::Lines)[0].as_ref().unwrap_err().contains("oh no"));
    }
}
