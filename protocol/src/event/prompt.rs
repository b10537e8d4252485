//! `prompt.*`.
use crate::content::Content;
use crate::context::ContextUsed;
use crate::event::session::By;
use crate::ids::{MessageId, PlanId, TurnId};
use crate::prompt::{Admission, Delivery};

wire! {
    /// A message was taken in; committed before the client is answered.
    struct PromptAdmitted {
        /// The message.
        message_id: MessageId,
        /// What it says.
        input: Vec<Content>,
        /// How it wanted to be delivered.
        delivery: Delivery,
        /// What became of it.
        outcome: Admission,
    }
    optional {
        /// The turn it starts or joins.
        turn_id: TurnId,
        /// Its place in the queue.
        position: u64,
        /// Who sent it.
        by: By,
        /// The client's key.
        key: String,
        /// What it took along of what its sender looked at.
        context: ContextUsed,
        /// The plan whose goal it is: its turn stages its edits.
        plan_id: PlanId,
    }
}

words! {
    /// What happened to a waiting message.
    open enum PendingOp {
        /// Taken back.
        Withdraw = "withdraw",
        /// Its text was replaced.
        Replace = "replace",
        /// It goes before others: as a steer (`turnId`), or in the queue (`position`).
        Promote = "promote",
        /// A steer whose turn ended without it; it waits in front of the queue (`position`).
        Requeue = "requeue",
    }
}

wire! {
    /// A waiting message changed.
    struct PromptChanged {
        /// The message.
        message_id: MessageId,
        /// What happened.
        op: PendingOp,
    }
    optional {
        /// What it says instead.
        input: Vec<Content>,
        /// Who did it.
        by: By,
        /// The turn it joins now.
        turn_id: TurnId,
        /// Its place in the queue now, counted from 1; what stood there moves back.
        position: u64,
    }
}

wire! {
    /// A message became part of the conversation.
    struct PromptDelivered {
        /// The message.
        message_id: MessageId,
    }
}
