//! The daemon's start, and what every scenario must hold at its end. Not here: what a scenario says itself.
use std::os::unix::net::UnixStream;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::scenario::connection::Connection;
use crate::scenario::lines::FIRST;
use crate::scenario::parse::Block;
use crate::scenario::play::{Play, ensure_empty};
use crate::scenario::{picture, prompt};

impl Play<'_> {
    /// Whether a daemon was started, or a client block begun.
    pub(super) fn is_started(&self) -> bool {
        self.home.state.exists()
    }

    /// Starts the first daemon: with the configuration, and in a trusted workspace unless the scenario says otherwise.
    pub(super) fn start_first(&mut self) -> Result<()> {
        let is_config = |block: &&Block| block.kind == "config";
        let own = self.scenario.blocks.iter().find(is_config).map_or("", |block| block.body.as_str());
        self.configure(own)?;
        self.start()?;
        if self.scenario.setting("trust") != Some("no") {
            let workspace = self.home.workspace.clone();
            self.looker()?.call("agent/admin", &json!({"op": "trust", "workspace": workspace}))?;
        }
        Ok(())
    }

    /// Starts a daemon over the carrier.
    pub(super) fn start(&mut self) -> Result<()> {
        if !self.way.carrier.is_stdio() {
            return self.home.start();
        }
        self.start_on_stdio()?;
        // The first answer tells that the socket is there too.
        self.connect(FIRST, &json!({}))
    }

    /// Starts a daemon whose standard streams are the first client's connection.
    pub(super) fn start_on_stdio(&mut self) -> Result<()> {
        let (writer, reader) = self.home.start_on_stdio()?;
        let connection = Connection::new(reader, writer, self.way.carrier.has_headers())?;
        self.connections.insert(FIRST.to_owned(), connection);
        Ok(())
    }

    /// Connects as somebody who only looks: nothing that a scenario sees depends on it.
    pub(super) fn looker(&self) -> Result<Connection> {
        let stream = UnixStream::connect(self.home.socket()).context("the agent's socket")?;
        let mut connection = Connection::new(stream.try_clone()?, stream, false)?;
        let agent = json!({"protocol": [1], "render": {}, "client": {"id": "looker", "kind": "scenario"}});
        connection.call("initialize", &json!({"capabilities": {"experimental": {"agent": agent}}}))?;
        Ok(connection)
    }

    /// Returns a whole log.
    pub(super) fn log(&self, session: &str) -> Result<Vec<Value>> {
        let mut looker = self.looker()?;
        let mut events = Vec::new();
        let mut after = Value::Null;
        loop {
            let mut parameters = json!({"sessionId": session});
            if !after.is_null() {
                parameters["after"] = after;
            }
            let page = looker.call("agent/log", &parameters)?;
            events.extend(page["events"].as_array().cloned().unwrap_or_default());
            after = page["next"].clone();
            if after.is_null() {
                return Ok(events);
            }
        }
    }

    /// Checks what holds for every scenario, and ends the daemon.
    pub(super) fn finish(&mut self) -> Result<()> {
        let requests = self.server.requests();
        for (number, request) in requests.iter().enumerate() {
            prompt::check(&request.body).with_context(|| format!("request {} to the model", number + 1))?;
        }
        let (asked, scripted) = (requests.len(), self.replies.list.len());
        let fits = if self.replies.repeat_last { asked >= scripted } else { asked == scripted };
        ensure!(fits, "the model was asked {asked} times, and has {scripted} replies");
        if self.is_started() && self.scenario.setting("picture") != Some("no") {
            self.check_pictures()?;
        }
        for connection in self.connections.values() {
            connection.check()?;
        }
        self.connections.clear();
        self.home.kill()
    }

    /// A client that saw nothing but events shows what one that opens the session now is told; and what clients observed is
    /// what the log holds.
    fn check_pictures(&self) -> Result<()> {
        let mut left = Vec::new();
        for session in &self.sessions {
            let events = self.log(session)?;
            let opened = self.looker()?.call("agent/open", &json!({"sessionId": session}));
            let Ok(opened) = opened else {
                left.push(session.clone());
                continue;
            };
            picture::check(&events, &opened["snapshot"])?;
            for (name, connection) in &self.connections {
                for event in &connection.events {
                    let mut event = event.clone();
                    if let Some(event) = event.as_object_mut() {
                        event.remove("replay");
                    }
                    let is_whole = event["session"] == session.as_str() && event.get("at").is_some();
                    ensure!(
                        !is_whole || events.contains(&event),
                        "client {name} saw what is in no log: {event}"
                    );
                }
            }
        }
        ensure_empty("these sessions cannot be opened any more", &left)
    }
}
