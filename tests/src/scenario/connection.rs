//! One client's connection: messages in either framing, replies and events told apart and checked. Not here: what is
//! expected of them (`play`).
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read as _, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

/// How long something that must happen may take; only a failing scenario waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Messages read ahead of the scenario.
const AHEAD_MAX: usize = 100_000;

/// What a client was told: answers by request, then events by subscription. Which of two came first is not said, since that
/// may differ from run to run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    /// To the request of this number.
    Answer(u64),
    /// Of this subscription, at this place among all events.
    Event(String, usize),
}

/// A connection.
pub(crate) struct Connection {
    writer: Option<Box<dyn Write + Send>>,
    has_headers: bool,
    incoming: Receiver<Result<Value, String>>,
    next_id: u64,
    /// Ids of requests whose reply the scenario has not looked at, in order.
    unanswered: Vec<u64>,
    replies: BTreeMap<u64, Value>,
    /// Every event so far, deltas apart.
    pub(crate) events: Vec<Value>,
    /// How many of them the scenario has passed.
    pub(crate) passed: usize,
    /// The texts that deltas brought, by item.
    deltas: BTreeMap<String, String>,
    /// How many bytes deltas brought, by job.
    printed: BTreeMap<String, usize>,
    /// The last number of each subscription, in each log that it tells of.
    last: BTreeMap<(String, String), u64>,
    /// Subscriptions to some types only: their numbers have gaps.
    filtered: BTreeSet<String>,
    /// Requests for such subscriptions.
    filtering: BTreeSet<u64>,
    /// The log that each subscription is to: of others, its descendants', it tells some types only.
    observed: BTreeMap<String, String>,
    /// Requests for subscriptions, and the log of each.
    observing: BTreeMap<u64, String>,
    /// Every answer and event in full, in the order in which they are shown.
    pub(crate) told: BTreeMap<Told, Value>,
    /// Everything that was received, for the search for secrets.
    pub(crate) received: String,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("unanswered", &self.unanswered).finish_non_exhaustive()
    }
}

impl Connection {
    /// Takes over both directions of a stream.
    pub(crate) fn new(
        reader: impl std::io::Read + Send + 'static,
        writer: impl Write + Send + 'static,
        has_headers: bool,
    ) -> Result<Self> {
        let (sender, incoming) = sync_channel(AHEAD_MAX);
        // It ends with the stream.
        std::thread::Builder::new()
            .name("client".to_owned())
            .spawn(move || pump(reader, has_headers, &sender))?;
        Ok(Self {
            writer: Some(Box::new(writer)),
            has_headers,
            incoming,
            next_id: 1,
            unanswered: Vec::new(),
            replies: BTreeMap::new(),
            events: Vec::new(),
            passed: 0,
            deltas: BTreeMap::new(),
            printed: BTreeMap::new(),
            last: BTreeMap::new(),
            filtered: BTreeSet::new(),
            filtering: BTreeSet::new(),
            observed: BTreeMap::new(),
            observing: BTreeMap::new(),
            told: BTreeMap::new(),
            received: String::new(),
        })
    }

    /// Sends a request.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Result<()> {
        let id = self.next_id;
        self.next_id += 1;
        self.unanswered.push(id);
        if method == "agent/observe" && params.get("types").is_some() {
            self.filtering.insert(id);
        }
        if method == "agent/observe" {
            self.observing.insert(id, params["sessionId"].to_string());
        }
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
    }

    /// Sends a notification.
    pub(crate) fn notify(&mut self, method: &str, params: &Value) -> Result<()> {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
    }

    fn send(&mut self, message: &Value) -> Result<()> {
        let body = message.to_string();
        let text = if self.has_headers {
            format!("Content-Length: {}\r\n\r\n{body}", body.len())
        } else {
            body + "\n"
        };
        let writer = self.writer.as_mut().context("the connection is closed")?;
        writer.write_all(text.as_bytes())?;
        Ok(writer.flush()?)
    }

    /// Returns the whole answer to the oldest request that has not been looked at.
    pub(crate) fn reply(&mut self) -> Result<Value> {
        let id = *self.unanswered.first().context("no request is waiting for an answer")?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(reply) = self.replies.remove(&id) {
                self.unanswered.remove(0);
                return Ok(reply);
            }
            self.receive(deadline).context("the request was not answered")?;
        }
    }

    /// Returns the result of a request that must succeed.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.request(method, params)?;
        let mut reply = self.reply()?;
        ensure!(reply.get("error").is_none(), "{method}: {reply}");
        Ok(reply["result"].take())
    }

    /// Waits for the next event that `wanted` takes, and passes it and those before it.
    pub(crate) fn event(&mut self, mut wanted: impl FnMut(&Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        let mut looked = self.passed;
        loop {
            while let Some(event) = self.events.get(looked) {
                looked += 1;
                if wanted(event) {
                    self.passed = looked;
                    return Ok(event.clone());
                }
            }
            self.receive(deadline)?;
        }
    }

    /// Closes the sending side and takes what still comes.
    pub(crate) fn close(&mut self) {
        self.writer = None;
    }

    /// Fails on a reply nobody looked at or waited for.
    pub(crate) fn check(&self) -> Result<()> {
        ensure!(self.unanswered.is_empty(), "{} replies were not looked at", self.unanswered.len());
        ensure!(self.replies.is_empty(), "replies to nothing: {:?}", self.replies);
        Ok(())
    }

    /// Takes one message in.
    fn receive(&mut self, deadline: Instant) -> Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.incoming.recv_timeout(left) {
            Ok(Ok(message)) => self.sort(message),
            Ok(Err(error)) => bail!("the stream is damaged: {error}"),
            Err(RecvTimeoutError::Timeout) => bail!("nothing came within {} s", PATIENCE.as_secs()),
            Err(RecvTimeoutError::Disconnected) => bail!("the agent closed the connection"),
        }
    }

    fn sort(&mut self, message: Value) -> Result<()> {
        self.received.push_str(&message.to_string());
        self.received.push('\n');
        ensure!(message["jsonrpc"] == "2.0", "a message without `jsonrpc`: {message}");
        if let Some(id) = message.get("id") {
            ensure!(message.get("method").is_none(), "the agent asked something: {message}");
            let id = id.as_u64().with_context(|| format!("a reply with a strange id: {message}"))?;
            ensure!(self.unanswered.contains(&id), "a reply to nothing: {message}");
            if self.filtering.remove(&id) {
                self.filtered.insert(message["result"].to_string());
            }
            if let Some(log) = self.observing.remove(&id) {
                self.observed.insert(message["result"].to_string(), log);
            }
            self.told.insert(Told::Answer(id), message.clone());
            ensure!(self.replies.insert(id, message).is_none(), "request {id} was answered twice");
            return Ok(());
        }
        ensure!(message["method"] == "agent/event", "an unknown message: {message}");
        let subscription = message["params"]["subscription"].to_string();
        let event = message["params"]["result"].clone();
        if let Some(item) = event["d"].as_str() {
            if item.starts_with("j_") {
                return self.job_delta(item, &event);
            }
            let text = self.deltas.entry(item.to_owned()).or_default();
            ensure!(event["from"] == text.len(), "a delta that does not follow {}: {event}", text.len());
            text.push_str(event["t"].as_str().unwrap_or_default());
            return Ok(());
        }
        self.check_order(&subscription, &event)?;
        self.check_deltas(&event)?;
        self.told.insert(Told::Event(subscription, self.events.len()), event.clone());
        self.events.push(event);
        Ok(())
    }

    /// What a job prints comes as bytes in base64, and nothing of it is left out while a client keeps up.
    fn job_delta(&mut self, item: &str, event: &Value) -> Result<()> {
        let text = event["t"].as_str().unwrap_or_default();
        ensure!(!text.is_empty() && text.len().is_multiple_of(4), "no base64: {event}");
        let bytes = text.len() / 4 * 3 - text.bytes().filter(|byte| *byte == b'=').count();
        let count = self.printed.entry(item.to_owned()).or_default();
        ensure!(event["from"] == *count, "bytes that do not follow {count}: {event}");
        *count += bytes;
        Ok(())
    }

    /// Every event has the number after the one before it.
    fn check_order(&mut self, subscription: &str, event: &Value) -> Result<()> {
        let Some(seq) = event["seq"].as_u64() else { return Ok(()) };
        let log = event["session"].to_string();
        let is_own = event["session"].is_null() || self.observed.get(subscription) == Some(&log);
        let is_whole = is_own && !self.filtered.contains(subscription);
        let last = self.last.insert((subscription.to_owned(), log), seq);
        if let Some(last) = last.filter(|_| is_whole) {
            ensure!(seq == last + 1, "event {seq} follows event {last}: {event}");
        } else if let Some(last) = last {
            ensure!(seq > last, "event {seq} follows event {last}: {event}");
        }
        Ok(())
    }

    /// What deltas brought is a part of what the event says that supersedes them.
    fn check_deltas(&self, event: &Value) -> Result<()> {
        if event["type"] == "job.ended"
            && let Some(printed) = event["data"]["jobId"].as_str().and_then(|id| self.printed.get(id))
        {
            ensure!(event["data"]["bytes"] == *printed, "deltas brought {printed} bytes: {event}");
        }
        if event["type"] != "message.ended" || event["data"]["superseded"] == true {
            return Ok(());
        }
        let Some(id) = event["data"]["messageId"].as_str() else { return Ok(()) };
        let Some(brought) = self.deltas.get(id) else { return Ok(()) };
        let content = &event["data"]["content"][0];
        if content["whole"] == true {
            let bytes = content["bytes"].as_u64().and_then(|bytes| usize::try_from(bytes).ok());
            ensure!(bytes >= Some(brought.len()), "deltas brought {} bytes of {content}", brought.len());
            return Ok(());
        }
        let text = content["text"].as_str().unwrap_or_default();
        ensure!(text.starts_with(brought.as_str()), "deltas {brought:?} are superseded by {text:?}");
        Ok(())
    }
}

/// Reads messages until the stream ends.
fn pump(reader: impl std::io::Read, has_headers: bool, sender: &SyncSender<Result<Value, String>>) {
    let mut reader = BufReader::new(reader);
    loop {
        let message = if has_headers { with_headers(&mut reader) } else { line(&mut reader) };
        let message = match message {
            Ok(Some(bytes)) => serde_json::from_slice(&bytes).map_err(|error| format!("{error}: {bytes:?}")),
            Ok(None) | Err(_) => return,
        };
        if sender.send(message).is_err() {
            return;
        }
    }
}

fn line(reader: &mut impl BufRead) -> Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    reader.read_until(b'\n', &mut bytes)?;
    Ok((!bytes.is_empty()).then_some(bytes))
}

fn with_headers(reader: &mut impl BufRead) -> Result<Option<Vec<u8>>> {
    let mut length = None;
    loop {
        let Some(bytes) = line(reader)? else { return Ok(None) };
        let header = String::from_utf8(bytes)?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
            length = Some(value.trim().parse()?);
        }
    }
    let mut body = Vec::new();
    reader.take(length.context("a message without a length")?).read_to_end(&mut body)?;
    Ok(Some(body))
}
