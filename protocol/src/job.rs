//! `agent/run`, `agent/job` and the jobs of a session. Not here: the events that tell of them (`event::job`).
use crate::event::session::By;
use crate::ids::{JobId, SessionId};

/// Bytes of a job's output of which all is kept; of more than that the beginning and the end are.
pub const WHOLE_OUTPUT_BYTES_MAX: u64 = 32 << 20;

words! {
    /// What to do with a running job.
    enum JobOp {
        /// Types `data` or `text` into its terminal.
        Write = "write",
        /// Gives its terminal another size.
        Resize = "resize",
        /// Ends it and everything it started.
        Kill = "kill",
        /// Brings it to the foreground, and returns the newest of its output, or what it printed from `from` on.
        Foreground = "foreground",
    }
}

wire! {
    /// The size of a terminal in characters, each 1 to 1,000.
    #[derive(Copy, Eq)]
    struct JobSize {
        /// Lines.
        rows: u16,
        /// Characters of a line.
        columns: u16,
    }
}

wire! {
    /// Runs the person's own command in the session's workspace, in a terminal of its own. It is not asked about: whoever
    /// sends it has decided.
    struct RunParams {
        /// The session.
        session_id: SessionId,
        /// The command, for the shell; at most 64 KiB.
        command: String,
    }
    optional {
        /// The folder it starts in, within the workspace; the workspace itself if absent.
        cwd: String,
        /// Whether nobody waits for it; `agent/admin {op: drain}` ends such a job instead of waiting for it.
        background: bool,
        /// Whether the model is shown the command and its output with the next message.
        share_with_model: bool,
        /// The size of its terminal; 24 lines of 80 characters if absent.
        size: JobSize,
    }
}

wire! {
    /// The job; its start is recorded.
    struct RunResult {
        /// The job.
        job_id: JobId,
        /// The event that recorded it.
        seq: u64,
    }
}

wire! {
    /// Does something with a running job.
    struct JobParams {
        /// The job.
        job_id: JobId,
        /// What to do.
        op: JobOp,
    }
    optional {
        /// For `write`: bytes, in base64; at most 64 KiB.
        data: String,
        /// For `write`: text, in place of `data`.
        text: String,
        /// For `resize`: the new size.
        size: JobSize,
        /// For `foreground`: the offset in the whole output to read from, in place of the newest.
        from: u64,
    }
}

wire! {
    /// What came of it.
    #[derive(Default)]
    struct JobResult {}
    optional {
        /// For `kill` and `foreground`: the log's head.
        seq: u64,
        /// For `foreground`: the offset of `data` in the whole output; later than the one asked for where something was not
        /// kept.
        from: u64,
        /// For `foreground`: output in base64; the newest 64 KiB of it, or at most 256 KiB from the offset asked for on,
        /// empty when that is its end.
        data: String,
    }
}

wire! {
    /// A job that runs.
    struct JobItem {
        /// The job.
        id: JobId,
        /// Its session.
        session: SessionId,
        /// The command.
        command: String,
        /// The folder it started in, relative to the workspace.
        cwd: String,
        /// Whether nobody waits for it.
        background: bool,
        /// Whether the model is shown it.
        share_with_model: bool,
        /// When it was started.
        started_at: String,
    }
    optional {
        /// Who started it.
        by: By,
    }
}
