//! Files and hunks as clients see them. Not here: how changes are made.
use crate::ids::ChangeId;

words! {
    /// What happened to a file.
    open enum FileOp {
        /// It is new.
        Add = "add",
        /// Its content or mode changed.
        Modify = "modify",
        /// It is gone.
        Delete = "delete",
        /// It has another path; `from` names the old one.
        Move = "move",
    }
}

wire! {
    /// A maximal run of changed lines, without context. Numbers count from 1 in file order and never change; 0 stands for a
    /// mode, link, binary or whole-file change.
    struct Hunk {
        /// Its number in the file.
        n: u32,
        /// First line before, counted from 1; for a pure insertion the line after which it goes.
        old_start: u64,
        /// Lines before.
        old_lines: u64,
        /// First line after.
        new_start: u64,
        /// Lines after.
        new_lines: u64,
    }
}

wire! {
    /// One file of a change.
    struct FileChange {
        /// What happened.
        op: FileOp,
        /// Relative to the workspace.
        path: String,
        /// Its hunks.
        hunks: Vec<Hunk>,
    }
    optional {
        /// The old path of a move.
        from: String,
        /// BLAKE3 of the content before; absent where there was none.
        before: String,
        /// BLAKE3 of the content after; absent where there is none.
        after: String,
        /// The permission bits before; absent where there was no file. 40960 (0120000) is a symbolic link, whose content is
        /// its target.
        before_mode: u32,
        /// The permission bits after; absent where there is no file.
        after_mode: u32,
        /// Whether bytes of the path are not UTF-8 and stand as `%XX`.
        path_encoded: bool,
        /// Whether somebody else may have done it: it was found by comparing before and after, while people could write there
        /// too. To take it back is a conflict of the kind `uncertain`.
        uncertain: bool,
    }
}

words! {
    /// How a file stands in the way.
    open enum ConflictKind {
        /// Somebody edited it since.
        Edited = "edited",
        /// It is gone.
        Deleted = "deleted",
        /// Something else is there now.
        Created = "created",
        /// It is another kind of thing now.
        Type = "type",
        /// Somebody has it open with changes that are not saved.
        Dirty = "dirty",
        /// It was changed while a command ran that writes to the workspace itself: whether by that or by somebody else nobody
        /// can tell.
        Uncertain = "uncertain",
    }
}

wire! {
    /// A file that stands in the way of a change.
    struct Conflict {
        /// Relative to the workspace.
        path: String,
        /// How it stands in the way.
        kind: ConflictKind,
        /// Whether both sides can be kept by themselves: then `merge` is allowed.
        mergeable: bool,
        /// One line for people.
        text: String,
    }
    optional {
        /// The hunk that is in the way; the whole file if absent.
        hunk: u32,
        /// The whole file both sides began with, by reference.
        base: String,
        /// The whole file as it would be written, by reference.
        ours: String,
        /// The whole file as it is on disk, by reference.
        theirs: String,
        /// Later changes of the session that changed the same lines: what goes back with them is in nobody's way.
        changes: Vec<ChangeId>,
        /// Whether bytes of the path are not UTF-8 and stand as `%XX`.
        path_encoded: bool,
    }
}

wire! {
    /// Something a change could not cover, and why.
    struct Uncovered {
        /// Relative to the workspace.
        path: String,
        /// Why.
        reason: String,
    }
}
