//! Tools and their calls as clients see them. Not here: what a tool does.
use crate::json::Json;

words! {
    /// What a call may do to the world; decides what happens to one that never settled.
    open enum EffectClass {
        /// Only reads: may run again.
        Pure = "pure",
        /// Writes files of the workspace: settled by digest.
        File = "file",
        /// Runs a command: never again by itself.
        Command = "command",
        /// Speaks to the network: never again by itself.
        Network = "network",
    }
}

words! {
    /// What let a call, or something it needs, happen.
    open enum AllowedBy {
        /// The profile.
        Profile = "profile",
        /// A configured rule.
        Rule = "rule",
        /// A grant, for good or for the session.
        Grant = "grant",
        /// A person who was asked.
        Request = "request",
    }
}

words! {
    /// What refused a call.
    open enum DeniedBy {
        /// A configured rule, or an administrator's policy.
        Rule = "rule",
        /// The profile.
        Profile = "profile",
        /// The workspace is not trusted.
        Untrusted = "untrusted",
        /// It would have been asked about, and nobody could be.
        Nobody = "nobody",
        /// A person.
        Person = "person",
    }
}

words! {
    /// How a call ended.
    open enum CallStatus {
        /// It did what it should.
        Ok = "ok",
        /// It failed, and the model was told why.
        Failed = "failed",
        /// A rule or a person refused it.
        Denied = "denied",
        /// It was interrupted.
        Interrupted = "interrupted",
        /// It started and its outcome was never recorded; it is not repeated.
        Unknown = "unknown",
    }
}

words! {
    /// What a tool is about, for icons and grouping.
    open enum ToolKind {
        /// Looks at files.
        Read = "read",
        /// Changes files.
        Edit = "edit",
        /// Searches.
        Search = "search",
        /// Runs a command.
        Execute = "execute",
        /// Reads a page of the network.
        Fetch = "fetch",
        /// Keeps the plan.
        Plan = "plan",
        /// Anything else.
        Other = "other",
    }
}

wire! {
    /// A tool the model has.
    struct ToolItem {
        /// Its name.
        id: String,
        /// What it is about.
        kind: ToolKind,
        /// What the model is told of it.
        description: String,
        /// JSON Schema of its arguments.
        parameters: Json,
    }
}

wire! {
    /// What a call will do to one path: the digest before and after.
    struct PathIntent {
        /// Relative to the workspace.
        path: String,
    }
    optional {
        /// BLAKE3 before; absent where there is nothing yet.
        before: String,
        /// BLAKE3 after; absent where nothing will be, or it is not known.
        after: String,
        /// The permission bits before.
        before_mode: u32,
        /// The permission bits after.
        after_mode: u32,
    }
}
