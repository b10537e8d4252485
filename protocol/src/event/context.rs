//! `context.set` and `usage.changed`.
use crate::model::Usage;

wire! {
    /// A part of what precedes the conversation.
    struct ContextPart {
        /// `system`, `instructions`, `tools`.
        kind: String,
        /// Where its bytes are.
        #[serde(rename = "ref")]
        reference: String,
        /// BLAKE3 of its bytes.
        digest: String,
    }
    optional {
        /// Where it came from, such as `AGENTS.md`.
        source: String,
    }
}

wire! {
    /// What precedes the conversation in every request from here on: with the log it gives each request byte for byte.
    struct ContextSet {
        /// The parts, in order.
        parts: Vec<ContextPart>,
        /// `provider/model`.
        model: String,
        /// The HTTP format.
        wire: String,
        /// Counts the settings of a session, from 1.
        generation: u64,
    }
}

wire! {
    /// Usage of the session so far.
    struct UsageChanged {
        /// The sum.
        usage: Usage,
    }
}

wire! {
    /// The conversation is about to be shortened for the model; the log keeps all of it.
    struct CompactionStarted {
        /// Tokens of the conversation, as far as is known.
        tokens: u64,
    }
}

wire! {
    /// The conversation was shortened: from here on the model is shown the summary in place of what came before `upTo`.
    struct CompactionEnded {
        /// The last event that the summary stands for.
        up_to: u64,
    }
    optional {
        /// Where the summary is.
        #[serde(rename = "ref")]
        reference: String,
        /// Tokens of the conversation now, as far as is known.
        tokens: u64,
        /// Why it failed; then nothing changed.
        error: String,
    }
}
