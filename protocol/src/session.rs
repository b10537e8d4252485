//! A session as clients see it: item, settings, snapshot. Not here: the events it is folded from.
use crate::content::Content;
use crate::cursor::Cursor;
use crate::event::session::By;
use crate::ids::{MessageId, PlanId, SessionId, TurnId};
use crate::json::Json;
use crate::model::Usage;
use crate::request::RequestItem;

words! {
    /// What a session does now.
    open enum SessionState {
        /// It rests.
        Idle = "idle",
        /// A turn runs.
        Running = "running",
        /// A turn waits for a person.
        Waiting = "waiting",
        /// It is archived.
        Closed = "closed",
    }
}

wire! {
    /// Limits of a session's turns.
    #[derive(Default)]
    struct SessionLimits {}
    optional {
        /// Steps of a turn.
        steps: u32,
        /// US dollars of a turn.
        cost_usd: f64,
        /// Seconds of a turn.
        turn_timeout_s: u64,
    }
}

wire! {
    /// What a session works with. Absent members keep what they were.
    #[derive(Default)]
    struct Settings {}
    optional {
        /// `provider/model`.
        model: String,
        /// The profile's name.
        profile: String,
        /// `session` lifts the cap of an untrusted workspace for this session.
        trust: TrustSetting,
        /// Limits of its turns.
        limits: SessionLimits,
    }
}

impl crate::word::Later for Settings {
    fn check<E: serde::de::Error>(&self) -> Result<(), E> {
        self.trust.check()
    }
}

words! {
    /// How far a session's own settings lift the cap of an untrusted workspace.
    open enum TrustSetting {
        /// For this session alone; the workspace's configuration stays unread.
        Session = "session",
    }
}

words! {
    /// Whether a person trusts the workspace.
    open enum TrustState {
        /// Its configuration is read, its profile not capped.
        Trusted = "trusted",
        /// Capped at `read`.
        Untrusted = "untrusted",
        /// Capped at `read` until the open trust request is answered.
        Pending = "pending",
    }
}

wire! {
    /// A named policy: what is allowed, asked or denied.
    struct ProfileItem {
        /// Its name.
        id: String,
        /// Reading files: `allow`, `ask` or `deny`.
        read: String,
        /// Writing files.
        write: String,
        /// Running commands.
        shell: String,
        /// Reaching hosts.
        network: String,
    }
    optional {
        /// Whether it is the configured one.
        default: bool,
    }
}

wire! {
    /// An entry of the session list.
    struct SessionItem {
        /// The session.
        id: SessionId,
        /// Its workspace, a `file://` URI.
        workspace: String,
        /// What it is about, one line.
        title: String,
        /// What it does now.
        state: SessionState,
        /// The model in force.
        model: String,
        /// The profile in force.
        profile: String,
        /// RFC 3339, UTC, milliseconds.
        created_at: String,
        /// RFC 3339, UTC, milliseconds.
        updated_at: String,
        /// The end of its log.
        head: Cursor,
        /// Files it changed.
        changed_files: u64,
        /// US dollars so far; absent prices count as 0.
        cost: f64,
        /// Requests nobody answered yet.
        unanswered: u64,
    }
    optional {
        /// The session that started it.
        parent: SessionId,
        /// Messages that wait for their delivery; absent where none does.
        queued: u64,
    }
}

wire! {
    /// A message that waits for its delivery.
    struct QueuedMessage {
        /// The message.
        message_id: MessageId,
        /// What it says.
        input: Vec<Content>,
        /// Whether it waits for the next safe point of the running turn instead of the next turn.
        steer: bool,
    }
    optional {
        /// Who sent it, or replaced what it says.
        by: By,
        /// The plan whose goal it is.
        plan_id: PlanId,
    }
}

wire! {
    /// One of the newest things in a session's log: the closing event of a message, call or change.
    struct SnapshotItem {
        /// Its place.
        seq: u64,
        /// When it happened.
        at: String,
        /// The event's type.
        #[serde(rename = "type")]
        kind: String,
        /// The event's data.
        data: Json,
        /// One line for people.
        text: String,
    }
    optional {
        /// The turn it belongs to.
        turn: TurnId,
        /// Whether texts in `data` are shortened: the whole event is in the log, at `seq`.
        cut: bool,
    }
}

wire! {
    /// A session at a cursor: what a client needs to draw it before it observes the rest. At most 1 MiB.
    struct Snapshot {
        /// What it does.
        state: SessionState,
        /// Effective settings.
        settings: Settings,
        /// Whether the workspace is trusted.
        trust: TrustState,
        /// The newest messages, calls and changes, oldest first, at most 200.
        items: Vec<SnapshotItem>,
        /// Open requests.
        requests: Vec<RequestItem>,
        /// Messages that wait, in the order in which they will be delivered: steers, then the queue.
        queue: Vec<QueuedMessage>,
        /// Test harnesses found in the workspace.
        tests: Vec<String>,
        /// Open plans.
        plans: Vec<Json>,
        /// Running jobs.
        jobs: Vec<Json>,
        /// Usage so far.
        usage: Usage,
    }
    optional {
        /// The running turn.
        turn_id: TurnId,
        /// Open requests of its descendants; `session` says whose. Absent where there is none.
        descendant_requests: Vec<RequestItem>,
        /// Where to page on backwards with `agent/log`, if `items` is not everything.
        before: Cursor,
    }
}
