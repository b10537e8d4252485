//! `agent/prompt` and `agent/interrupt`.
use crate::content::Content;
use crate::ids::{MessageId, SessionId, TurnId};

words! {
    /// How a message wants to be delivered.
    enum Delivery {
        /// Starts a turn when idle, else queues.
        Auto = "auto",
        /// Starts a turn, or fails with 1106.
        Start = "start",
        /// Joins the running turn at its next safe point.
        Steer = "steer",
        /// Waits for a turn of its own.
        Queue = "queue",
    }
}

words! {
    /// What became of a message.
    enum Admission {
        /// It started a turn.
        Started = "started",
        /// It will join the running turn.
        Steered = "steered",
        /// It waits.
        Queued = "queued",
        /// The key was seen before: this is the first result again.
        Duplicate = "duplicate",
    }
}

wire! {
    /// Sends a message to a session.
    struct PromptParams {
        /// The session.
        session_id: SessionId,
        /// What it says.
        input: Vec<Content>,
    }
    optional {
        /// How to deliver it; `auto` if absent.
        delivery: Delivery,
        /// Makes a repetition safe: the same key gives the first result again.
        key: String,
        /// Only if this turn runs, for a steer.
        expect_turn: TurnId,
        /// Whether a steer that finds nothing to steer fails with 1103.
        strict: bool,
    }
}

wire! {
    /// What became of the message; committed before it is said.
    struct PromptResult {
        /// What became of it.
        outcome: Admission,
        /// The message.
        message_id: MessageId,
        /// The event that admitted it.
        seq: u64,
    }
    optional {
        /// The turn it started or joins.
        turn_id: TurnId,
        /// Its place in the queue, counted from 1.
        position: u64,
    }
}

wire! {
    /// Interrupts the running turn.
    struct InterruptParams {
        /// The session.
        session_id: SessionId,
    }
    optional {
        /// Only this turn.
        turn_id: TurnId,
        /// Whether its jobs end too.
        jobs: bool,
        /// Whether what a running command wrote is dropped.
        drop: bool,
    }
}

wire! {
    /// The turn that ends, and the end of the log when it was asked to.
    struct InterruptResult {
        /// The log's head.
        seq: u64,
    }
    optional {
        /// The turn.
        turn_id: TurnId,
    }
}
