//! `agent/diff`. Not here: hunks and operations (`change`).
use crate::change::{FileOp, Hunk};
use crate::ids::SessionId;

words! {
    /// How much a difference says.
    enum DiffForm {
        /// The files with their hunks, and a patch that `git apply` takes.
        Patch = "patch",
        /// The files with their hunks.
        Files = "files",
        /// The files with counts of lines.
        Stat = "stat",
    }
}

wire! {
    /// Compares two places in the history of the files that a session changed.
    struct DiffParams {
        /// The session.
        session_id: SessionId,
    }
    optional {
        /// Where to begin: `start`, `head`, `disk`, or the id of a checkpoint, change or turn, which stands for the place
        /// before it; `start` if absent.
        from: String,
        /// Where to end: as `from`, but a change or turn stands for the place after it; `disk` if absent.
        to: String,
        /// Only these files, and everything beneath these folders.
        paths: Vec<String>,
        /// How much to say; `patch` if absent.
        form: DiffForm,
    }
}

wire! {
    /// A file that differs.
    struct DiffFile {
        /// What happened between the two places.
        op: FileOp,
        /// Relative to the workspace.
        path: String,
        /// Lines that came.
        added: u64,
        /// Lines that went.
        removed: u64,
    }
    optional {
        /// Its hunks; absent in the form `stat`.
        hunks: Vec<Hunk>,
        /// BLAKE3 of the content at the first place; absent where there is none.
        before: String,
        /// BLAKE3 of the content at the second place; absent where there is none.
        after: String,
        /// The permission bits at the first place, where they differ.
        before_mode: u32,
        /// The permission bits at the second place, where they differ.
        after_mode: u32,
        /// Whether there are no lines to compare.
        binary: bool,
        /// Whether bytes of the path are not UTF-8 and stand as `%XX`.
        path_encoded: bool,
        /// Why the file could not be compared.
        problem: String,
        /// Whether somebody else may have done some of it, while a command ran.
        uncertain: bool,
    }
}

wire! {
    /// What differs: files in order of their paths. Only files that the session changed are looked at.
    struct DiffResult {
        /// The files.
        files: Vec<DiffFile>,
    }
    optional {
        /// The patch, at most 1 MiB; each hunk's number ends its `@@` line.
        patch: String,
    }
}
