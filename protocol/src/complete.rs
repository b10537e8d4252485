//! `agent/complete`. Not here: how a mention is understood when a message comes.
use crate::ids::SessionId;

words! {
    /// What an item stands for.
    open enum CompletionKind {
        /// A file of the workspace.
        File = "file",
        /// A folder of the workspace.
        Folder = "folder",
        /// A command.
        Command = "command",
        /// A skill.
        Skill = "skill",
    }
}

wire! {
    /// Asks what may stand at a place in a message that is being written: files and folders behind `@`, commands and
    /// skills behind a `/` at its beginning.
    struct CompleteParams {
        /// The message so far.
        text: String,
        /// The place of the cursor: a byte offset into the text, between two characters.
        at: u64,
    }
    optional {
        /// The session whose workspace is meant.
        session_id: SessionId,
        /// The workspace where there is no session yet: absolute path or `file://` URI. Without either only the
        /// person's own commands and skills are known.
        workspace: String,
    }
}

wire! {
    /// Bytes of the text: from the first up to, and without, the second.
    struct ByteRange {
        /// The first byte.
        start: u64,
        /// The byte behind the last.
        end: u64,
    }
}

wire! {
    /// Something that may stand there.
    struct CompletionItem {
        /// What to show.
        label: String,
        /// What it stands for.
        kind: CompletionKind,
        /// What to put in place of the range. A path that needs quotes has them.
        insert: String,
        /// The bytes of the text that it replaces.
        range: ByteRange,
    }
    optional {
        /// More about it, one line.
        detail: String,
    }
}

wire! {
    /// What may stand there, best first.
    struct CompleteResult {
        /// The items, 50 at most.
        items: Vec<CompletionItem>,
    }
    optional {
        /// Whether there is more: ask again when more is typed, rather than narrow these.
        more: bool,
    }
}
