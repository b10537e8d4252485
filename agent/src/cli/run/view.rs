//! What a run shows: as text for people, or as lines for programs. Not here: either of them.
use tenon_protocol::event::{Envelope, EventBody};
use tenon_protocol::signal::Delta;

use crate::cli::failure::Failure;
use crate::cli::run::begin::Begun;
use crate::cli::run::ending::RunEnded;
use crate::cli::run::lines::LinesView;
use crate::cli::run::text::TextView;
use crate::cli::terminal::Terminal;

/// The renderer of a run.
#[derive(Debug)]
pub(crate) enum View {
    /// For people.
    Text(TextView),
    /// For programs.
    Lines(LinesView),
}

impl View {
    pub(crate) fn new(terminal: Terminal, json: bool, quiet: bool, tell_model: bool) -> Self {
        if json {
            Self::Lines(LinesView::new(terminal))
        } else {
            Self::Text(TextView::new(terminal, quiet, tell_model))
        }
    }

    /// The turn makes a plan, which takes the place of the answer.
    pub(crate) const fn planning(&mut self) {
        match self {
            Self::Text(view) => view.planning(),
            Self::Lines(_) => {}
        }
    }

    /// The session is open.
    pub(crate) fn opened(&self, begun: &Begun) -> Result<(), Failure> {
        match self {
            Self::Text(_) => {}
            Self::Lines(view) => view.opened(begun)?,
        }
        Ok(())
    }

    /// An event came; `own` tells whether it belongs to the run's turn.
    pub(crate) fn event(
        &mut self,
        event: &Envelope,
        body: Option<&EventBody>,
        own: bool,
    ) -> Result<(), Failure> {
        match self {
            Self::Text(view) => view.event(event, body, own)?,
            Self::Lines(view) => view.event(event)?,
        }
        Ok(())
    }

    /// Some text of a message came.
    pub(crate) fn delta(&mut self, delta: &Delta) -> Result<(), Failure> {
        match self {
            Self::Text(view) => view.delta(delta)?,
            Self::Lines(_) => {}
        }
        Ok(())
    }

    /// A moment passed.
    pub(crate) fn tick(&mut self) {
        match self {
            Self::Text(view) => view.tick(),
            Self::Lines(_) => {}
        }
    }

    /// Whether `tick` does anything.
    pub(crate) const fn ticks(&self) -> bool {
        match self {
            Self::Text(view) => view.ticks(),
            Self::Lines(_) => false,
        }
    }

    /// Something to say beside the events.
    pub(crate) fn say(&mut self, text: &str) {
        match self {
            Self::Text(view) => view.say(text),
            Self::Lines(_) => {}
        }
    }

    /// The question is settled.
    pub(crate) fn asked(&mut self) {
        match self {
            Self::Text(view) => view.asked(),
            Self::Lines(_) => {}
        }
    }

    /// The run is over.
    pub(crate) fn ended(&mut self, ended: &RunEnded) -> Result<(), Failure> {
        match self {
            Self::Text(view) => view.ended(ended)?,
            Self::Lines(view) => view.ended(ended)?,
        }
        Ok(())
    }
}
