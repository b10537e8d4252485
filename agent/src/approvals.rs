//! Policy: what is allowed, asked or denied; rules, shell analysis, grants, trust.
//!
//! Not here: enforcement, which is the kernel's (`sandbox`) and the confined file access of `workspace`; asking, which
//! is `turn`'s; keeping grants and trust, which are events of the journal.
//!
//! Deny beats ask beats allow, over every part of an action. What a command's text seems to do may only move a decision
//! towards "ask" or "deny": nothing here makes a command safe.
//!
//! Imports: workspace, sandbox, protocol, config, base
mod foresee;
mod grants;
mod hints;
mod matching;
mod notes;
mod policy;
mod programs;
mod proposal;
mod shell;
mod trust;

pub(crate) use crate::approvals::foresee::foresee;
pub(crate) use crate::approvals::grants::{Grant, Grants};
pub(crate) use crate::approvals::notes::notes;
pub(crate) use crate::approvals::policy::Policy;
pub(crate) use crate::approvals::programs::Programs;
pub(crate) use crate::approvals::trust::Trust;

use tenon_protocol::ids::GrantId;

use crate::config::profile::Verdict;
use crate::sandbox::Needs;
use crate::workspace::path::RelPath;

/// What somebody wants to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Read files or folders.
    Read {
        /// Which, links resolved.
        paths: Vec<RelPath>,
    },
    /// Write, make, move or remove files.
    Write {
        /// Which, links resolved.
        paths: Vec<RelPath>,
    },
    /// Ask hosts for something.
    Network {
        /// Which, by name in lower case or by address.
        hosts: Vec<String>,
    },
    /// Run a command.
    Command {
        /// The text that the shell is given.
        command: String,
        /// The programs that its words come to, as far as anybody looked.
        programs: Programs,
        /// What it needs beyond its confinement.
        needs: Needs,
    },
}

/// What made a decision what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The profile says so.
    Profile,
    /// A configured rule says so.
    Rule,
    /// A grant says so.
    Grant,
    /// The workspace is not trusted.
    Untrusted,
    /// The sandbox is too weak for anything to happen by itself.
    SandboxLevel,
    /// A protected path is written.
    Protected,
    /// A command needs something beyond its confinement.
    Need,
    /// What the command does cannot be told from its text.
    Unclear,
}

/// What happens to an action, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// What happens.
    pub(crate) verdict: Verdict,
    /// What made it so.
    pub(crate) cause: Cause,
    /// The same for people and for the model, as one clause.
    pub(crate) reason: String,
    /// The rule or the grant's pattern that decided.
    pub(crate) rule: Option<String>,
    /// The grant that decided.
    pub(crate) grant: Option<GrantId>,
    /// What speaks about each part of it, the action itself first; empty until all of it is decided.
    pub(crate) grounds: Vec<Ground>,
    /// The narrow pattern of a grant that would answer the question next time; `None` where no grant could, and `always`
    /// is not offered.
    pub(crate) offer: Option<String>,
}

/// What decided about one part of an action: the action itself, or something that a command needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ground {
    /// The part: `command`, `edit`, `network`, or a need as rules name it.
    pub(crate) what: String,
    /// What happens to it, if it were alone.
    pub(crate) verdict: Verdict,
    /// What made it so.
    pub(crate) cause: Cause,
    /// The rule or the grant's pattern.
    pub(crate) rule: Option<String>,
    /// The grant.
    pub(crate) grant: Option<GrantId>,
}

impl Ground {
    /// Returns the ground that a decision about a part gives.
    pub(crate) fn of(what: &str, decision: &Decision) -> Self {
        let Decision { verdict, cause, rule, grant, .. } = decision.clone();
        Self { what: what.to_owned(), verdict, cause, rule, grant }
    }
}

impl Decision {
    /// The decision about what touches nothing outside the session.
    pub(crate) fn harmless() -> Self {
        let reason = "it touches nothing".to_owned();
        Self {
            verdict: Verdict::Allow,
            cause: Cause::Profile,
            reason,
            rule: None,
            grant: None,
            grounds: Vec::new(),
            offer: None,
        }
    }
}
