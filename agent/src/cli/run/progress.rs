//! What a run knows of its turn: a fold of the events it sees. Pure. Not here: showing them, and who is asked.
use tenon_protocol::content::plain_text;
use tenon_protocol::event::change::PlanReady;
use tenon_protocol::event::message::MessageRole;
use tenon_protocol::event::turn::TurnEnded;
use tenon_protocol::event::{Envelope, EventBody};
use tenon_protocol::ids::{MessageId, PlanId, SessionId, TurnId};
use tenon_protocol::plan::PlanResult;
use tenon_protocol::prompt::PromptResult;

/// The turn of a run.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    session: SessionId,
    /// The message that was sent, once it was admitted.
    message: Option<MessageId>,
    /// The turn that works on it.
    pub(crate) turn: Option<TurnId>,
    /// The newest whole message of the model in that turn.
    last: Option<(MessageId, String)>,
    /// How it ended.
    pub(crate) ended: Option<TurnEnded>,
    /// The plan whose goal was sent, once it was admitted.
    plan: Option<PlanId>,
    /// The plan, once it is whole.
    pub(crate) ready: Option<PlanReady>,
}

impl Progress {
    /// Begins before anything was sent.
    pub(crate) const fn new(session: SessionId) -> Self {
        Self { session, message: None, turn: None, last: None, ended: None, plan: None, ready: None }
    }

    /// Takes the answer to the prompt. Events may have come before it.
    pub(crate) fn admitted(&mut self, result: &PromptResult) {
        self.message = Some(result.message_id.clone());
        if let Some(turn) = &result.turn_id {
            self.turn = Some(turn.clone());
        }
    }

    /// Takes the answer to the goal of a plan.
    pub(crate) fn planned(&mut self, result: &PlanResult) {
        self.plan = Some(result.plan_id.clone());
        if let Some(turn) = &result.turn_id {
            self.turn = Some(turn.clone());
        }
    }

    /// Returns whether an event belongs to the turn, a descendant's excluded.
    pub(crate) fn is_own(&self, event: &Envelope) -> bool {
        self.is_session(event) && self.turn.is_some() && event.turn == self.turn
    }

    /// Returns whether an event is of the session itself.
    pub(crate) fn is_session(&self, event: &Envelope) -> bool {
        event.session.as_deref().is_none_or(|session| session == self.session.as_str())
    }

    /// Takes an event, read as `body`.
    pub(crate) fn event(&mut self, event: &Envelope, body: Option<&EventBody>) {
        if !self.is_session(event) {
            return;
        }
        match body {
            Some(EventBody::TurnStarted(started)) if self.message.as_ref() == Some(&started.message_id) => {
                self.turn.clone_from(&event.turn);
            }
            Some(EventBody::TurnStarted(started))
                if self.turn.is_none() && self.plan.is_some() && started.plan_id == self.plan =>
            {
                self.turn.clone_from(&event.turn);
            }
            Some(EventBody::PlanReady(ready)) if self.is_own(event) => self.ready = Some(ready.clone()),
            Some(EventBody::PromptDelivered(delivered))
                if self.message.as_ref() == Some(&delivered.message_id) && event.turn.is_some() =>
            {
                self.turn.clone_from(&event.turn);
            }
            Some(EventBody::MessageEnded(message))
                if message.role == MessageRole::Assistant
                    && message.superseded != Some(true)
                    && self.is_own(event) =>
            {
                self.last = Some((message.message_id.clone(), plain_text(&message.content)));
            }
            Some(EventBody::TurnEnded(ended)) if self.is_own(event) => self.ended = Some(ended.clone()),
            _ => {}
        }
    }

    /// Returns the answer of the turn: the text of the message its end names.
    pub(crate) fn answer(&self) -> Option<&str> {
        let named = self.ended.as_ref()?.message_id.as_ref()?;
        self.last.as_ref().filter(|(id, _)| id == named).map(|(_, text)| text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(session: &str, turn: &str, kind: &str, data: &Value) -> Envelope {
        let event =
            json!({"seq": 1, "epoch": 1, "session": session, "turn": turn, "type": kind, "data": data});
        serde_json::from_value(event).unwrap()
    }

    fn message(id: &str, text: &str, superseded: bool) -> Value {
        json!({
            "messageId": id, "role": "assistant", "superseded": superseded,
            "content": [{"type": "text", "text": text}],
        })
    }

    fn play(events: &[Envelope]) -> Progress {
        let mut progress = Progress::new("s_1".into());
        let admitted = json!({"outcome": "queued", "messageId": "m_1", "seq": 1});
        progress.admitted(&serde_json::from_value(admitted).unwrap());
        for event in events {
            progress.event(event, event.body().as_ref());
        }
        progress
    }

    #[test]
    fn the_answer_is_the_message_that_the_end_of_the_own_turn_names() {
        let started = |turn: &str, message: &str| {
            let data = json!({"model": "p/m", "profile": "read", "messageId": message});
            event("s_1", turn, "turn.started", &data)
        };
        let usage = json!({"inputTokens": 0, "outputTokens": 0});
        let ended = |session: &str, turn: &str| {
            event(session, turn, "turn.ended", &json!({"stop": "done", "messageId": "m_3", "usage": usage}))
        };
        let progress = play(&[
            started("t_other", "m_0"),
            event("s_1", "t_other", "message.ended", &message("m_3", "somebody else's", false)),
            ended("s_1", "t_other"),
            started("t_own", "m_1"),
            event("s_2", "t_own", "message.ended", &message("m_3", "a descendant's", false)),
            event("s_1", "t_own", "message.ended", &message("m_2", "Let me look.", false)),
            event("s_1", "t_own", "message.ended", &message("m_3", "Done.", false)),
            event("s_1", "t_own", "message.ended", &message("m_4", "", true)),
        ]);
        assert_eq!(progress.ended, None);
        let mut progress = progress;
        let end = ended("s_1", "t_own");
        progress.event(&end, end.body().as_ref());
        assert_eq!(progress.answer(), Some("Done."));
    }
}
