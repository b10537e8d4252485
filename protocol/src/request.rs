//! Durable questions to a person. Not here: who may answer and what an answer does.
use serde::{Deserialize, Serialize};

use crate::change::{Conflict, FileChange};
use crate::ids::{CallId, RequestId, SessionId, TurnId};
use crate::json::Json;

words! {
    /// What a request is about.
    open enum RequestKind {
        /// May this run?
        Approval = "approval",
        /// A question of the model.
        Question = "question",
        /// A key is needed.
        Login = "login",
        /// A limit was reached: go on?
        Limit = "limit",
        /// A call's outcome is unknown: what now?
        Recovery = "recovery",
        /// A file moved on.
        Conflict = "conflict",
        /// Is this workspace trusted?
        Trust = "trust",
    }
}

words! {
    /// How far a decision reaches.
    open enum Scope {
        /// This time.
        Once = "once",
        /// As long as the session lives.
        Session = "session",
        /// From now on, in this workspace.
        Always = "always",
    }
}

wire! {
    /// One of the choices.
    struct RequestOption {
        /// What is sent back as `decision`.
        id: String,
        /// What a person reads.
        label: String,
    }
    optional {
        /// How far it reaches.
        scope: Scope,
        /// For `always`: the pattern of the grant it makes.
        pattern: String,
    }
}

/// What a request is about, in the shape a client draws.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Subject {
    /// A command.
    Command {
        /// What will run, argument by argument.
        argv: Vec<String>,
        /// Where, relative to the workspace.
        cwd: String,
        /// The program that will run.
        exe: String,
        /// The sandbox level.
        sandbox: u8,
        /// What it needs beyond the sandbox.
        needs: Vec<String>,
        /// What to know before answering, one line each: the programs that it runs, what it removes and overwrites, characters
        /// that are not seen.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
    },
    /// Edits of files.
    Edit {
        /// The files.
        files: Vec<FileChange>,
        /// The edits as a patch.
        patch: String,
    },
    /// Network access.
    Network {
        /// The hosts.
        hosts: Vec<String>,
        /// The whole address, where it is one page that is asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
    },
    /// A limit that was reached.
    Limit {
        /// Which: `steps`, `costUsd`.
        limit: String,
        /// Its value.
        value: f64,
    },
    /// A provider that needs a key.
    Login {
        /// The provider.
        provider: String,
        /// How to bring one.
        how: String,
    },
    /// A workspace that is not trusted yet.
    Trust {
        /// The workspace, a `file://` URI.
        workspace: String,
        /// What trusting it would enable, one line each.
        enables: Vec<String>,
    },
    /// Files that stand in the way of a change.
    Conflict {
        /// What stands in the way.
        conflicts: Vec<Conflict>,
    },
    /// One of a type that this build does not know, as it came: the title and the options say what is asked.
    #[serde(untagged)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unheard(Json),
}

wire! {
    /// A request as it is opened, listed and answered.
    struct RequestItem {
        /// The request.
        request_id: RequestId,
        /// What it is about.
        kind: RequestKind,
        /// The question, one line, in the agent's words.
        title: String,
        /// What it is about, in full.
        subject: Subject,
        /// The choices.
        options: Vec<RequestOption>,
        /// The session that asks.
        session: SessionId,
    }
    optional {
        /// BLAKE3 of exactly what an approval allows.
        digest: String,
        /// The call that waits.
        call_id: CallId,
        /// The turn that waits.
        turn: TurnId,
        /// Why it is asked: the rule, profile or sandbox level.
        reason: String,
    }
}
