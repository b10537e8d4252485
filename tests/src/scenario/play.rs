//! Plays a scenario: does what its blocks say, in order, and compares. Not here: the format's grammar (`parse`, `lines`,
//! `replies`).
mod blocks;
mod clients;
mod ending;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};

use crate::model_server::{ModelServer, Script};
use crate::scenario::connection::Connection;
use crate::scenario::earlier::Earlier;
use crate::scenario::home::Home;
use crate::scenario::normal::Normal;
use crate::scenario::parse::{Carrier, Scenario, Way};
use crate::scenario::pattern::Captures;
use crate::scenario::replies::Replies;
use crate::scenario::report::Rewrite;
use crate::scenario::{Expectations, diff};

/// A scenario that is being played. The fields are in the order in which they have to go.
pub(crate) struct Play<'a> {
    scenario: &'a Scenario,
    way: &'a Way,
    expectations: Expectations,
    rewrites: Vec<Rewrite>,
    /// What clients were told when the scenario was played in other ways.
    earlier: &'a mut Earlier,
    connections: BTreeMap<String, Connection>,
    /// What clients that left had received.
    received: String,
    home: Home,
    server: ModelServer,
    replies: Replies,
    captures: Captures,
    normal: Normal,
    /// The sessions that were opened by `session` lines.
    sessions: Vec<String>,
}

impl<'a> Play<'a> {
    /// Plays a scenario over one wire and carrier, and returns what is to be rewritten.
    pub(crate) fn run(
        scenario: &'a Scenario,
        way: &'a Way,
        expectations: Expectations,
        earlier: &'a mut Earlier,
    ) -> Result<Vec<Rewrite>> {
        let mut play = Self::new(scenario, way, expectations, earlier)?;
        for block in &scenario.blocks {
            play.block(block).with_context(|| format!("in line {} (`{}`)", block.line, block.kind))?;
        }
        play.finish()?;
        Ok(play.rewrites)
    }

    fn new(
        scenario: &'a Scenario,
        way: &'a Way,
        expectations: Expectations,
        earlier: &'a mut Earlier,
    ) -> Result<Self> {
        let mut home = Home::new()?;
        home.has_http = way.carrier == Carrier::WebSocket;
        let mut replies = Replies::default();
        for block in scenario.blocks.iter().filter(|block| block.kind == "model") {
            replies.add(&block.body).with_context(|| format!("in line {}", block.line))?;
        }
        let mut normal = Normal::default();
        let mut captures = Captures::new();
        let server = serve(&replies, scenario.setting("accepts"))?;
        for (name, value) in [
            ("workspace", home.workspace.display().to_string()),
            ("home", home.person.display().to_string()),
            ("state", home.state.display().to_string()),
            ("model", server.base_url(&way.wire)),
        ] {
            normal.know(value.clone(), &name.to_uppercase());
            captures.insert(name.to_owned(), value.into());
        }
        normal.know(server.host(), "MODEL");
        if scenario.blocks.iter().any(|block| block.body.contains("{{long}}")) {
            normal.know(long(), "LONG");
            captures.insert("long".to_owned(), long().into());
        }
        let (connections, rewrites, sessions) = (BTreeMap::new(), Vec::new(), Vec::new());
        let received = String::new();
        Ok(Self {
            scenario,
            way,
            expectations,
            rewrites,
            earlier,
            connections,
            received,
            home,
            server,
            replies,
            captures,
            normal,
            sessions,
        })
    }

    /// Compares what is with what a block expects, or puts it in its place.
    fn expect(&mut self, block: &crate::scenario::parse::Block, actual: &str) -> Result<()> {
        let mut actual = self.normal.text(actual);
        if !actual.is_empty() && !actual.ends_with('\n') {
            actual.push('\n');
        }
        if actual.trim_end() == block.body.trim_end() {
            return Ok(());
        }
        if self.expectations == Expectations::Rewrite {
            self.rewrites.push(Rewrite { range: block.range.clone(), text: actual });
            return Ok(());
        }
        anyhow::bail!(
            "it is not as expected (UPDATE_EXPECT=1 takes what is there):\n{}",
            diff::diff(&block.body, &actual)
        )
    }
}

/// Returns a text that is too large to stand in an event: 1,500,000 bytes.
fn long() -> String {
    format!("{}long.", "long ".repeat(299_999))
}

/// Serves the replies; what a request finds in the words of the one before it can be put into a reply with `{{word:PREFIX}}`.
fn serve(replies: &Replies, key: Option<&str>) -> Result<ModelServer> {
    let (list, repeat_last) = (Arc::new(replies.list.clone()), replies.repeat_last);
    let script = Script::function(move |number, request| {
        let last = if repeat_last { list.last() } else { None };
        let Some(reply) = list.get(number).or(last) else {
            return crate::model_server::Reply::status(
                400,
                &format!("there is no reply for request {}", number + 1),
            );
        };
        let mut reply = reply.clone();
        reply.text = reply.text.replace("{{long}}", &long());
        for call in &mut reply.calls {
            call.arguments = call.arguments.replace("{{long}}", &long());
            while let Some((before, after)) = call.arguments.clone().split_once("{{word:") {
                let Some((prefix, after)) = after.split_once("}}") else { break };
                let text = request.last_text();
                let found = text
                    .split(|c: char| c.is_whitespace() || "[](),;`\"".contains(c))
                    .find(|word| word.starts_with(prefix));
                call.arguments =
                    format!("{before}{}{after}", found.unwrap_or("nothing").trim_end_matches('.'));
            }
        }
        reply
    });
    match key {
        Some(key) => ModelServer::start_for(script, key),
        None => ModelServer::start(script),
    }
}

/// Fails with a sentence that names what nobody asked for.
fn ensure_empty(what: &str, left: &[String]) -> Result<()> {
    ensure!(left.is_empty(), "{what}: {}", left.join(", "));
    Ok(())
}
