//! The little of HTTP/1.1 that a model client needs: requests with a length, answers in chunks. Not here: answers.
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::model_server::script::text_of;

/// The largest request that is taken: some tests send images.
const BODY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The most bytes of a header line, and the most lines.
const LINE_BYTES_MAX: u64 = 64 * 1024;
const LINES_MAX: usize = 200;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct RecordedRequest {
    /// `POST`, mostly.
    pub method: String,
    /// The path.
    pub path: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, parsed; null where it is no JSON.
    pub body: Value,
    /// The body as it came.
    pub raw: String,
    /// The number of its connection, from 0.
    pub connection: usize,
    /// When it had arrived in full.
    pub arrived: Instant,
    /// When the last byte of the answer to the request before it was handed to the system; absent for the first.
    pub previous_answered: Option<Instant>,
}

impl RecordedRequest {
    /// Returns a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Returns the messages, in the wire's own form.
    pub fn messages(&self) -> &[Value] {
        self.body.get("messages").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Returns the text of the last message.
    pub fn last_text(&self) -> String {
        let content = self.messages().last().and_then(|message| message.get("content"));
        content.map(text_of).unwrap_or_default()
    }
}

/// Reads one request; none where the connection was closed between two.
pub(crate) async fn read_request(stream: &mut BufReader<TcpStream>) -> Result<Option<RecordedRequest>> {
    let Some(first) = read_line(stream).await? else { return Ok(None) };
    let mut words = first.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let path = words.next().context("a request line without a path")?.to_owned();
    let mut headers = Vec::new();
    while let Some(line) = read_line(stream).await?.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').context("a header without a colon")?;
        headers.push((name.trim().to_lowercase(), value.trim().to_owned()));
        ensure!(headers.len() <= LINES_MAX, "too many headers");
    }
    let header = |name: &str| headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    if header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        stream.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let len = header("content-length").map_or(Ok(0), str::parse::<usize>)?;
    ensure!(len <= BODY_BYTES_MAX, "a request of {len} bytes");
    let mut raw = vec![0; len];
    stream.read_exact(&mut raw).await?;
    let arrived = Instant::now();
    let body = serde_json::from_slice(&raw).unwrap_or_default();
    let raw = String::from_utf8(raw)?;
    Ok(Some(RecordedRequest {
        method,
        path,
        headers,
        body,
        raw,
        connection: 0,
        arrived,
        previous_answered: None,
    }))
}

async fn read_line(stream: &mut BufReader<TcpStream>) -> Result<Option<String>> {
    let mut line = Vec::new();
    let read = stream.take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await?;
    if read == 0 {
        return Ok(None);
    }
    ensure!(line.pop() == Some(b'\n'), "a header line that is too long or was cut");
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Some(String::from_utf8(line)?))
}

/// Returns an answer that is whole.
pub(crate) fn whole(status: u16, headers: &[(&str, &str)], body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let mut head = format!("HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\n");
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.extend(["content-length: ", &body.len().to_string(), "\r\n\r\n", &body]);
    head.into_bytes()
}

/// The head of a streamed answer.
pub(crate) const STREAM_HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
    cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";

/// The end of a streamed answer.
pub(crate) const STREAM_END: &[u8] = b"0\r\n\r\n";

/// Returns `data` as one chunk of a body.
pub(crate) fn chunk(data: &[u8]) -> Vec<u8> {
    let mut out = format!("{:x}\r\n", data.len()).into_bytes();
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
    out
}
