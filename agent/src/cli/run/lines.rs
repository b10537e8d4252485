//! `run --json`: the protocol's events, one a line, between a first and a last line of our own. Not here: people.
use std::io;

use serde::Serialize;
use tenon_protocol::cursor::Cursor;
use tenon_protocol::event::Envelope;
use tenon_protocol::ids::SessionId;
use tenon_protocol::version::PROTOCOL;

use crate::cli::run::begin::Begun;
use crate::cli::run::ending::RunEnded;
use crate::cli::terminal::Terminal;

/// The renderer for programs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinesView {
    terminal: Terminal,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunOpened<'a> {
    protocol: u32,
    session_id: &'a SessionId,
    cursor: Cursor,
}

#[derive(Serialize)]
struct Line<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    data: T,
}

impl LinesView {
    pub(crate) const fn new(terminal: Terminal) -> Self {
        Self { terminal }
    }

    pub(crate) fn opened(self, begun: &Begun) -> io::Result<()> {
        let data = RunOpened { protocol: PROTOCOL, session_id: &begun.session, cursor: begun.cursor };
        self.write(&Line { kind: "run.opened", data })
    }

    pub(crate) fn event(self, event: &Envelope) -> io::Result<()> {
        self.write(event)
    }

    pub(crate) fn ended(self, ended: &RunEnded) -> io::Result<()> {
        self.write(&Line { kind: "run.ended", data: ended })
    }

    fn write(self, value: &impl Serialize) -> io::Result<()> {
        self.terminal.line(&serde_json::to_string(value)?)
    }
}
