//! `session.*` and `request.resolved`.
use std::collections::BTreeMap;

use crate::apply::{RevertScope, RevertTo, Selected};
use crate::handshake::ClientInfo;
use crate::ids::{ChangeId, CheckpointId, RequestId, SessionId};
use crate::json::Json;
use crate::open::CloseHow;
use crate::request::Scope;
use crate::session::{SessionItem, SessionState, Settings};

wire! {
    /// Who did something.
    #[derive(Eq)]
    struct By {
        /// The client's own id.
        id: String,
        /// What it is.
        kind: String,
    }
}

impl From<&ClientInfo> for By {
    fn from(client: &ClientInfo) -> Self {
        Self { id: client.id.clone(), kind: client.kind.clone() }
    }
}

wire! {
    /// The first event of a session's log.
    struct SessionCreated {
        /// The workspace, a `file://` URI.
        workspace: String,
        /// Settings as they were effective.
        settings: Settings,
        /// The variables its children get.
        environment: BTreeMap<String, String>,
    }
    optional {
        /// What it is about.
        title: String,
        /// The session it was forked from or started by.
        parent: SessionId,
        /// For a fork: the place in the parent's log.
        at: u64,
        /// Whether it ends with the daemon.
        ephemeral: bool,
    }
}

wire! {
    /// What changed. In a session's own log: title, settings or environment; in the `all` log: the item, where changes of
    /// state are told at most once a second.
    #[derive(Default)]
    struct SessionChanged {}
    optional {
        /// The session's item, in the `all` log alone.
        item: SessionItem,
        /// The new title.
        title: String,
        /// The new effective settings.
        settings: Settings,
        /// New variables for its children, whole.
        environment: BTreeMap<String, String>,
    }
}

wire! {
    /// What the session does now.
    struct SessionStateChanged {
        /// idle, running or waiting; closed has an event of its own.
        state: SessionState,
    }
}

wire! {
    /// Files or conversation went back. The log is never cut: what came before is still there.
    struct SessionReverted {
        /// Where to.
        to: RevertTo,
        /// The place just before it.
        checkpoint_id: CheckpointId,
        /// What went back.
        scope: RevertScope,
    }
    optional {
        /// The change that it is; absent where no file changed.
        change_id: ChangeId,
        /// Where the conversation goes on: behind this event. Absent where only files went back.
        at: u64,
        /// Who asked for it.
        by: By,
    }
}

wire! {
    /// The session takes no more work.
    struct SessionClosed {
        /// archive; a deleted session has no log.
        how: CloseHow,
    }
}

wire! {
    /// The answer that won.
    struct RequestResolved {
        /// The request.
        request_id: RequestId,
        /// `allow`, `deny`, `answer`, or the id of an option.
        decision: String,
    }
    optional {
        /// How far it reaches.
        scope: Scope,
        /// Who answered; absent where the agent resolved it itself.
        by: By,
        /// The pattern of an `always`.
        pattern: String,
        /// The answer of a question.
        form: Json,
        /// The reason that was given.
        note: String,
        /// The hunks that were allowed, where not all of the edit was.
        select: Vec<Selected>,
    }
}
