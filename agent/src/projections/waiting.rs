//! The messages that wait, folded from a session's events: steers for the running turn, and the queue behind it. Not here: who
//! may wait, and when a message is delivered (`session`).
use std::collections::VecDeque;

use tenon_protocol::content::Content;
use tenon_protocol::context::ContextUsed;
use tenon_protocol::event::EventBody;
use tenon_protocol::event::prompt::{PendingOp, PromptAdmitted, PromptChanged};
use tenon_protocol::event::session::By;
use tenon_protocol::ids::{MessageId, PlanId};
use tenon_protocol::prompt::Admission;

/// A message that waits.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pending {
    /// The message.
    pub(crate) id: MessageId,
    /// What it says.
    pub(crate) input: Vec<Content>,
    /// Who sent it, or replaced what it says.
    pub(crate) by: Option<By>,
    /// What its sender looked at.
    pub(crate) context: Option<ContextUsed>,
    /// The plan whose goal it is.
    pub(crate) plan: Option<PlanId>,
}

impl From<&PromptAdmitted> for Pending {
    fn from(prompt: &PromptAdmitted) -> Self {
        Self {
            id: prompt.message_id.clone(),
            input: prompt.input.clone(),
            by: prompt.by.clone(),
            context: prompt.context.clone(),
            plan: prompt.plan_id.clone(),
        }
    }
}

/// The messages that wait, in the order in which they go.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Waiting {
    steers: VecDeque<Pending>,
    queue: VecDeque<Pending>,
}

impl Waiting {
    /// Returns those that join the running turn at its next safe point.
    pub(crate) const fn steers(&self) -> &VecDeque<Pending> {
        &self.steers
    }

    /// Returns those that wait for a turn of their own.
    pub(crate) const fn queue(&self) -> &VecDeque<Pending> {
        &self.queue
    }

    /// Returns how many wait in all.
    pub(crate) fn len(&self) -> usize {
        self.steers.len() + self.queue.len()
    }

    /// Tells whether a message waits.
    pub(crate) fn contains(&self, id: &MessageId) -> bool {
        self.steers.iter().chain(&self.queue).any(|pending| pending.id == *id)
    }

    /// Takes in an event.
    pub(crate) fn apply(&mut self, body: &EventBody) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a fold takes what it is about; other events leave it alone"
        )]
        match body {
            EventBody::PromptAdmitted(prompt) => match prompt.outcome {
                Admission::Steered => self.steers.push_back(prompt.into()),
                // A message that starts a turn waits in the queue until it is delivered, in the same commit.
                Admission::Started | Admission::Queued => self.queue.push_back(prompt.into()),
                Admission::Duplicate | Admission::Unheard(_) => {}
            },
            EventBody::PromptChanged(change) => self.changed(change),
            EventBody::PromptDelivered(delivered) => drop(self.take(&delivered.message_id)),
            _ => {}
        }
    }

    fn changed(&mut self, change: &PromptChanged) {
        match change.op {
            PendingOp::Withdraw => drop(self.take(&change.message_id)),
            PendingOp::Replace => self.replace(change),
            PendingOp::Promote | PendingOp::Requeue => self.moved(change),
            PendingOp::Unheard(_) => {}
        }
    }

    fn replace(&mut self, change: &PromptChanged) {
        let mut all = self.steers.iter_mut().chain(&mut self.queue);
        let found = all.find(|pending| pending.id == change.message_id);
        if let (Some(pending), Some(input)) = (found, &change.input) {
            pending.input.clone_from(input);
            pending.by.clone_from(&change.by);
        }
    }

    /// A place in the queue is counted from 1; without one the message joins the turn. One that does already keeps its place.
    fn moved(&mut self, change: &PromptChanged) {
        let joins = self.steers.iter().any(|pending| pending.id == change.message_id);
        if joins && change.position.is_none() {
            return;
        }
        let Some(pending) = self.take(&change.message_id) else { return };
        match change.position {
            Some(position) => {
                let place = usize::try_from(position.saturating_sub(1)).unwrap_or(usize::MAX);
                self.queue.insert(place.min(self.queue.len()), pending);
            }
            None => self.steers.push_back(pending),
        }
    }

    fn take(&mut self, id: &MessageId) -> Option<Pending> {
        [&mut self.steers, &mut self.queue].into_iter().find_map(|list| {
            let place = list.iter().position(|pending| pending.id == *id)?;
            list.remove(place)
        })
    }
}

#[cfg(test)]
mod tests;
