//! A client that blocks and counts: one JSON message a line over the socket or a pair of pipes. Not here: what
//! `tenon-client` does besides (reconnecting, bounded queues), which would be measured along.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How long an answer may take before the measurement is given up.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connection that is up.
pub(crate) struct Link<R, W> {
    reader: BufReader<R>,
    writer: W,
    next_id: u64,
    line: String,
    /// The result of `initialize`.
    pub(crate) hello: Value,
    /// Bytes of delta messages so far, line breaks included.
    pub(crate) delta_bytes: usize,
    /// Delta messages so far.
    pub(crate) deltas: usize,
}

/// A connection over the socket.
pub(crate) type SocketLink = Link<UnixStream, UnixStream>;

impl SocketLink {
    /// Shakes hands on a connected socket.
    pub(crate) fn over(stream: UnixStream) -> Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let reader = stream.try_clone()?;
        Self::shake_hands(reader, stream)
    }
}

impl<R: Read, W: Write> Link<R, W> {
    /// Sends the environment and `initialize`, and waits for the answer.
    pub(crate) fn shake_hands(reader: R, writer: W) -> Result<Self> {
        let reader = BufReader::with_capacity(64 * 1024, reader);
        let (line, next_id, hello) = (String::new(), 1, Value::Null);
        let mut link = Self { reader, writer, next_id, line, hello, delta_bytes: 0, deltas: 0 };
        let variables = json!({"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"});
        link.notify("$/environment", &json!({"variables": variables}))?;
        let client = json!({"id": "bench", "kind": "bench"});
        let agent = json!({"protocol": [1], "client": client, "render": {}, "events": {"delta": {}}});
        let capabilities = json!({"experimental": {"agent": agent}});
        let params = json!({"processId": null, "rootUri": null, "capabilities": capabilities});
        link.hello = link.call("initialize", &params)?;
        link.notify("initialized", &json!({}))?;
        Ok(link)
    }

    /// Sends a request and returns its id.
    pub(crate) fn send(&mut self, method: &str, params: &Value) -> Result<u64> {
        let id = self.next_id;
        self.next_id += 1;
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))?;
        Ok(id)
    }

    /// Sends a request, waits for its answer and returns the result; what comes before is passed over.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Result<Value> {
        let id = self.send(method, params)?;
        loop {
            let mut message = self.next()?;
            if message["id"] == id {
                if message.get("error").is_some() {
                    bail!("{method}: {}", message["error"]);
                }
                return Ok(message["result"].take());
            }
        }
    }

    /// Waits for the next event of one of these types and returns it.
    pub(crate) fn wait_for(&mut self, kinds: &[&str]) -> Result<Value> {
        loop {
            let mut message = self.next()?;
            let event = &mut message["params"]["result"];
            if event["type"].as_str().is_some_and(|kind| kinds.contains(&kind)) {
                return Ok(event.take());
            }
        }
    }

    /// Returns the next message.
    pub(crate) fn next(&mut self) -> Result<Value> {
        serde_json::from_str(self.next_line()?).context("the agent sent no JSON")
    }

    /// Returns the next message unread.
    pub(crate) fn next_line(&mut self) -> Result<&str> {
        self.line.clear();
        let count = self.reader.read_line(&mut self.line).context("the agent says nothing")?;
        if count == 0 {
            bail!("the agent closed the connection");
        }
        // An event is an object with a seq; a delta begins with its item.
        if self.line.contains("\"result\":{\"d\":") {
            self.delta_bytes += count;
            self.deltas += 1;
        }
        Ok(&self.line)
    }

    fn notify(&mut self, method: &str, params: &Value) -> Result<()> {
        self.write(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
    }

    fn write(&mut self, message: &Value) -> Result<()> {
        let mut line = message.to_string();
        line.push('\n');
        self.writer.write_all(line.as_bytes()).context("the agent takes nothing")?;
        Ok(self.writer.flush()?)
    }
}
