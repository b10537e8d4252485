//! A client that may say anything: bytes as they are, bodies in the framing of lines, of headers, or in the frames of a
//! WebSocket. Not here: what is said (`edges`, `golden`), and clients that follow the rules (`tenon-client`).
use std::fmt;
use std::io::{BufRead as _, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use crate::home::Home;
use crate::running::PATIENCE;
use crate::web::{Site, masked};

/// How messages are told apart, and what carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// The socket, a message a line.
    Lines,
    /// The socket, messages behind headers.
    Headers,
    /// The frames of a WebSocket.
    WebSocket,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Lines, Self::Headers, Self::WebSocket];

    /// Returns a body as it goes out.
    pub fn framed(self, body: &[u8]) -> Vec<u8> {
        match self {
            Self::Lines => [body, b"\n"].concat(),
            Self::Headers => [format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat(),
            Self::WebSocket => masked(1, true, body),
        }
    }
}

/// A connection.
pub struct Raw {
    way: Way,
    reader: BufReader<Box<dyn Read + Send>>,
    /// Until it is taken.
    writer: Option<Box<dyn Write + Send>>,
    /// Ends the sending side.
    hang_up: Box<dyn Fn() + Send>,
    next_id: u64,
    /// Bytes of messages received so far, their framing included.
    pub received_bytes: usize,
    /// Events received while something else was waited for.
    pub events: Vec<Value>,
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw").field("way", &self.way).finish_non_exhaustive()
    }
}

impl Raw {
    /// Connects to the daemon of a home, which serves HTTP if a WebSocket is wanted, and says nothing.
    ///
    /// # Errors
    /// Nobody listens.
    pub fn dial(home: &Home, way: Way) -> Result<Self> {
        if way == Way::WebSocket {
            let (reader, writer, stream) = Site::of(&home.state_dir())?.upgraded()?;
            stream.set_read_timeout(Some(PATIENCE))?;
            return Ok(Self::over(way, reader, writer, move || drop(stream.shutdown(Shutdown::Write))));
        }
        let stream = UnixStream::connect(home.state_dir().join("run/agent.sock"))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let (reader, writer) = (stream.try_clone()?, stream.try_clone()?);
        Ok(Self::over(way, reader, writer, move || drop(stream.shutdown(Shutdown::Write))))
    }

    /// Takes over the two directions of a stream.
    pub fn over(
        way: Way,
        reader: impl Read + Send + 'static,
        writer: impl Write + Send + 'static,
        hang_up: impl Fn() + Send + 'static,
    ) -> Self {
        Self {
            way,
            reader: BufReader::with_capacity(64 * 1024, Box::new(reader)),
            writer: Some(Box::new(writer)),
            hang_up: Box::new(hang_up),
            next_id: 0,
            received_bytes: 0,
            events: Vec::new(),
        }
    }

    /// Connects and introduces itself as a controller that can answer.
    ///
    /// # Errors
    /// It is refused.
    pub fn connect(home: &Home, way: Way) -> Result<Self> {
        let mut raw = Self::dial(home, way)?;
        raw.introduce()?;
        Ok(raw)
    }

    /// Introduces itself.
    ///
    /// # Errors
    /// It is refused.
    pub fn introduce(&mut self) -> Result<Value> {
        self.call("initialize", &hello())
    }

    /// Returns the way.
    pub fn way(&self) -> Way {
        self.way
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        let writer = self.writer.as_mut().context("the writer was taken")?;
        writer.write_all(bytes)?;
        Ok(writer.flush()?)
    }

    /// Sends a body in the framing.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn body(&mut self, body: impl AsRef<[u8]>) -> Result<()> {
        self.bytes(&self.way.framed(body.as_ref()))
    }

    /// Takes what bytes are written to, for another thread.
    ///
    /// # Errors
    /// It was taken already.
    pub fn take_writer(&mut self) -> Result<Box<dyn Write + Send>> {
        self.writer.take().context("the writer was taken")
    }

    /// Sends nothing more.
    pub fn hang_up(&self) {
        (self.hang_up)();
    }

    /// Returns the next message of any kind; `None` at the end of the stream.
    ///
    /// # Errors
    /// It does not come, or breaks the framing.
    pub fn message(&mut self) -> Result<Option<Value>> {
        let Some(body) = self.next_body()? else { return Ok(None) };
        let message: Value = serde_json::from_slice(&body)
            .with_context(|| format!("no JSON: {}", String::from_utf8_lossy(&body)))?;
        ensure!(message["jsonrpc"] == "2.0", "a message without `jsonrpc`: {message}");
        Ok(Some(message))
    }

    fn next_body(&mut self) -> Result<Option<Vec<u8>>> {
        let mut length = None;
        loop {
            let mut line = Vec::new();
            // A peer that was cut off may leave a reset instead of an end.
            let count = match self.reader.read_until(b'\n', &mut line) {
                Ok(count) => count,
                Err(error) if is_end(error.kind()) => 0,
                Err(error) => return Err(error).context("nothing came"),
            };
            if count == 0 {
                return Ok(None);
            }
            self.received_bytes += count;
            if self.way != Way::Headers {
                return Ok(Some(line));
            }
            let header = String::from_utf8(line)?;
            if let Some(value) = header.strip_prefix("Content-Length: ") {
                length = Some(value.trim().parse()?);
            } else if header == "\r\n" {
                let mut body = vec![0; length.context("a message without a length")?];
                self.reader.read_exact(&mut body)?;
                self.received_bytes += body.len();
                return Ok(Some(body));
            }
        }
    }

    /// Returns the next answer; events before it are kept. `None` at the end of the stream.
    ///
    /// # Errors
    /// As `message`.
    pub fn answer(&mut self) -> Result<Option<Value>> {
        loop {
            let Some(message) = self.message()? else { return Ok(None) };
            if message["method"] != "agent/event" {
                return Ok(Some(message));
            }
            self.events.push(message);
        }
    }

    /// Sends a request and returns its id.
    ///
    /// # Errors
    /// The stream is closed.
    pub fn request(&mut self, method: &str, params: &Value) -> Result<u64> {
        self.next_id += 1;
        let id = self.next_id;
        self.body(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string())?;
        Ok(id)
    }

    /// Sends a request and returns its result.
    ///
    /// # Errors
    /// It is refused, or another answer comes.
    pub fn call(&mut self, method: &str, params: &Value) -> Result<Value> {
        let id = self.request(method, params)?;
        let Some(mut answer) = self.answer()? else { bail!("{method}: the connection ended") };
        ensure!(answer["id"] == id && answer.get("result").is_some(), "{method}: {answer}");
        Ok(answer["result"].take())
    }

    /// Returns the next event, kept ones first.
    ///
    /// # Errors
    /// An answer comes, or the stream ends.
    pub fn event(&mut self) -> Result<Value> {
        let mut message = if self.events.is_empty() {
            self.message()?.context("the connection ended")?
        } else {
            self.events.remove(0)
        };
        ensure!(message["method"] == "agent/event", "no event: {message}");
        Ok(message["params"]["result"].take())
    }

    /// Returns the next event of one of these types; deltas and others before it are passed over.
    ///
    /// # Errors
    /// As `event`.
    pub fn event_of(&mut self, kinds: &[&str]) -> Result<Value> {
        loop {
            let event = self.event()?;
            if event["type"].as_str().is_some_and(|kind| kinds.contains(&kind)) {
                return Ok(event);
            }
        }
    }
}

fn is_end(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof)
}

/// Returns the parameters of `initialize` of a client that can answer and draws deltas.
pub fn hello() -> Value {
    let agent = json!({
        "protocol": [1],
        "client": {"id": "raw", "kind": "raw"},
        "render": {"approval": {}},
        "events": {"delta": {}},
    });
    json!({"processId": null, "capabilities": {"experimental": {"agent": agent}}})
}
