//! Plays a script against a client: takes what it sends, answers, and holds it to what is true of every client. Not here: the
//! usual answers (`defaults`).
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::ChildStdout;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::conformance::client::defaults;
use crate::cli::conformance::client::script::{Ends, Script, Step, Take};
use crate::cli::conformance::pattern::{self, Names};
use crate::cli::conformance::stream::{self, Framing};
use crate::cli::failure::Failure;
use crate::process::Program;

/// The most of a client's standard output that is looked at, in bytes.
const OUTPUT_BYTES_MAX: u64 = 1024 * 1024;

/// Connections that wait for the vector.
const CONNECTIONS_MAX: usize = 16;

/// How a client is started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start<'a> {
    pub(super) command: &'a str,
    pub(super) workspace: &'a Path,
    pub(super) variables: &'a BTreeMap<String, String>,
    /// Where its standard error goes.
    pub(super) errors: &'a Path,
    pub(super) patience: Duration,
}

/// A connection of the client.
#[derive(Debug)]
struct Link {
    stream: UnixStream,
    framing: Framing,
    messages: Receiver<Result<Value, String>>,
    greeted: bool,
}

/// A script in play.
#[derive(Debug)]
pub(super) struct Play<'a> {
    start: Start<'a>,
    program: Program,
    output: Receiver<String>,
    connections: Receiver<UnixStream>,
    link: Option<Link>,
    names: Names,
    /// Subscriptions made so far; the last one gets the events.
    subscriptions: u64,
    /// The number of the last event.
    seq: u64,
}

impl<'a> Play<'a> {
    /// Starts the client.
    pub(super) fn new(start: Start<'a>, listener: UnixListener) -> Result<Self, Failure> {
        let failed =
            |error: std::io::Error| Failure::failed(format!("the client cannot be started: {error}"));
        let connections = accept(listener).map_err(failed)?;
        let errors = File::options().create(true).append(true).open(start.errors).map_err(failed)?;
        let (program, stdin, stdout) =
            Program::start(start.command, start.workspace, start.variables, errors).map_err(failed)?;
        // Nobody is there to type.
        drop(stdin);
        let names = defaults::names(&start.workspace.display().to_string());
        let output = collect(stdout).map_err(failed)?;
        Ok(Self { start, program, output, connections, link: None, names, subscriptions: 0, seq: 2 })
    }

    /// Plays the steps and waits for the client's end. Returns the first step that failed, counted from 1, and why.
    pub(super) fn steps(&mut self, script: &Script) -> Result<(), (usize, String)> {
        for (at, step) in script.steps.iter().enumerate() {
            self.step(step).map_err(|reason| (at + 1, reason))?;
        }
        self.ends(&script.ends).map_err(|reason| (script.steps.len() + 1, reason))
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Accept {} => self.accept(),
            Step::Take(take) => self.takes(std::slice::from_ref(take)),
            Step::Takes(takes) => self.takes(takes),
            Step::Events(events) => events.iter().try_for_each(|event| {
                let event = defaults::event(pattern::fill(event, &self.names), &mut self.seq, &self.names);
                let params = json!({"subscription": self.subscriptions.to_string(), "result": event});
                self.tell(json!({"method": "agent/event", "params": params}))
            }),
            Step::Send(message) => self.send(pattern::fill(message, &self.names)),
            Step::Close {} => {
                let link = self.link.take().ok_or("there is no connection to end")?;
                // One that the client has ended already is ended too.
                link.stream.shutdown(Shutdown::Both).ok();
                Ok(())
            }
        }
    }

    /// Takes the next connection on which something is said.
    fn accept(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + self.start.patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let stream = self.connections.recv_timeout(left).map_err(|_| "the client does not connect")?;
            let mut first = [0];
            let wait = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let peeked = stream.set_read_timeout(Some(wait)).and_then(|()| peek(&stream, &mut first));
            // One that only looks whether somebody is there.
            if peeked.map_err(|error| format!("the client says nothing: {error}"))? == 0 {
                continue;
            }
            stream.set_read_timeout(None).map_err(|error| error.to_string())?;
            let framing =
                if first[0].eq_ignore_ascii_case(&b'c') { Framing::Headers } else { Framing::Lines };
            let reader = stream.try_clone().map_err(|error| error.to_string())?;
            let messages = stream::read(reader, framing).map_err(|failure| failure.message)?;
            self.link = Some(Link { stream, framing, messages, greeted: false });
            return Ok(());
        }
    }

    /// Takes these requests in whatever order they come, and between them what may come at any time.
    fn takes(&mut self, takes: &[Take]) -> Result<(), String> {
        let mut open: Vec<&Take> = takes.iter().collect();
        while !open.is_empty() {
            let wanted: Vec<&str> = open.iter().map(|take| take.method.as_str()).collect();
            let request = self.request().map_err(|reason| format!("{}: {reason}", wanted.join(", ")))?;
            let method = request["method"].as_str().unwrap_or_default();
            if let Some(at) = wanted.iter().position(|wanted| *wanted == method) {
                self.answer(open.remove(at), &request).map_err(|reason| format!("{method}: {reason}"))?;
            } else if !self.answer_if_free(&request) {
                let params = &request["params"];
                return Err(format!("expected {}\n  found    {method} {params}", wanted.join(", ")));
            }
        }
        Ok(())
    }

    fn answer(&mut self, take: &Take, request: &Value) -> Result<(), String> {
        if let Some(params) = &take.params {
            pattern::check(params, &request["params"], &mut self.names)?;
        }
        let id = &request["id"];
        if let Some(error) = &take.error {
            return self.send(json!({"id": id, "error": pattern::fill(error, &self.names)}));
        }
        if take.method == "agent/observe" {
            self.subscriptions += 1;
        }
        let result = take.result.as_ref().map(|result| pattern::fill(result, &self.names));
        let result = result.or_else(|| self.usual(&take.method));
        self.send(json!({"id": id, "result": result.ok_or("the vector does not say what is answered")?}))
    }

    fn usual(&self, method: &str) -> Option<Value> {
        defaults::result(method, &self.subscriptions.to_string(), self.seq, &self.names)
    }

    /// Answers what a client may ask at any time. Returns whether it is that.
    fn answer_if_free(&mut self, request: &Value) -> bool {
        let result = request["method"].as_str().and_then(|method| self.usual(method));
        match result.filter(|_| defaults::is_free(request)) {
            // Who does not wait for it is gone.
            Some(result) => {
                self.send(json!({"id": request["id"], "result": result})).is_ok() || self.link.is_some()
            }
            None => false,
        }
    }

    /// Returns the next request, and holds what comes to what is true of every client.
    fn request(&mut self) -> Result<Value, String> {
        let link = self.link.as_mut().ok_or("there is no connection")?;
        let deadline = Instant::now() + self.start.patience;
        loop {
            let message = match link.messages.recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(message) => message?,
                Err(RecvTimeoutError::Timeout) => return Err("the client sends nothing".to_owned()),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err("the client ended the connection".to_owned());
                }
            };
            let Some(method) = message["method"].as_str() else {
                return Err(format!("the agent asks nothing, so there is nothing to answer: {message}"));
            };
            if link.framing == Framing::Headers && message["jsonrpc"] != "2.0" {
                return Err(format!("a message without \"jsonrpc\":\"2.0\": {message}"));
            }
            let is_first = !link.greeted;
            match message.get("id") {
                None if is_first && method != "$/environment" => {
                    return Err(format!("a notification before initialize: {message}"));
                }
                None => {}
                Some(id) if !id.is_string() && !id.is_i64() && !id.is_u64() => {
                    return Err(format!("an id that is neither whole number nor text: {message}"));
                }
                Some(_) if is_first && method != "initialize" => {
                    return Err(format!("a request before initialize: {message}"));
                }
                Some(_) => {
                    link.greeted = true;
                    return Ok(message);
                }
            }
        }
    }

    fn send(&mut self, message: Value) -> Result<(), String> {
        self.write(message)?.map_err(|error| format!("the client does not read: {error}"))
    }

    /// Sends what the client may have stopped waiting for: one that has seen the end of its turn leaves, and whether it may is found
    /// by the next step, or by how it ends.
    fn tell(&mut self, message: Value) -> Result<(), String> {
        match self.write(message)? {
            Err(error) if !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                Err(format!("the client does not read: {error}"))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Writes a message where there is a connection.
    fn write(&mut self, mut message: Value) -> Result<std::io::Result<()>, String> {
        let link = self.link.as_mut().ok_or("there is no connection")?;
        if let Some(message) = message.as_object_mut() {
            message.entry("jsonrpc").or_insert_with(|| json!("2.0"));
        }
        let bytes = link.framing.bytes(&message);
        Ok(link.stream.write_all(&bytes))
    }

    /// Waits for the end of the client while it may still ask what may be asked at any time.
    fn ends(&mut self, ends: &Ends) -> Result<(), String> {
        let deadline = Instant::now() + self.start.patience;
        let code = loop {
            let look = Duration::from_millis(20);
            match self.program.ends_within(look).map_err(|error| error.to_string())? {
                Some(code) => break code,
                None if Instant::now() >= deadline => return Err("the client does not end".to_owned()),
                None => {
                    // What it asks while it ends.
                    while let Some(Ok(Ok(request))) = self.link.as_ref().map(|link| link.messages.try_recv())
                    {
                        self.answer_if_free(&request);
                    }
                }
            }
        };
        let output = self.output.recv_timeout(self.start.patience).unwrap_or_default();
        if (code == 0) != ends.well {
            let wanted = if ends.well { "0" } else { "anything but 0" };
            return Err(format!("the client ended with {code}, expected {wanted}"));
        }
        let mut rest = output.as_str();
        for text in &ends.shows {
            let Some((_, after)) = rest.split_once(text.as_str()) else {
                return Err(format!("standard output lacks {text:?}, or has it elsewhere:\n{output}"));
            };
            rest = after;
        }
        let doubled = ends.shows.iter().find(|text| output.matches(text.as_str()).count() > 1);
        let surplus = ends.never.iter().find(|text| output.contains(text.as_str()));
        match doubled.or(surplus) {
            Some(text) => Err(format!("standard output has {text:?} once too often:\n{output}")),
            None => Ok(()),
        }
    }
}

/// Accepts connections on a thread, which ends with the process.
fn accept(listener: UnixListener) -> std::io::Result<Receiver<UnixStream>> {
    let (sender, connections) = sync_channel(CONNECTIONS_MAX);
    std::thread::Builder::new().name("accept".to_owned()).spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if sender.send(stream).is_err() {
                return;
            }
        }
    })?;
    Ok(connections)
}

/// Reads a client's output on a thread, so that a full pipe never holds the client.
fn collect(output: ChildStdout) -> std::io::Result<Receiver<String>> {
    let (sender, whole) = sync_channel(1);
    std::thread::Builder::new().name("output".to_owned()).spawn(move || {
        let mut text = Vec::new();
        // What was read before it broke is looked at.
        output.take(OUTPUT_BYTES_MAX).read_to_end(&mut text).ok();
        sender.send(String::from_utf8_lossy(&text).into_owned()).ok();
    })?;
    Ok(whole)
}

/// Looks at what a connection says first, without taking it.
fn peek(stream: &UnixStream, first: &mut [u8]) -> std::io::Result<usize> {
    let flags = rustix::net::RecvFlags::PEEK;
    let (count, _) = rustix::net::recv(stream, first, flags)?;
    Ok(count)
}
