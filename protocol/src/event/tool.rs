//! `tool.*`.
use crate::content::Content;
use crate::ids::{CallId, ChangeId, GrantId, RequestId};
use crate::json::Json;
use crate::tool::{AllowedBy, CallStatus, DeniedBy, EffectClass, PathIntent, ToolKind};

wire! {
    /// The model wants a call. Nothing has run.
    struct ToolProposed {
        /// The call.
        call_id: CallId,
        /// The tool's name, as the model wrote it.
        name: String,
        /// What it is about.
        kind: ToolKind,
        /// What it will do, one line.
        title: String,
        /// Its arguments; a string where they were no JSON.
        input: Json,
        /// BLAKE3 of name and arguments.
        digest: String,
    }
    optional {
        /// All of the arguments, as JSON text, where `input` was shortened: over 1 MiB of it.
        #[serde(rename = "ref")]
        reference: String,
    }
}

wire! {
    /// What let one part of a call happen.
    struct Allowance {
        /// The part: `command`, `edit`, `network`, or what a command needs, as rules name it (`write:PATH`, `net:HOST`).
        what: String,
        /// What let it happen.
        by: AllowedBy,
    }
    optional {
        /// The profile, the rule, or the pattern of the grant.
        name: String,
        /// Where the rule stands.
        from: String,
        /// The grant; one of the session alone has none.
        grant_id: GrantId,
        /// The request that a person answered.
        request_id: RequestId,
    }
}

wire! {
    /// A call was allowed and starts: the record that its effect may have happened from here on.
    struct ToolStarted {
        /// The call.
        call_id: CallId,
        /// What it may do to the world.
        effect: EffectClass,
        /// What it will write, before and after.
        intent: Vec<PathIntent>,
        /// Why it may: `profile edit`, `rule allow cargo test *`, `allowed by a person`.
        allowed_by: String,
    }
    optional {
        /// BLAKE3 of exactly what runs: what an approval was bound to, and would be.
        digest: String,
        /// For commands: the sandbox level.
        sandbox: u8,
        /// What let each part of it happen, the call itself first; absent where it only reads.
        allowed: Vec<Allowance>,
    }
}

wire! {
    /// A call is settled: the model gets exactly this.
    struct ToolEnded {
        /// The call.
        call_id: CallId,
        /// How.
        status: CallStatus,
        /// The result.
        content: Vec<Content>,
    }
    optional {
        /// The whole output, where `content` was cut.
        #[serde(rename = "ref")]
        reference: String,
        /// The change it made.
        change_id: ChangeId,
        /// For commands: the exit code.
        exit: i32,
        /// For `denied`: what refused it.
        denied_by: DeniedBy,
    }
}
