//! `agent/prompt`, `agent/pending` and `agent/interrupt`.
use crate::content::Content;
use crate::ids::{MessageId, SessionId, TurnId};

words! {
    /// How a message wants to be delivered.
    open enum Delivery {
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
    open enum Admission {
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
        #[serde(deserialize_with = "crate::word::known")]
        input: Vec<Content>,
    }
    optional {
        /// How to deliver it; `auto` if absent.
        #[serde(deserialize_with = "crate::word::known")]
        delivery: Delivery,
        /// Makes a repetition safe: the same key gives the first result again.
        key: String,
        /// Only if this turn runs, for a steer.
        expect_turn: TurnId,
        /// Whether a steer that finds nothing to steer fails with 1103.
        strict: bool,
    }
}

impl PromptParams {
    /// Makes a message that is delivered as `auto` says.
    pub fn new(session_id: SessionId, input: Vec<Content>) -> Self {
        Self { session_id, input, delivery: None, key: None, expect_turn: None, strict: None }
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

words! {
    /// What to do with a message that waits.
    enum PendingChange {
        /// Takes it back.
        Withdraw = "withdraw",
        /// Gives it another text, in its place.
        Replace = "replace",
        /// Lets it go before others: into the running turn, or to the front of the queue.
        Promote = "promote",
    }
}

wire! {
    /// Changes a message that waits for its delivery. One that was delivered or withdrawn meanwhile is 1107.
    struct PendingParams {
        /// The session.
        session_id: SessionId,
        /// The message.
        message_id: MessageId,
        /// What to do with it.
        op: PendingChange,
    }
    optional {
        /// For `replace`: what it says instead; checked as a prompt's.
        #[serde(deserialize_with = "crate::word::known")]
        input: Vec<Content>,
        /// For `promote`: `steer` into the running turn, `queue` to the front of the queue; `auto`, or absent, is `steer`
        /// where a turn can be steered and else `queue`. A `steer` that finds no turn goes to the front of the queue.
        #[serde(deserialize_with = "crate::word::known")]
        delivery: Delivery,
    }
}

wire! {
    /// The event that recorded it, and for `promote` where the message waits now.
    struct PendingResult {
        /// The seq of the event.
        seq: u64,
    }
    optional {
        /// The turn that it joins at the next safe point.
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
        /// Whether what the running command wrote is dropped.
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
        /// Where `drop` was asked for: whether what the running command wrote is dropped. Not where it writes into the
        /// workspace itself, and where no command runs.
        dropped: bool,
    }
}
