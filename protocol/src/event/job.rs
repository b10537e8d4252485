//! `job.*`. Between start and end come deltas of bytes: `t` is base64, `from` counts the bytes before it.
use crate::content::Content;
use crate::event::session::By;
use crate::ids::{ChangeId, JobId};
use crate::tool::CallStatus;

wire! {
    /// A person's command was taken on: the record that its effect may have happened from here on.
    struct JobStarted {
        /// The job.
        job_id: JobId,
        /// The command.
        command: String,
        /// The folder it starts in, relative to the workspace.
        cwd: String,
        /// Whether nobody waits for it.
        background: bool,
        /// Whether the model is shown it.
        share_with_model: bool,
    }
    optional {
        /// Who runs it.
        by: By,
    }
}

wire! {
    /// A job came to the foreground.
    struct JobChanged {
        /// The job.
        job_id: JobId,
        /// Whether nobody waits for it.
        background: bool,
    }
}

wire! {
    /// A job ended, and everything it had started with it.
    struct JobEnded {
        /// The job.
        job_id: JobId,
        /// How: `ok` with exit code 0, `failed`, `interrupted` if it was ended from outside, `unknown` if the agent died
        /// while it ran.
        status: CallStatus,
        /// What it printed, without the terminal's control sequences; a long output is its beginning and its end.
        content: Vec<Content>,
        /// How many bytes it printed.
        bytes: u64,
    }
    optional {
        /// Its exit code.
        exit: i32,
        /// The signal that ended it.
        signal: i32,
        /// What was changed in the workspace while it ran.
        change_id: ChangeId,
        /// The whole output as it was printed, for `agent/fetch`: offsets in it are those of the deltas. Of more than
        /// 32 MiB it has the beginning, a line that says how much is missing, and the end.
        #[serde(rename = "ref")]
        reference: String,
    }
}
