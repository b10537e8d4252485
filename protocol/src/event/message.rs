//! `message.*`.
use crate::content::Content;
use crate::event::session::By;
use crate::ids::MessageId;

words! {
    /// Whose message.
    open enum MessageRole {
        /// A person's.
        User = "user",
        /// The model's.
        Assistant = "assistant",
        /// The model's thinking.
        Reasoning = "reasoning",
    }
}

wire! {
    /// A message begins; its deltas carry its id.
    struct MessageStarted {
        /// The message.
        message_id: MessageId,
        /// Whose.
        role: MessageRole,
    }
}

wire! {
    /// A message is whole.
    struct MessageEnded {
        /// The message.
        message_id: MessageId,
        /// Whose.
        role: MessageRole,
        /// All of it; empty where it was withdrawn.
        content: Vec<Content>,
    }
    optional {
        /// Who sent it.
        by: By,
        /// Whether it is withdrawn: its try failed, another one's text stands instead.
        superseded: bool,
    }
}
