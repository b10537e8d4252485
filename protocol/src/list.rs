//! `agent/list`.
use crate::ids::SessionId;
use crate::json::Json;

wire! {
    /// Lists things of a kind.
    struct ListParams {
        /// Of which kind: session, model, provider, profile, command, tool, skill, mcp, job, checkpoint, change, plan,
        /// request, grant, workspace.
        kind: String,
    }
    optional {
        /// Only those of this session.
        session_id: SessionId,
        /// Only those that fit, by kind: `workspace`, `state` and `archived` for sessions, `workspace` for
        /// grants, commands and skills.
        filter: ListFilter,
        /// Go on after this item.
        after: String,
        /// At most so many, 1 to 1,000; 100 if absent.
        limit: u64,
    }
}

impl ListParams {
    /// Asks for the first page of all things of a kind.
    pub fn of(kind: &str) -> Self {
        Self { kind: kind.to_owned(), session_id: None, filter: None, after: None, limit: None }
    }
}

wire! {
    /// Narrows a list.
    #[derive(Default)]
    struct ListFilter {}
    optional {
        /// Only sessions and grants of this workspace, and the commands and skills it has: `file://` URI or absolute path.
        workspace: String,
        /// Only sessions in this state.
        #[serde(deserialize_with = "crate::word::known")]
        state: crate::session::SessionState,
        /// Whether archived sessions are listed too; they are not if absent, unless `state` asks for them.
        archived: bool,
    }
}

words! {
    /// Where a command or a skill comes from.
    open enum CommandOrigin {
        /// A folder of the workspace.
        Workspace = "workspace",
        /// The person's own configuration.
        User = "user",
    }
}

wire! {
    /// A command: a text that is sent to the model in place of a message that begins with `/` and its name.
    struct CommandItem {
        /// Its name, without the slash.
        id: String,
        /// Its file: relative to the workspace, absolute for the person's own.
        file: String,
        /// Where it comes from.
        from: CommandOrigin,
    }
    optional {
        /// What it is for, one line.
        description: String,
        /// What its arguments are, one line.
        hint: String,
    }
}

wire! {
    /// A skill: how to do something, sent to the model in place of a message that begins with `/` and its name, with the place of
    /// the files beside it.
    struct SkillItem {
        /// Its name, without the slash: that of its folder.
        id: String,
        /// Its file, `SKILL.md`: relative to the workspace, absolute for the person's own.
        file: String,
        /// Where it comes from.
        from: CommandOrigin,
    }
    optional {
        /// What it is for, one line.
        description: String,
    }
}

wire! {
    /// A page of things.
    struct ListResult {
        /// The things; sessions, requests, grants and workspaces newest first.
        items: Vec<Json>,
        /// The seq of the `all` log they are true at. Of several pages the first one's counts for all.
        rev: u64,
    }
    optional {
        /// What to give as `after` for the next page.
        next: String,
    }
}
