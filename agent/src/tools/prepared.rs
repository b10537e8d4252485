//! What a tool says before and after it runs. Not here: any tool.
use std::fmt;

use tenon_protocol::apply::Selected;
use tenon_protocol::change::{Conflict, FileChange, Uncovered};
use tenon_protocol::content::Content;
use tenon_protocol::event::change::PlanStep;
use tenon_protocol::request::Subject;
use tenon_protocol::tool::{CallStatus, DeniedBy, EffectClass, PathIntent};

use crate::base::digest::Digest;
use crate::base::secret::Secrets;
use crate::sandbox::Needs;
use crate::tools::context::Begun;
use crate::tools::{Boxed, RunContext};

/// What a call touches, as far as policy is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Nothing outside the session.
    Nothing,
    /// Files of the workspace, by relative path; a directory stands for everything beneath it, `.` for the root.
    Read(Vec<String>),
    /// Files of the workspace that would be written.
    Write(Vec<String>),
    /// Hosts, by name in lower case or by address.
    Network(Vec<String>),
    /// A command for the shell.
    Command {
        /// Its text.
        command: String,
        /// What it needs beyond its confinement.
        needs: Needs,
    },
}

/// A call that is ready to be decided on: exactly what would happen.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// What it may do to the world.
    pub(crate) effect: EffectClass,
    /// What it touches.
    pub(crate) access: Access,
    /// What it would write, before and after.
    pub(crate) intent: Vec<PathIntent>,
    /// What a person is shown who is asked; absent for what nobody is ever asked about.
    pub(crate) subject: Option<Subject>,
    /// BLAKE3 of exactly what would run: an approval is bound to it.
    pub(crate) digest: Digest,
    /// The work itself.
    pub(crate) work: Box<dyn Work>,
}

impl Prepared {
    /// Returns the call as far as a person allowed it: these hunks of its edit, and nothing else.
    ///
    /// # Errors
    /// It is no edit, or nothing of it is left.
    pub(crate) fn only(self, select: &[Selected]) -> Result<Self, ToolFailure> {
        let Self { effect, access, subject, digest, work, .. } = self;
        let (work, intent) = work.only(select)?;
        Ok(Self { effect, access, intent, subject, digest, work })
    }

    /// Returns a call that changes nothing in the world, so that nobody need be asked.
    pub(super) fn pure(access: Access, digest: Digest, work: impl Work + 'static) -> Self {
        Self {
            effect: EffectClass::Pure,
            access,
            intent: Vec::new(),
            subject: None,
            digest,
            work: Box::new(work),
        }
    }
}

/// The second phase of a call.
pub(crate) trait Work: fmt::Debug + Send {
    /// Does it. Ends early, with what is there, when `context.cancel` is cancelled; dropping the future leaves nothing
    /// running.
    fn run(self: Box<Self>, context: RunContext) -> Boxed<'static, Outcome>;

    /// Returns what is left of it where only some hunks were allowed, with what that would write.
    ///
    /// # Errors
    /// It is no edit, or nothing of it is left.
    fn only(self: Box<Self>, _: &[Selected]) -> Result<(Box<dyn Work>, Vec<PathIntent>), ToolFailure> {
        Err(ToolFailure::new("this call is allowed whole or not at all"))
    }
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// How it ended.
    pub(crate) status: CallStatus,
    /// What the model is told.
    pub(crate) content: Vec<Content>,
    /// Where the whole output is, if `content` was cut.
    pub(crate) reference: Option<String>,
    /// For commands: the exit code.
    pub(crate) exit: Option<i32>,
    /// Files whose present content the model now knows.
    pub(crate) reads: Vec<(String, Digest)>,
    /// Files it changed; empty where it changed none.
    pub(crate) files: Vec<FileChange>,
    /// Folders that had to be made for them, outermost first.
    pub(crate) folders: Vec<String>,
    /// Files it staged, in a plan turn: none of them is written.
    pub(crate) staged: Option<StagedFiles>,
    /// What it changed and no change holds.
    pub(crate) uncovered: Vec<Uncovered>,
    /// Files that stayed as they are because somebody else changed them meanwhile.
    pub(crate) conflicts: Vec<Conflict>,
    /// The change, where it was recorded as begun.
    pub(crate) begun: Option<Begun>,
    /// The new steps of the plan, for the tool that keeps it.
    pub(crate) plan: Option<Vec<PlanStep>>,
    /// What refused it, where it never ran for that.
    pub(crate) denied_by: Option<DeniedBy>,
}

impl Outcome {
    /// Makes an outcome that is only a text.
    pub(crate) fn text(status: CallStatus, text: impl Into<String>) -> Self {
        Self {
            status,
            content: vec![Content::text(text)],
            reference: None,
            exit: None,
            reads: Vec::new(),
            files: Vec::new(),
            folders: Vec::new(),
            staged: None,
            uncovered: Vec::new(),
            conflicts: Vec::new(),
            begun: None,
            plan: None,
            denied_by: None,
        }
    }

    /// Makes the outcome of a call that was refused.
    pub(crate) fn denied(text: impl Into<String>, by: DeniedBy) -> Self {
        Self { denied_by: Some(by), ..Self::text(CallStatus::Denied, text) }
    }

    /// Returns the outcome with secrets taken out of what the model is told.
    pub(crate) fn without(mut self, secrets: &Secrets) -> Self {
        for content in &mut self.content {
            if let Content::Text { text } = content {
                *text = secrets.redact(std::mem::take(text));
            }
        }
        self
    }

    /// Makes a good outcome that is only a text.
    pub(crate) fn ok(text: impl Into<String>) -> Self {
        Self::text(CallStatus::Ok, text)
    }

    /// Makes a failure the model is told.
    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self::text(CallStatus::Failed, text)
    }
}

/// Files that a call staged.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StagedFiles {
    /// The files.
    pub(crate) files: Vec<FileChange>,
    /// The step of the plan that the call named.
    pub(crate) step: Option<String>,
}

/// Why a call cannot be prepared. The model is told exactly this, so it says what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ToolFailure(pub(crate) String);

impl ToolFailure {
    /// Makes a failure from a sentence.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}
