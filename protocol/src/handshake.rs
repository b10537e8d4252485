//! `initialize`: what a client adds to its LSP parameters, and what it is told. Not here: LSP's own capabilities.
use serde::{Deserialize, Serialize};

use crate::json::Json;

/// A marker of support: an object, so that it can grow fields.
pub type Marker = Json;

words! {
    /// What a connection may do.
    enum Role {
        /// Everything.
        Controller = "controller",
        /// Look.
        Observer = "observer",
    }
}

wire! {
    /// Who connects. No identity: it helps resuming and reading the log.
    #[derive(Eq)]
    struct ClientInfo {
        /// Its own stable id.
        id: String,
        /// What it is, such as `cli`.
        kind: String,
    }
    optional {
        /// Its version.
        version: String,
    }
}

wire! {
    /// Which events a client wants specially.
    #[derive(Default)]
    struct EventWishes {}
    optional {
        /// Deltas, at most so many messages a second.
        delta: DeltaWish,
    }
}

wire! {
    /// How often deltas may come.
    #[derive(Default)]
    struct DeltaWish {}
    optional {
        /// Messages a second; 30 if absent.
        max_per_second: u32,
    }
}

wire! {
    /// What the client puts into `capabilities.experimental.agent`.
    struct ClientHello {
        /// The protocol versions it speaks.
        protocol: Vec<u32>,
    }
    optional {
        /// Who it is.
        client: ClientInfo,
        /// What it may do; `controller` if absent.
        role: Role,
        /// What it can draw; a client without it is quiet.
        render: serde_json::Map<String, serde_json::Value>,
        /// Which events it wants specially.
        events: EventWishes,
        /// Experimental items it wants, as `name@version`.
        experimental: Vec<String>,
    }
}

wire! {
    /// The running process.
    struct Instance {
        /// Unique for each start.
        id: String,
        /// The product's version.
        version: String,
        /// What it was built from.
        build: String,
        /// Its process id.
        pid: u32,
        /// When it started.
        started_at: String,
    }
    optional {
        /// How new its program is: the time of its file. Of two builds of one version the later is the newer.
        built_at: String,
    }
}

/// The sandbox level as it is known now: a number, or the word `probing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SandboxLevel {
    /// Probed.
    Level(u8),
    /// Not known yet; `agent.changed` follows in the `all` log.
    Probing,
}

impl Serialize for SandboxLevel {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Level(level) => serializer.serialize_u8(*level),
            Self::Probing => serializer.serialize_str("probing"),
        }
    }
}

impl<'de> Deserialize<'de> for SandboxLevel {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let level = serde_json::Value::deserialize(deserializer)?;
        Ok(level.as_u64().and_then(|level| u8::try_from(level).ok()).map_or(Self::Probing, Self::Level))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for SandboxLevel {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SandboxLevel".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"oneOf": [{"type": "integer", "minimum": 0, "maximum": 3}, {"const": "probing"}]})
    }
}

wire! {
    /// The sandbox for commands.
    struct SandboxInfo {
        /// Which level there is.
        level: SandboxLevel,
        /// What a higher level lacks.
        missing: Vec<String>,
    }
    optional {
        /// The level that the person's configuration names for commands; 0 is no sandbox. Absent: the highest there is.
        configured: u8,
    }
}

words! {
    /// How it is found out what a command changed.
    enum CaptureMode {
        /// Exactly: what it writes is caught and brought over when it ends.
        Exact = "exact",
        /// By comparing the workspace before and after it.
        Compared = "compared",
    }
}

wire! {
    /// How it is found out what a command changed.
    struct CaptureInfo {
        /// How.
        mode: CaptureMode,
    }
    optional {
        /// Why not exactly.
        reason: String,
    }
}

wire! {
    /// Support for commands.
    struct ShellSupport {
        /// The sandbox they run in.
        sandbox: SandboxInfo,
    }
    optional {
        /// How it is found out what they changed; absent as long as that is not known.
        capture: CaptureInfo,
    }
}

wire! {
    /// Support for queued messages.
    struct QueueSupport {
        /// How many may wait.
        max: u64,
    }
}

wire! {
    /// Support for logging in to providers.
    struct AuthSupport {
        /// Which ways: `key`.
        methods: Vec<String>,
    }
}

wire! {
    /// What the agent can do now. Absent: not at all.
    #[derive(Default)]
    struct Can {}
    optional {
        /// Files: `read`, `write`, `search`.
        files: Marker,
        /// Commands.
        shell: ShellSupport,
        /// Planning: edits that are staged.
        plan: Marker,
        /// Applying plans: `hunks`.
        apply: Marker,
        /// Steering.
        steer: Marker,
        /// Queueing.
        queue: QueueSupport,
        /// Logging in to providers.
        auth: AuthSupport,
        /// Jobs.
        jobs: Marker,
        /// Approvals of a part of an edit: `hunks`.
        approve: Marker,
    }
}

wire! {
    /// Limits of this build.
    struct Limits {
        /// The largest message it accepts, in bytes.
        message: u64,
        /// The most events of a page.
        page: u64,
        /// The largest text in an event, in bytes; beyond it stands a reference.
        inline: u64,
    }
}

wire! {
    /// What the agent puts into `result.capabilities.experimental.agent`.
    struct AgentHello {
        /// The version chosen: the highest both know.
        protocol: u32,
        /// The running process.
        instance: Instance,
        /// What it can do now.
        can: Can,
        /// Limits.
        limits: Limits,
        /// The digest of the schema this build speaks.
        schema: String,
        /// Experimental items that are on.
        experimental: Vec<String>,
    }
}
