//! What the lines of a `client` block do. Not here: connections themselves (`connection`).
use std::os::unix::net::UnixStream;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value, json};

use crate::promised::promises;
use crate::scenario::connection::{Connection, PATIENCE};
use crate::scenario::lines::{Act, FIRST, Line, lines};
use crate::scenario::parse::{Block, Carrier};
use crate::scenario::pattern::{filled, filled_text, matches, projected};
use crate::scenario::play::Play;
use crate::scenario::report::Rewrite;
use crate::scenario::{Expectations, diff};
use crate::web::Site;

impl Play<'_> {
    pub(super) fn client(&mut self, block: &Block) -> Result<()> {
        if !self.is_started() {
            self.start_first()?;
        }
        let mut changed: Vec<(Line, String)> = Vec::new();
        for line in lines(&block.body)? {
            let number = block.line + line.place.0;
            if let Some(text) = self.line(&line).with_context(|| format!("line {number}"))? {
                changed.push((line, text));
            }
        }
        if !changed.is_empty() {
            let mut text: Vec<String> = block.body.lines().map(str::to_owned).collect();
            for (line, new) in changed.into_iter().rev() {
                let (at, count) = line.place;
                text.splice(at..at + count, [new]);
            }
            let text = text.join("\n") + "\n";
            self.rewrites.push(Rewrite { range: block.range.clone(), text });
        }
        Ok(())
    }

    /// Does what a line says; returns the line that should stand there instead.
    fn line(&mut self, line: &Line) -> Result<Option<String>> {
        let name = line.client.as_str();
        match &line.act {
            Act::Connect(hello) => self.connect(name, hello)?,
            Act::Dial => drop(self.dial(name)?),
            Act::Leave => self.leave(name)?,
            Act::Session(parameters) => self.session(name, parameters)?,
            Act::Say(text) => self.say(name, text)?,
            Act::Turn(text) => {
                self.say(name, text)?;
                self.event(name, "turn.ended", &json!({"stop": "done"}))?;
                self.event(name, "session.state", &json!({"state": "idle"}))?;
            }
            Act::Request(method, parameters) => {
                let parameters = filled(parameters, &self.captures)?;
                self.connection(name)?.request(method, &parameters)?;
            }
            Act::Notify(method, parameters) => {
                let parameters = filled(parameters, &self.captures)?;
                self.connection(name)?.notify(method, &parameters)?;
            }
            Act::Result(pattern) => return self.result(name, pattern),
            Act::Error(code, pattern) => return self.error(name, *code, pattern),
            Act::Event(kind, pattern) => self.event(name, kind, pattern)?,
            Act::Never(kind) => {
                let connection = self.connection(name)?;
                let passed = &connection.events[..connection.passed];
                ensure!(!passed.iter().any(|event| event["type"] == kind.as_str()), "there was a {kind}");
            }
            Act::Open(gate) => {
                let gate =
                    self.replies.gates.get(gate).with_context(|| format!("no gate is called {gate}"))?;
                gate.open();
            }
            Act::Exists(path) => self.exists(path)?,
            Act::Asked(count) => drop(self.server.block_for_requests(*count)?),
        }
        Ok(None)
    }

    fn result(&mut self, name: &str, pattern: &Value) -> Result<Option<String>> {
        let reply = self.connection(name)?.reply()?;
        if reply.get("error").is_none() && matches(pattern, &reply["result"], &mut self.captures) {
            return Ok(None);
        }
        if self.expectations == Expectations::Rewrite {
            return Ok(Some(self.rewritten(name, pattern, &reply)));
        }
        let expected = serde_json::to_string_pretty(pattern)?;
        let actual = match reply.get("error") {
            Some(_) => reply.clone(),
            None => projected(pattern, &reply["result"], &self.captures),
        };
        bail!(
            "another answer was expected:\n{}",
            diff::diff(&expected, &serde_json::to_string_pretty(&actual)?)
        )
    }

    fn error(&mut self, name: &str, code: i64, pattern: &Value) -> Result<Option<String>> {
        let reply = self.connection(name)?.reply()?;
        if let Some(broken) = promises().and_then(|promises| promises.broken(&reply["error"])) {
            bail!(broken);
        }
        if reply["error"]["code"] == code && matches(pattern, &reply["error"], &mut self.captures) {
            return Ok(None);
        }
        if self.expectations == Expectations::Rewrite {
            return Ok(Some(self.rewritten(name, pattern, &reply)));
        }
        bail!(
            "error {code} {pattern} was expected, and there is {}",
            reply.get("error").unwrap_or(&reply["result"])
        )
    }

    /// Returns the line that expects this reply.
    fn rewritten(&mut self, name: &str, pattern: &Value, reply: &Value) -> String {
        let client = if name == FIRST { String::new() } else { format!("@{name} ") };
        let line = match reply.get("error") {
            Some(error) => {
                format!("{client}<- error {} {}", error["code"], json!({"message": error["message"]}))
            }
            None => format!("{client}<- {}", projected(pattern, &reply["result"], &self.captures)),
        };
        self.normal.text(&line)
    }

    fn event(&mut self, name: &str, kind: &str, pattern: &Value) -> Result<()> {
        let pattern = pattern.clone();
        let mut captures = self.captures.clone();
        let connection = self.connection(name)?;
        let passed = connection.passed;
        let found = connection
            .event(|event| event["type"] == kind && matches(&pattern, &event["data"], &mut captures))
            .map(drop);
        if let Err(error) = found {
            let seen: Vec<String> = connection.events[passed..].iter().map(shown).collect();
            return Err(
                error.context(format!("waiting for {kind} {pattern}; there were\n{}", seen.join("\n")))
            );
        }
        self.captures = captures;
        Ok(())
    }

    /// Waits for a file: what a command did is seen by nobody else.
    fn exists(&self, path: &str) -> Result<()> {
        let path = self.home.workspace.join(filled_text(path, &self.captures)?);
        let deadline = Instant::now() + PATIENCE;
        while !path.exists() {
            ensure!(Instant::now() < deadline, "there is no {}", path.display());
            std::thread::yield_now();
        }
        Ok(())
    }

    fn say(&mut self, name: &str, text: &str) -> Result<()> {
        let session = self.sessions.last().context("no session was opened")?.clone();
        let text = filled_text(text, &self.captures)?;
        let input = json!([{"type": "text", "text": text}]);
        let told =
            self.connection(name)?.call("agent/prompt", &json!({"sessionId": session, "input": input}))?;
        ensure!(told["outcome"] == "started", "the message did not start a turn: {told}");
        self.captures.insert("turn".to_owned(), told["turnId"].clone());
        Ok(())
    }

    fn session(&mut self, name: &str, parameters: &Value) -> Result<()> {
        let mut parameters = filled(parameters, &self.captures)?;
        if parameters.get("sessionId").is_none() && parameters.get("workspace").is_none() {
            parameters["workspace"] = json!(self.home.workspace);
        }
        let connection = self.connection(name)?;
        let opened = connection.call("agent/open", &parameters)?;
        let id = opened["session"]["id"].as_str().context("a session without an id")?.to_owned();
        connection.call("agent/observe", &json!({"sessionId": id, "after": "start"}))?;
        self.captures.insert("session".to_owned(), id.clone().into());
        if !self.sessions.contains(&id) {
            self.sessions.push(id);
        }
        Ok(())
    }

    /// Connects a client and introduces it.
    pub(super) fn connect(&mut self, name: &str, hello: &Value) -> Result<()> {
        let mut agent = json!({
            "protocol": [1],
            "client": {"id": name, "kind": "scenario"},
            "render": {"approval": {}, "diff": {"forms": ["patch"]}},
            "events": {"delta": {}},
            "experimental": ["agent/run@1"],
        });
        for (member, value) in hello.as_object().unwrap_or(&Map::new()) {
            agent[member] = value.clone();
        }
        let mut variables = Map::new();
        variables.insert("PATH".to_owned(), json!("/usr/local/bin:/usr/bin:/bin"));
        variables.insert("HOME".to_owned(), json!(self.home.person));
        let mut with_keys = agent.as_object_mut().map(|agent| agent.remove("keys"));
        for setting in self.scenario.settings("env") {
            let (variable, value) = setting.split_once('=').context("NAME=value")?;
            if with_keys.as_ref().is_none_or(|keys| *keys != Some(json!(false))) {
                variables.insert(variable.to_owned(), json!(filled_text(value, &self.captures)?));
            }
        }
        with_keys.take();
        let connection = self.dial(name)?;
        connection.notify("$/environment", &json!({"variables": variables}))?;
        connection.call("initialize", &json!({"capabilities": {"experimental": {"agent": agent}}}))?;
        connection.notify("initialized", &json!({}))
    }

    /// Connects a client.
    fn dial(&mut self, name: &str) -> Result<&mut Connection> {
        if name == FIRST && self.way.carrier.is_stdio() {
            // The daemon that the first client left has ended with it.
            if !self.connections.contains_key(FIRST) {
                self.start_on_stdio()?;
            }
            return self.connections.get_mut(FIRST).context("the daemon's standard streams");
        }
        let connection = if name == FIRST && self.way.carrier == Carrier::WebSocket {
            let (reader, writer) = Site::of(&self.home.state)?.socket()?;
            Connection::new(reader, writer, false)?
        } else {
            let stream = UnixStream::connect(self.home.socket())?;
            let has_headers = name == FIRST && self.way.carrier.has_headers();
            Connection::new(stream.try_clone()?, Hangup(stream), has_headers)?
        };
        self.leave(name)?;
        Ok(self.connections.entry(name.to_owned()).or_insert(connection))
    }

    fn leave(&mut self, name: &str) -> Result<()> {
        if let Some(mut connection) = self.connections.remove(name) {
            connection.close();
            connection.check()?;
            self.received.push_str(&connection.received);
            drop(connection);
            if name == FIRST && self.way.carrier.is_stdio() {
                self.home.leave_on_stdio()?;
            }
        }
        Ok(())
    }

    /// Returns a client's connection; one that was not connected yet does so.
    fn connection(&mut self, name: &str) -> Result<&mut Connection> {
        if !self.connections.contains_key(name) {
            self.connect(name, &json!({}))?;
        }
        self.connections.get_mut(name).context("a client without a connection")
    }
}

/// Closes a socket whose other half a thread still reads.
struct Hangup(UnixStream);

impl std::io::Write for Hangup {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Drop for Hangup {
    fn drop(&mut self) {
        // Both ways: the reading thread sees the end. The other side may have closed it already.
        let _closed = self.0.shutdown(std::net::Shutdown::Both);
    }
}

fn shown(event: &Value) -> String {
    format!("    {} {} {}", event["seq"], event["type"].as_str().unwrap_or_default(), event["data"])
}
