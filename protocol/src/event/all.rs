//! Events of the machine's `all` log.
use crate::handshake::{Can, Instance};
use crate::ids::{GrantId, RequestId, SessionId};
use crate::request::RequestItem;
use crate::session::SessionItem;

wire! {
    /// A session appeared.
    struct SessionListed {
        /// Its item.
        item: SessionItem,
    }
}

wire! {
    /// A session was deleted.
    struct SessionRemoved {
        /// Which.
        session_id: SessionId,
    }
}

wire! {
    /// A request waits for an answer.
    struct RequestAdded {
        /// Its item.
        item: RequestItem,
    }
}

wire! {
    /// A request waits no more.
    struct RequestRemoved {
        /// Which.
        request_id: RequestId,
    }
}

wire! {
    /// A standing decision.
    struct GrantItem {
        /// The grant.
        id: GrantId,
        /// What it allows, such as `cargo test *`.
        pattern: String,
        /// The workspace it holds in, a `file://` URI.
        workspace: String,
        /// When it was made.
        created_at: String,
    }
}

wire! {
    /// A grant was made.
    struct GrantAdded {
        /// Its item.
        item: GrantItem,
    }
}

wire! {
    /// A grant was taken back.
    struct GrantRemoved {
        /// Which.
        grant_id: GrantId,
    }
}

wire! {
    /// A workspace a person trusts.
    struct WorkspaceItem {
        /// The workspace, a `file://` URI.
        id: String,
        /// When it was trusted.
        trusted_at: String,
    }
    optional {
        /// The files that make programs run something, as they were then: trust holds as long as they are the same.
        files: Vec<TrustedFile>,
    }
}

wire! {
    /// A file that trust is bound to.
    struct TrustedFile {
        /// Where it is.
        path: String,
        /// BLAKE3 of what it is known by.
        digest: String,
    }
}

wire! {
    /// A workspace is trusted now.
    struct WorkspaceAdded {
        /// Its item.
        item: WorkspaceItem,
    }
}

wire! {
    /// A workspace is trusted no more.
    struct WorkspaceRemoved {
        /// The workspace, a `file://` URI.
        id: String,
    }
    optional {
        /// Where nobody took the trust back: what has changed in the workspace, one line each.
        changes: Vec<String>,
    }
}

wire! {
    /// A configuration was taken.
    struct ConfigChanged {
        /// The file.
        file: String,
    }
}

wire! {
    /// A configuration was not taken; the last good one stays in force.
    struct ConfigRejected {
        /// The file.
        file: String,
        /// What is wrong.
        error: String,
    }
    optional {
        /// The line, from 1.
        line: u64,
    }
}

wire! {
    /// A provider needs a key: a turn waits for it, or failed because of it.
    struct AuthRequired {
        /// The provider.
        provider: String,
        /// What to do about it, one clause.
        how: String,
    }
    optional {
        /// The session whose turn needs it.
        session_id: SessionId,
    }
}

wire! {
    /// A stored key of a provider came, changed or went.
    struct AuthChanged {
        /// The provider.
        provider: String,
        /// How its login stands: `loggedIn` or `loggedOut`.
        state: crate::auth::AuthState,
    }
}

wire! {
    /// The agent is another one than the last that ran on this state directory: of another version or build, or it can do other
    /// things.
    struct AgentChanged {
        /// The running process.
        instance: Instance,
        /// What it can do now.
        can: Can,
    }
}

wire! {
    /// The daemon takes no new work.
    struct AgentDraining {
        /// Turns that still run.
        running: u64,
    }
    optional {
        /// Whether a newer agent takes over: then clients connect again, and turns go on.
        hand_over: bool,
    }
}

wire! {
    /// Something a person should know.
    struct Notice {
        /// What kind of thing.
        kind: String,
        /// The sentence.
        message: String,
    }
}
