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
        /// Only this session's log, for `verify`.
        session_id: crate::ids::SessionId,
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
