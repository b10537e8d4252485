//! Ephemeral deltas. Not here: anything a client must not miss.
use crate::change::FileOp;

wire! {
    /// A file that a running command has changed so far. Nothing of it is in the workspace yet, and what the command did in the end
    /// its change tells.
    struct Provisional {
        /// What it would be.
        op: FileOp,
        /// Relative to the workspace.
        path: String,
    }
    optional {
        /// Whether bytes of the path are not UTF-8 and stand as `%XX`.
        path_encoded: bool,
    }
}

wire! {
    /// Some text of an item that is still growing. It has no seq, may be dropped, and is superseded by the durable event
    /// that closes the item.
    struct Delta {
        /// The item: a message, a call or a job.
        d: String,
        /// The byte offset of `t` in the item's whole text or output.
        from: u64,
        /// The text; of a job the bytes, in base64.
        t: String,
    }
    optional {
        /// Of a command that runs: the files that it has changed so far, at most 100, in place of those of an earlier delta.
        files: Vec<Provisional>,
        /// How many more there are.
        more: u64,
    }
}
