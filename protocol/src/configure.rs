//! `agent/configure`: the layers of the configuration. Not here: what keys there are (`spec/config.md`).
use std::collections::BTreeMap;

use crate::event::all::ConfigRejected;
use crate::ids::SessionId;
use crate::json::Json;

words! {
    /// Which layer is read or changed.
    enum ConfigScope {
        /// The person's own file.
        User = "user",
        /// The file of a workspace, `.tenon/config.toml`; it may only narrow.
        Workspace = "workspace",
        /// A session's settings: `model`, `profile`, `limits.steps`, `limits.cost_usd`, `limits.turn_timeout_s`.
        Session = "session",
    }
}

words! {
    /// Where an effective value comes from.
    open enum ConfigLayer {
        /// Nobody set it.
        BuiltIn = "builtIn",
        /// The person's own file.
        User = "user",
        /// The workspace's file.
        Workspace = "workspace",
        /// A `TENON_*` variable of the client.
        Environment = "environment",
        /// The session's settings.
        Session = "session",
        /// The administrator's policy: it only narrows, and goes before all others.
        Policy = "policy",
    }
}

wire! {
    /// Reads a layer of the configuration, or changes it.
    struct ConfigureParams {
        /// Which layer.
        scope: ConfigScope,
    }
    optional {
        /// The session, for `session`; for `workspace` it names its workspace.
        session_id: SessionId,
        /// The workspace, for `workspace` without a session: `file://` URI or absolute path.
        workspace: String,
        /// What to change, as nested tables of keys: merged into the layer, `null` removes. Without it nothing is changed.
        patch: Json,
        /// Only if the layer is at this revision; else 1502.
        if_rev: String,
        /// A key or a table, dotted, or empty for everything: the result then has `layers`.
        explain: String,
    }
}

wire! {
    /// What one layer says of one key.
    struct ConfigEntry {
        /// The key, dotted.
        key: String,
        /// The layer.
        layer: ConfigLayer,
        /// What it says; a secret is `[redacted]`.
        value: Json,
        /// Whether it counts: no later layer goes before it. The rules of all layers count together.
        counts: bool,
    }
    optional {
        /// The file it stands in.
        file: String,
        /// The line of that file, from 1.
        line: u64,
        /// The environment variable it comes from.
        variable: String,
    }
}

wire! {
    /// A layer, and what all layers come to. Secrets are `[redacted]`.
    struct ConfigureResult {
        /// The layer's revision; opaque, equal for equal content.
        rev: String,
        /// What the layer itself says, as nested tables.
        value: Json,
        /// What all layers up to this one come to, with the client's `TENON_*` variables.
        effective: Json,
        /// For each effective key, dotted: the layer its value comes from.
        from: BTreeMap<String, ConfigLayer>,
    }
    optional {
        /// The layer's file; absent for a session.
        file: String,
        /// What the file says that was not taken: a value that does not fit. The last good one is in force and shown.
        rejected: ConfigRejected,
        /// What else its author should know, one sentence each: unknown keys, keys that a workspace may not set.
        warnings: Vec<String>,
        /// After a change: the end of the log it stands in, the session's or `all`.
        seq: u64,
        /// For `explain`: what each layer says, by key, each from the lowest layer up. Without the last one that counts, the one
        /// before it would.
        layers: Vec<ConfigEntry>,
    }
}
