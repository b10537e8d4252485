//! `agent/admin`.

words! {
    /// What to do to the daemon.
    enum AdminOp {
        /// Take no more work, let turns finish, then leave.
        Drain = "drain",
        /// Interrupt turns and leave.
        Stop = "stop",
        /// Let a newer agent take over: turns stand still at their next safe point and go on there. It is undone when
        /// the connection that asked for it ends first.
        HandOver = "handOver",
        /// Check the hash chains.
        Verify = "verify",
        /// Delete old sessions, and contents that no session needs any more.
        Prune = "prune",
        /// Write a session's log and the contents it names to a file.
        Export = "export",
        /// Trust a workspace.
        Trust = "trust",
        /// Take back a workspace's trust, or a grant.
        Revoke = "revoke",
    }
}

wire! {
    /// Housekeeping of the daemon.
    struct AdminParams {
        /// What to do.
        op: AdminOp,
    }
    optional {
        /// The workspace, for `trust` and `revoke`.
        workspace: String,
        /// The grant, for `revoke`.
        grant: crate::ids::GrantId,
        /// Only this session's log, for `verify`; the session, for `export`.
        session_id: crate::ids::SessionId,
        /// For `prune`: sessions that nothing happened in for so many seconds.
        older_than_s: u64,
        /// For `prune`: all but this many of each workspace, the newest.
        keep: u64,
        /// For `prune`: whether only to tell what would go.
        dry_run: bool,
        /// For `prune`: whether the copies of caches that commands wrote to go too, but for those that a command uses now.
        caches: bool,
        /// For `export`: the new file, an absolute path.
        path: String,
    }
}

impl AdminParams {
    /// Returns the parameters of an operation, and nothing more.
    pub const fn of(op: AdminOp) -> Self {
        Self {
            op,
            workspace: None,
            grant: None,
            session_id: None,
            older_than_s: None,
            keep: None,
            dry_run: None,
            caches: None,
            path: None,
        }
    }
}

wire! {
    /// What came of it.
    #[derive(Default)]
    struct AdminResult {}
    optional {
        /// For `drain`, `stop` and `handOver`: the process that leaves.
        pid: u32,
        /// For `drain`, `stop` and `handOver`: turns that still run.
        running: u64,
        /// For `verify`: what was checked.
        verified: Verified,
        /// For `trust` and `revoke`: the `all` log's place.
        seq: u64,
        /// For `trust`: what is trusted, one line each.
        enables: Vec<String>,
        /// For `prune`: what went, or would go.
        pruned: Pruned,
        /// For `export`: what was written.
        exported: Exported,
    }
}

wire! {
    /// What a pruning removed.
    struct Pruned {
        /// The sessions.
        sessions: Vec<crate::ids::SessionId>,
        /// Contents that no session needed, beside those that went with their sessions.
        blobs: u64,
        /// Their bytes on the disk.
        bytes: u64,
    }
    optional {
        /// Bytes on the disk of copies of caches, where these were asked for.
        caches_bytes: u64,
    }
}

wire! {
    /// What an export holds.
    struct Exported {
        /// The file.
        path: String,
        /// Events of the log.
        events: u64,
        /// Contents that they name.
        blobs: u64,
    }
}

wire! {
    /// What a verification found.
    struct Verified {
        /// Logs that were read.
        logs: u64,
        /// Events whose chain was followed.
        events: u64,
        /// Transactions whose chain was followed.
        commits: u64,
        /// What does not fit, one line each; empty when all does.
        broken: Vec<String>,
    }
}
