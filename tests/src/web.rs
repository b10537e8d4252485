//! A client of the HTTP carrier, byte by byte and without a library, so that what is tested is the format and not a pair of
//! equal mistakes. Not here: what is said over it.
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::home::Home;
use crate::running::{PATIENCE, Running};

/// Where a daemon serves HTTP, and the token it wants.
#[derive(Clone, Debug)]
pub struct Site {
    /// `host:port`.
    pub host: String,
    /// The token.
    pub token: String,
}

/// A response.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its status line and headers.
    pub head: String,
    /// Its body.
    pub body: String,
}

impl Answer {
    /// Returns the body as JSON.
    ///
    /// # Errors
    /// It is none.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body).with_context(|| format!("{self:?}"))
    }
}

impl Site {
    /// Starts a daemon that serves HTTP, with these further arguments, and returns when it does.
    ///
    /// # Errors
    /// It does not come to that.
    pub fn serve(home: &Home, arguments: &[&str]) -> Result<(Running, Self)> {
        let mut serving = home.start(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat())?;
        while !serving.error_line()?.context("it ended")?.contains("http=") {}
        Ok((serving, Self::of(&home.state_dir())?))
    }

    /// Reads both from the files beneath the state directory.
    ///
    /// # Errors
    /// There are none.
    pub fn of(state: &Path) -> Result<Self> {
        let address = fs::read_to_string(state.join("run/http-address")).context("nobody serves HTTP")?;
        let host = address.strip_prefix("http://").and_then(|rest| rest.strip_suffix('/'));
        Ok(Self {
            host: host.with_context(|| format!("a strange address: {address}"))?.to_owned(),
            token: fs::read_to_string(state.join("run/http-token"))?,
        })
    }

    /// Connects.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn dial(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect(&self.host)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Returns the two headers that every request needs.
    pub fn headers(&self) -> String {
        format!("Host: {}\r\nAuthorization: Bearer {}\r\n", self.host, self.token)
    }

    /// Posts a message.
    ///
    /// # Errors
    /// There is no answer.
    pub fn post(&self, message: &Value) -> Result<Answer> {
        let body = message.to_string();
        self.ask("POST / HTTP/1.1", &format!("{}Content-Length: {}\r\n", self.headers(), body.len()), &body)
    }

    /// Sends a request as it stands, and returns the answer.
    ///
    /// # Errors
    /// There is none.
    pub fn ask(&self, line: &str, headers: &str, body: &str) -> Result<Answer> {
        self.ask_bytes(line, headers, body.as_bytes())
    }

    /// Sends a request as `ask` does, with a body that need not be text.
    ///
    /// # Errors
    /// As `ask`.
    pub fn ask_bytes(&self, line: &str, headers: &str, body: &[u8]) -> Result<Answer> {
        let mut stream = self.dial()?;
        stream.write_all(&[format!("{line}\r\n{headers}\r\n").as_bytes(), body].concat())?;
        answer(&mut stream)
    }

    /// Returns the headers that ask for a WebSocket, apart from those that every request needs.
    pub fn upgrade() -> &'static str {
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    }

    /// Connects a WebSocket. What is read from the first is the messages, one a line; lines that are written to the second are
    /// messages.
    ///
    /// # Errors
    /// The upgrade is refused.
    pub fn socket(&self) -> Result<(Frames, Masked)> {
        let (frames, stream, _) = self.upgraded()?;
        Ok((frames, Masked { stream, line: Vec::new() }))
    }

    /// Connects a WebSocket. Messages are read from the first, one a line; the others are the stream beneath, to be written to
    /// byte by byte.
    ///
    /// # Errors
    /// The upgrade is refused.
    pub fn upgraded(&self) -> Result<(Frames, TcpStream, TcpStream)> {
        let mut stream = self.dial()?;
        write!(stream, "GET / HTTP/1.1\r\n{}{}\r\n", self.headers(), Self::upgrade())?;
        let head = head(&mut stream)?;
        ensure!(head.starts_with("HTTP/1.1 101 "), "no upgrade: {head}");
        // The value that RFC 6455 (1.3) gives for the key above.
        ensure!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "a wrong acceptance: {head}");
        stream.set_read_timeout(None)?;
        let (reading, other) = (stream.try_clone()?, stream.try_clone()?);
        Ok((Frames { stream: reading, ready: Vec::new(), at: 0 }, stream, other))
    }
}

/// Reads a response to its end.
///
/// # Errors
/// It is none.
pub fn answer(stream: &mut TcpStream) -> Result<Answer> {
    let head = head(stream)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let mut body = String::new();
    stream.read_to_string(&mut body)?;
    Ok(Answer { status: status.with_context(|| format!("no status: {head}"))?, head, body })
}

fn head(stream: &mut TcpStream) -> Result<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        ensure!(stream.read(&mut byte)? == 1, "the connection ended: {:?}", String::from_utf8_lossy(&head));
        head.push(byte[0]);
    }
    Ok(String::from_utf8(head)?)
}

/// Frames of the agent, read as lines.
#[derive(Debug)]
pub struct Frames {
    stream: TcpStream,
    ready: Vec<u8>,
    at: usize,
}

impl Frames {
    /// Reads one frame. Returns its kind and what it holds.
    ///
    /// # Errors
    /// The stream ends or breaks the rules.
    pub fn frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut start = [0; 2];
        self.stream.read_exact(&mut start)?;
        let kind = start[0] & 0x0f;
        let rules = start[0] & 0x70 == 0 && start[1] & 0x80 == 0 && start[0] & 0x80 != 0;
        if !rules {
            return Err(io::Error::other(format!("a frame that an agent never sends: {start:?}")));
        }
        let mut long = [0; 8];
        let length = match start[1] {
            126 => {
                self.stream.read_exact(&mut long[6..])?;
                u64::from_be_bytes(long)
            }
            127 => {
                self.stream.read_exact(&mut long)?;
                u64::from_be_bytes(long)
            }
            short => short.into(),
        };
        let mut payload = Vec::new();
        (&mut self.stream).take(length).read_to_end(&mut payload)?;
        Ok((kind, payload))
    }
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() {
            let (kind, payload) = self.frame()?;
            match kind {
                1 => (self.ready, self.at) = (payload, 0),
                8 => return Ok(0),
                9 | 10 => continue,
                other => return Err(io::Error::other(format!("a frame of kind {other}"))),
            }
            self.ready.push(b'\n');
        }
        let count = buffer.len().min(self.ready.len() - self.at);
        buffer[..count].copy_from_slice(&self.ready[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// Lines written as masked frames. Dropping it closes the connection.
#[derive(Debug)]
pub struct Masked {
    stream: TcpStream,
    line: Vec<u8>,
}

impl Masked {
    /// Writes one frame: 1 is text, 2 binary, 8 close, 9 ping; 0 goes on with one that was not final.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn frame(&mut self, kind: u8, is_final: bool, payload: &[u8]) -> io::Result<()> {
        self.stream.write_all(&masked(kind, is_final, payload))
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }
}

/// Returns a frame as clients send it.
pub fn masked(kind: u8, is_final: bool, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x3a, 0x5c, 0x91, 0xe7];
    let last = if is_final { 0x80 } else { 0x00 };
    let mut frame = vec![last | kind];
    match u16::try_from(payload.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | length.to_be_bytes()[1]),
        Ok(length) => {
            frame.push(0x80 | 0x7e);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 0x7f);
            frame.extend((payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

impl Write for Masked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.frame(1, true, &line)?;
            } else {
                self.line.push(*byte);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Drop for Masked {
    fn drop(&mut self) {
        // Both ways: the reading thread sees the end. The agent may have closed it already.
        let _closed = self.stream.shutdown(std::net::Shutdown::Both);
    }
}
