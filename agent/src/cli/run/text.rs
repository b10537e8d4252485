//! A run as people see it: the answer on standard output, what happens on standard error. Not here: questions (`ask`).
//!
//! On a terminal the answer appears as it is written; the text of an attempt that failed stays on the screen, so a line
//! says that it no longer counts. Into a pipe goes the answer alone and once, when the turn is over; what the model says
//! on the way is told on standard error.
use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use tenon_protocol::content::plain_text;
use tenon_protocol::event::message::{MessageEnded, MessageRole};
use tenon_protocol::event::tool::ToolEnded;
use tenon_protocol::event::turn::{AttemptEnded, AttemptOutcome};
use tenon_protocol::event::{Envelope, EventBody};
use tenon_protocol::ids::CallId;
use tenon_protocol::signal::Delta;
use tenon_protocol::tool::CallStatus;

use crate::base::clock::{Clock as _, SystemClock, Timestamp};
use crate::cli::duration;
use crate::cli::run::ending::RunEnded;
use crate::cli::terminal::{Terminal, safe, safe_line};

/// The frames of the spinner.
const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// Characters of the progress line, which must not wrap: it could not be cleared.
const STATUS_CHARS_MAX: usize = 60;

/// Back to the first column, and clear the line.
const CLEAR_LINE: &str = "\r\x1b[K";

/// What stands on the terminal's last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Nothing.
    Empty,
    /// The progress line, which goes before anything else is written.
    Progress,
    /// Text of the answer that is not finished.
    Answer,
}

/// The renderer for people.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, and no state")]
pub(crate) struct TextView {
    terminal: Terminal,
    quiet: bool,
    /// Whether the model is told when the turn starts: the person did not name it.
    tell_model: bool,
    started: Instant,
    /// Tokens of the turn so far, both ways.
    tokens: u64,
    /// What is going on.
    status: String,
    frame: usize,
    /// What the cursor stands behind.
    line: Line,
    /// Whether a person is being asked: then nothing moves.
    asking: bool,
    /// The message that is being written to the terminal, and how many bytes of it stand there.
    writing: Option<(String, usize)>,
    /// The newest whole message, while it may still turn out to be the answer.
    held: Option<String>,
    titles: BTreeMap<CallId, String>,
    /// Whether something else than the answer goes into a pipe.
    aside: bool,
}

impl TextView {
    pub(crate) fn new(terminal: Terminal, quiet: bool, tell_model: bool) -> Self {
        Self {
            terminal,
            quiet,
            tell_model,
            started: Instant::now(),
            tokens: 0,
            status: "starting".to_owned(),
            frame: 0,
            line: Line::Empty,
            asking: false,
            writing: None,
            held: None,
            titles: BTreeMap::new(),
            aside: false,
        }
    }

    pub(crate) const fn planning(&mut self) {
        self.aside = true;
    }

    pub(crate) const fn terminal(&self) -> Terminal {
        self.terminal
    }

    pub(crate) fn event(&mut self, event: &Envelope, body: Option<&EventBody>, own: bool) -> io::Result<()> {
        let Some(body) = body else {
            // A type of a newer agent: its text is for a person all the same.
            if own && !event.text.is_empty() {
                self.say(&event.text);
            }
            return Ok(());
        };
        if own { self.own(event, body) } else { Ok(()) }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "it shows what a person follows and lets the rest pass"
    )]
    fn own(&mut self, event: &Envelope, body: &EventBody) -> io::Result<()> {
        match body {
            EventBody::TurnStarted(turn) => {
                if self.tell_model {
                    self.say(&format!("model {}, profile {}", turn.model, turn.profile));
                }
                "waiting for the model".clone_into(&mut self.status);
            }
            EventBody::MessageStarted(message) => match message.role {
                MessageRole::Assistant => {
                    "answering".clone_into(&mut self.status);
                    self.writing = Some((message.message_id.to_string(), 0));
                }
                MessageRole::Reasoning => "thinking".clone_into(&mut self.status),
                MessageRole::User | MessageRole::Unheard(_) => {}
            },
            EventBody::MessageEnded(message) if message.role == MessageRole::Assistant => {
                self.message(message)?;
            }
            EventBody::AttemptStarted(_) => "waiting for the model".clone_into(&mut self.status),
            EventBody::AttemptEnded(attempt) => self.attempt(attempt),
            EventBody::ToolStarted(_) | EventBody::RequestOpened(_) => self.tell_held(),
            EventBody::ToolProposed(tool) => {
                self.status.clone_from(&tool.title);
                self.titles.insert(tool.call_id.clone(), tool.title.clone());
            }
            EventBody::ToolEnded(tool) => self.tool(tool),
            EventBody::PlanChanged(_) => self.say(&event.text),
            _ => {}
        }
        Ok(())
    }

    /// Writes text that is new to the terminal. A gap is left to the whole message, which follows.
    pub(crate) fn delta(&mut self, delta: &Delta) -> io::Result<()> {
        let Some((id, written)) = &mut self.writing else { return Ok(()) };
        if !self.terminal.output || *id != delta.d || u64::try_from(*written).ok() != Some(delta.from) {
            return Ok(());
        }
        *written += delta.t.len();
        self.write(&delta.t)
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        self.clear();
        self.line = if text.ends_with('\n') { Line::Empty } else { Line::Answer };
        self.terminal.print(&safe(text))
    }

    fn message(&mut self, message: &MessageEnded) -> io::Result<()> {
        let text = plain_text(&message.content);
        let written = self.writing.take().filter(|(id, _)| id == message.message_id.as_str());
        let written = written.map_or(0, |(_, written)| written);
        if message.superseded == Some(true) {
            if written > 0 {
                self.end_line()?;
                self.say("the text above does not count: the attempt failed");
            }
            return Ok(());
        }
        if self.terminal.output {
            // Deltas carry the same bytes from the front; should they not, the whole text is written.
            let rest = text.get(written..).unwrap_or(&text);
            self.write(rest)?;
            return self.end_line();
        }
        self.tell_held();
        self.held = Some(text);
        Ok(())
    }

    /// What the model said before it went on working is no answer: it is told beside the output.
    fn tell_held(&mut self) {
        if let Some(text) = self.held.take().filter(|text| !text.trim().is_empty()) {
            self.say_text(&safe(text.trim_end()));
        }
    }

    fn attempt(&mut self, attempt: &AttemptEnded) {
        if let Some(usage) = &attempt.usage {
            self.tokens += usage.input_tokens + usage.output_tokens;
        }
        let (AttemptOutcome::Failed, Some(error)) = (attempt.outcome, &attempt.error) else { return };
        if let Some(retry_at) = attempt.retry_at.as_deref().and_then(Timestamp::parse) {
            let wait = retry_at.since(SystemClock.now());
            self.status = format!("waiting to try again: {}", error.message);
            let when = if wait < Duration::from_secs(1) {
                "now".to_owned()
            } else {
                format!("in {}", duration::short(wait))
            };
            self.say(&format!("{}: trying again {when}", error.message));
        }
    }

    fn tool(&mut self, tool: &ToolEnded) {
        self.tell_held();
        let title = self.titles.remove(&tool.call_id).unwrap_or_else(|| tool.call_id.to_string());
        let title = safe_line(&title).into_owned();
        let first = plain_text(&tool.content);
        let first = safe_line(first.lines().next().unwrap_or_default()).into_owned();
        let mark = match tool.status {
            CallStatus::Ok => self.terminal.green("✓"),
            CallStatus::Failed | CallStatus::Unknown | CallStatus::Unheard(_) => self.terminal.red("✗"),
            CallStatus::Denied | CallStatus::Interrupted => self.terminal.faint("–"),
        };
        let text = match tool.status {
            CallStatus::Ok => format!("{mark} {title}"),
            status @ (CallStatus::Failed
            | CallStatus::Denied
            | CallStatus::Interrupted
            | CallStatus::Unknown
            | CallStatus::Unheard(_)) => {
                // The result may begin with the same word.
                let told = first.to_lowercase().starts_with(status.as_str());
                let status = if told { "" } else { status.as_str() };
                let between = if told || first.is_empty() { "" } else { ": " };
                format!("{mark} {title}: {status}{between}{first}")
            }
        };
        "waiting for the model".clone_into(&mut self.status);
        self.say_text(&text);
    }

    /// Says a line beside the answer.
    pub(crate) fn say(&mut self, text: &str) {
        let line = safe_line(text);
        let line = self.terminal.faint(&line).into_owned();
        self.say_text(&line);
    }

    fn say_text(&mut self, text: &str) {
        if self.quiet {
            return;
        }
        self.clear();
        if self.line == Line::Answer && self.terminal.error {
            // The answer's line stays as it is; ours begins on the next.
            self.terminal.note("");
            self.line = Line::Empty;
        }
        self.terminal.note(text);
    }

    /// Shows a question and keeps the screen still.
    pub(crate) fn ask(&mut self, text: &str) {
        self.clear();
        if self.line == Line::Answer {
            self.terminal.note("");
            self.line = Line::Empty;
        }
        self.asking = true;
        self.terminal.note_part(text);
    }

    pub(crate) const fn asked(&mut self) {
        self.asking = false;
    }

    pub(crate) const fn ticks(&self) -> bool {
        self.terminal.error && !self.quiet
    }

    pub(crate) fn tick(&mut self) {
        if self.asking || self.line == Line::Answer || !self.ticks() {
            return;
        }
        self.frame = (self.frame + 1) % FRAMES.len();
        let mut status: String = safe_line(&self.status).chars().take(STATUS_CHARS_MAX).collect();
        status = format!("{} · {}", status, duration::short(self.started.elapsed()));
        if self.tokens > 0 {
            status = format!("{status} · {} tokens", thousands(self.tokens));
        }
        let line = format!("{CLEAR_LINE}{} {}", FRAMES[self.frame], self.terminal.faint(&status));
        self.terminal.note_part(&line);
        self.line = Line::Progress;
    }

    fn clear(&mut self) {
        if self.line == Line::Progress {
            self.line = Line::Empty;
            self.terminal.note_part(CLEAR_LINE);
        }
    }

    fn end_line(&mut self) -> io::Result<()> {
        if self.line != Line::Answer {
            return Ok(());
        }
        self.line = Line::Empty;
        self.terminal.print("\n")
    }

    pub(crate) fn ended(&mut self, ended: &RunEnded) -> io::Result<()> {
        self.clear();
        if self.terminal.output {
            return self.end_line();
        }
        if self.aside || ended.text != self.held {
            self.tell_held();
        }
        match &ended.text {
            Some(_) if self.aside => Ok(()),
            Some(text) => self.terminal.line(safe(text).trim_end_matches('\n')),
            None => Ok(()),
        }
    }
}

/// Writes a count short: `812`, `3.4k`, `1.2M`.
fn thousands(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{}.{}k", count / 1_000, count % 1_000 / 100),
        _ => format!("{}.{}M", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_short() {
        assert_eq!([812, 3_456, 1_250_000].map(thousands), ["812", "3.4k", "1.2M"]);
    }
}
