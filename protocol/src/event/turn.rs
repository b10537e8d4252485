//! `turn.*` and `attempt.*`.
use crate::ids::{MessageId, PlanId};
use crate::model::Usage;

words! {
    /// Why a turn ended.
    open enum Stop {
        /// The model had no more to say.
        Done = "done",
        /// Somebody interrupted it.
        Interrupted = "interrupted",
        /// It failed; `error` says how.
        Failed = "failed",
        /// The model refused.
        Refused = "refused",
        /// A limit was reached.
        Limit = "limit",
    }
}

wire! {
    /// What went wrong at a provider.
    #[derive(Eq)]
    struct ProviderFailure {
        /// The kind: rateLimited, providerDown, unauthorized, forbidden, badRequest, notFound, contextFull, cut, stalled, …
        kind: String,
        /// One sentence, secrets removed.
        message: String,
    }
    optional {
        /// The HTTP status, if there was one.
        status: u16,
        /// What to do next.
        hint: String,
    }
}

wire! {
    /// A turn began.
    struct TurnStarted {
        /// `provider/model`.
        model: String,
        /// The profile in force.
        profile: String,
        /// The message that started it.
        message_id: MessageId,
    }
    optional {
        /// The plan that it makes or revises: its edits are staged, nothing on disk changes.
        plan_id: PlanId,
        /// The revision that it makes.
        plan_rev: u64,
    }
}

wire! {
    /// A turn ended.
    struct TurnEnded {
        /// Why.
        stop: Stop,
        /// What it used.
        usage: Usage,
    }
    optional {
        /// The message that is its answer.
        message_id: MessageId,
        /// What went wrong.
        error: ProviderFailure,
        /// Which limit was reached: `steps`, `costUsd`, `turnTimeoutS`, `output`.
        limit: String,
        /// Calls that were refused because the workspace is untrusted or nobody could be asked.
        denied: u64,
    }
}

wire! {
    /// The request of a try is about to be sent.
    struct AttemptStarted {
        /// Tries of this step so far, from 1.
        n: u32,
        /// The step, from 1.
        step: u32,
    }
}

words! {
    /// How a try ended.
    open enum AttemptOutcome {
        /// The answer is whole.
        Ok = "ok",
        /// It failed; another may follow at `retryAt`.
        Failed = "failed",
        /// It was interrupted.
        Interrupted = "interrupted",
    }
}

wire! {
    /// A try is over.
    struct AttemptEnded {
        /// How.
        outcome: AttemptOutcome,
    }
    optional {
        /// What went wrong.
        error: ProviderFailure,
        /// When the next try starts: RFC 3339.
        retry_at: String,
        /// What it used.
        usage: Usage,
        /// The model's own reason for stopping.
        finish: String,
    }
}
