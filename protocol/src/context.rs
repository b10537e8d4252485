//! `agent/context`: what a person looks at. Not here: what the model is shown of it.
use crate::content::LineRange;
use crate::ids::SessionId;

words! {
    /// How bad a problem is.
    enum Severity {
        /// It is wrong.
        Error = "error",
        /// It may be wrong.
        Warning = "warning",
        /// It is worth knowing.
        Information = "information",
        /// It could be better.
        Hint = "hint",
    }
}

wire! {
    /// A problem that an editor shows.
    struct Diagnostic {
        /// The file: `file://` URI, absolute path, or relative to the workspace.
        path: String,
        /// What is wrong.
        message: String,
    }
    optional {
        /// Where.
        range: LineRange,
        /// How bad it is.
        severity: Severity,
        /// Who says so, such as a compiler.
        source: String,
    }
}

wire! {
    /// Text that is selected in the file of `uri`.
    struct SelectedText {
        /// The lines it spans.
        range: LineRange,
        /// The text.
        text: String,
    }
}

wire! {
    /// A file with changes that are not saved.
    struct DirtyFile {
        /// The file: `file://` URI, absolute path, or relative to the workspace.
        path: String,
    }
    optional {
        /// Its text as the editor has it, whole: the model reads this in place of the disk.
        text: String,
    }
}

wire! {
    /// What the person looks at. A member that is given replaces what was said before; an empty one takes it back; one that is
    /// absent stays. Kept in memory for this connection alone.
    #[derive(Default)]
    struct ContextParams {}
    optional {
        /// The session it is meant for; for all that this connection sends messages to if absent.
        session_id: SessionId,
        /// The file in front: `file://` URI, absolute path, or relative to the workspace. Takes back the selection.
        uri: String,
        /// What is selected in it.
        selection: SelectedText,
        /// Problems the editor shows; the first 50 are used.
        diagnostics: Vec<Diagnostic>,
        /// Other files that are visible; the first 20 are used.
        visible: Vec<String>,
        /// Files with changes that are not saved: all of them, each time. The agent writes to none of them without asking.
        dirty: Vec<DirtyFile>,
    }
}

wire! {
    /// What a message took along of what its sender looked at. Paths are relative to the workspace.
    #[derive(Default)]
    struct ContextUsed {}
    optional {
        /// The file in front.
        path: String,
        /// What was selected in it.
        selection: SelectedText,
        /// Problems that were shown.
        diagnostics: Vec<Diagnostic>,
        /// Other files that were visible.
        visible: Vec<String>,
        /// Files with changes that were not saved.
        dirty: Vec<String>,
    }
}
