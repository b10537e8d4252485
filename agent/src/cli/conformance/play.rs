//! Plays a vector against an agent: sends what the client says, waits for what the agent must say, and holds the agent to
//! what is true of every connection. Not here: what a message must look like (`pattern`).
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::ChildStdin;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::conformance::pattern::{self, Names};
use crate::cli::conformance::stream::{self, Framing};
use crate::cli::conformance::vector::{Call, Step};
use crate::cli::failure::Failure;
use crate::process::Program;

/// How an agent is started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start<'a> {
    pub(super) command: &'a str,
    pub(super) workspace: &'a Path,
    pub(super) variables: &'a BTreeMap<String, String>,
    /// Where its standard error goes.
    pub(super) errors: &'a Path,
    pub(super) framing: Framing,
    pub(super) patience: Duration,
}

/// A connection to the agent.
#[derive(Debug)]
struct Link {
    program: Program,
    stdin: Option<ChildStdin>,
    messages: Receiver<Result<Value, String>>,
    /// Requests without an answer, by their id as JSON.
    open: BTreeSet<String>,
    answers: BTreeMap<String, Value>,
    events: Vec<Value>,
    /// How many of the events were passed.
    passed: usize,
    /// The last number of each subscription.
    last: BTreeMap<String, u64>,
    closed: bool,
}

/// A vector in play.
#[derive(Debug)]
pub(super) struct Play<'a> {
    start: Start<'a>,
    link: Link,
    names: Names,
    next_id: u64,
}

impl<'a> Play<'a> {
    /// Starts the agent.
    pub(super) fn new(start: Start<'a>) -> Result<Self, Failure> {
        let names = Names::from([("workspace".to_owned(), json!(start.workspace.display().to_string()))]);
        Ok(Self { start, link: connect(&start)?, names, next_id: 0 })
    }

    /// Plays the steps. Returns the first that failed, counted from 1, and why.
    pub(super) fn steps(&mut self, steps: &[Step]) -> Result<(), (usize, String)> {
        for (at, step) in steps.iter().enumerate() {
            self.step(step).map_err(|reason| (at + 1, reason))?;
        }
        self.leave().map_err(|reason| (steps.len(), reason))
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Send(message) => self.send(pattern::fill(message, &self.names)),
            Step::Raw(text) => self.write(text.as_bytes()),
            Step::Call(call) => self.call(call),
            Step::Answer(answer) => self.answer(&answer.id, answer.result.as_ref(), answer.error.as_ref()),
            Step::Event(event) => self.event(event),
            Step::Events(events) => self.events(events),
            Step::Never(event) => self.never(event),
            Step::Closed {} => self.is_closed(),
            Step::Connect {} => {
                self.leave()?;
                self.link = connect(&self.start).map_err(|failure| failure.message)?;
                Ok(())
            }
            Step::File { path, text } => {
                let found = std::fs::read_to_string(self.start.workspace.join(path));
                match found {
                    Ok(found) if found == *text => Ok(()),
                    Ok(found) => Err(format!("{path}:\n  expected {text:?}\n  found    {found:?}")),
                    Err(error) => Err(format!("{path} cannot be read: {error}")),
                }
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let stdin = self.link.stdin.as_mut().ok_or("the connection is closed")?;
        let written = stdin.write_all(bytes).and_then(|()| stdin.flush());
        written.map_err(|error| format!("the agent does not read: {error}"))
    }

    fn send(&mut self, mut message: Value) -> Result<(), String> {
        if let Some(message) = message.as_object_mut() {
            message.entry("jsonrpc").or_insert_with(|| json!("2.0"));
            if let (Some(id), true) = (message.get("id"), message.contains_key("method")) {
                self.link.open.insert(id.to_string());
            }
        }
        self.write(&self.start.framing.bytes(&message))
    }

    fn call(&mut self, call: &Call) -> Result<(), String> {
        self.next_id += 1;
        let id = json!(format!("call-{}", self.next_id));
        let params = pattern::fill(&call.params, &self.names);
        self.send(json!({"id": id, "method": call.method, "params": params}))?;
        let answered = self.answer(&id, call.result.as_ref(), call.error.as_ref());
        answered.map_err(|reason| format!("{}: {reason}", call.method))
    }

    fn answer(&mut self, id: &Value, result: Option<&Value>, error: Option<&Value>) -> Result<(), String> {
        let id = id.to_string();
        let deadline = self.deadline();
        let answer = loop {
            if let Some(answer) = self.link.answers.remove(&id) {
                break answer;
            }
            self.receive(deadline).map_err(|reason| format!("waiting for the answer to {id}: {reason}"))?;
        };
        let (member, pattern) = match (result, error) {
            (_, Some(error)) => ("error", error),
            (Some(result), None) => ("result", result),
            (None, None) => ("result", &Value::Null),
        };
        let Some(said) = answer.get(member) else {
            return Err(format!("expected an answer with `{member}`\n  found {answer}"));
        };
        // Without a word about the result any will do.
        if result.is_none() && error.is_none() {
            return Ok(());
        }
        pattern::check(pattern, said, &mut self.names)
    }

    fn event(&mut self, wanted: &Value) -> Result<(), String> {
        let (deadline, from) = (self.deadline(), self.link.passed);
        let mut at = from;
        let mut nearest = None;
        loop {
            while let Some(event) = self.link.events.get(at) {
                at += 1;
                match pattern::check(wanted, event, &mut self.names) {
                    Ok(()) => {
                        self.link.passed = at;
                        return Ok(());
                    }
                    Err(reason) if event["type"] == wanted["type"] => nearest = Some(reason),
                    Err(_) => {}
                }
            }
            self.receive(deadline).map_err(|reason| {
                let seen: Vec<&str> =
                    self.link.events[from..].iter().filter_map(|event| event["type"].as_str()).collect();
                let nearest =
                    nearest.as_ref().map_or_else(String::new, |near| format!("; the nearest: {near}"));
                format!("waiting for {wanted}: {reason}{nearest}\n  came since: {}", seen.join(" "))
            })?;
        }
    }

    fn events(&mut self, wanted: &[Value]) -> Result<(), String> {
        let from = self.link.passed;
        let mut end = from;
        for wanted in wanted {
            self.link.passed = from;
            self.event(wanted)?;
            end = end.max(self.link.passed);
        }
        self.link.passed = end;
        Ok(())
    }

    fn never(&mut self, unwanted: &Value) -> Result<(), String> {
        let passed = self.link.events.iter().take(self.link.passed);
        let mut names = self.names.clone();
        for event in passed {
            if pattern::check(unwanted, event, &mut names).is_ok() {
                return Err(format!("this must not come: {event}"));
            }
        }
        Ok(())
    }

    fn is_closed(&mut self) -> Result<(), String> {
        let deadline = self.deadline();
        while !self.link.closed {
            match self.receive(deadline) {
                Ok(()) => {}
                Err(_) if self.link.closed => {}
                Err(reason) => return Err(format!("waiting for the end of the stream: {reason}")),
            }
        }
        Ok(())
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.start.patience
    }

    /// Takes one message off the stream.
    fn receive(&mut self, deadline: Instant) -> Result<(), String> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.link.messages.recv_timeout(left) {
            Ok(message) => self.link.take(message?),
            Err(RecvTimeoutError::Timeout) => Err("nothing came in time".to_owned()),
            Err(RecvTimeoutError::Disconnected) => {
                self.link.closed = true;
                Err("the agent closed the connection".to_owned())
            }
        }
    }

    /// Closes our side, reads the rest, and waits for the end of the program.
    fn leave(&mut self) -> Result<(), String> {
        self.link.stdin = None;
        self.is_closed()?;
        if let Some((id, answer)) = self.link.answers.first_key_value() {
            return Err(format!("nobody waited for the answer to {id}: {answer}"));
        }
        match self.link.program.ends_within(self.start.patience) {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err("the program goes on although its input has ended".to_owned()),
            Err(error) => Err(format!("the program cannot be waited for: {error}")),
        }
    }
}

impl Link {
    /// Sorts a message, and holds it to what is true of every connection.
    fn take(&mut self, message: Value) -> Result<(), String> {
        if message["jsonrpc"] != "2.0" {
            return Err(format!("a message without \"jsonrpc\":\"2.0\": {message}"));
        }
        if let Some(method) = message.get("method") {
            if method != "agent/event" || message.get("id").is_some() {
                return Err(format!("an agent sends agent/event and answers, and nothing else: {message}"));
            }
            return self.event(&message["params"]);
        }
        if message.get("result").is_some() == message.get("error").is_some() {
            return Err(format!("an answer has a result or an error: {message}"));
        }
        let id = message["id"].to_string();
        if !message["id"].is_null() && !self.open.remove(&id) {
            return Err(format!("an answer to no request: {message}"));
        }
        match self.answers.insert(id, message) {
            Some(earlier) => Err(format!("two answers to one request: {earlier}")),
            None => Ok(()),
        }
    }

    fn event(&mut self, params: &Value) -> Result<(), String> {
        let (subscription, event) = (&params["subscription"], &params["result"]);
        let Some(subscription) = subscription.as_str() else {
            return Err(format!("an event without its subscription: {params}"));
        };
        if event["type"].is_null() {
            let is_delta = event["d"].is_string() && event["from"].is_u64() && event["t"].is_string();
            return if is_delta { Ok(()) } else { Err(format!("neither event nor delta: {event}")) };
        }
        if !event["text"].is_string() {
            return Err(format!("an event without a text: {event}"));
        }
        if let Some(seq) = event["seq"].as_u64() {
            let last = self.last.insert(subscription.to_owned(), seq);
            if last.is_some_and(|last| seq <= last) {
                return Err(format!("an event that is not behind the one before it: {event}"));
            }
        }
        self.events.push(event.clone());
        Ok(())
    }
}

fn connect(start: &Start<'_>) -> Result<Link, Failure> {
    let failed = |error: std::io::Error| Failure::failed(format!("the agent cannot be started: {error}"));
    let errors = File::options().create(true).append(true).open(start.errors).map_err(failed)?;
    let (program, stdin, stdout) =
        Program::start(start.command, start.workspace, start.variables, errors).map_err(failed)?;
    Ok(Link {
        program,
        stdin: Some(stdin),
        messages: stream::read(stdout, start.framing)?,
        open: BTreeSet::new(),
        answers: BTreeMap::new(),
        events: Vec::new(),
        passed: 0,
        last: BTreeMap::new(),
        closed: false,
    })
}
