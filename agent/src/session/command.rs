//! What a session can be told, and the handle to tell it. Not here: what it does then.
use std::time::Duration;

use tenon_protocol::answer::AnswerParams;
use tenon_protocol::apply::{ApplyParams, ApplyResult, RevertParams, RevertResult};
use tenon_protocol::configure::ConfigureResult;
use tenon_protocol::error::{ErrorKind, RpcError};
use tenon_protocol::event::session::By;
use tenon_protocol::ids::{JobId, SessionId};
use tenon_protocol::job::{JobParams, JobResult, RunParams, RunResult};
use tenon_protocol::open::{CloseHow, OpenResult, SeqResult};
use tenon_protocol::plan::{PlanParams, PlanResult};
use tenon_protocol::prompt::{
    InterruptParams, InterruptResult, PendingParams, PendingResult, PromptParams, PromptResult,
};
use tenon_protocol::request::RequestItem;
use tenon_protocol::session::{SessionItem, Settings};
use tokio::sync::{mpsc, oneshot};

use crate::config::environment::Variables;
use crate::config::tree::Changes;
use crate::session::jobs::{SettledJob, WhichJobs};
use crate::session::testing::TestedApply;
use crate::turn::ports::{Answer, BeginFailure, CallView, Ended, Fact, PortClosed, TurnEnd, View};

/// Commands that wait for an actor. It answers each within a commit, so a long queue means a stalled disk.
pub(crate) const COMMANDS_LEN_MAX: usize = 256;

/// The way back of a command.
pub(crate) type Reply<T> = oneshot::Sender<T>;

/// What a session can be told.
#[derive(Debug)]
pub(crate) enum Command {
    /// A client attaches: take its environment and settings, return the picture.
    Attach {
        variables: Variables,
        settings: Option<Settings>,
        title: Option<String>,
        reply: Reply<Result<OpenResult, RpcError>>,
    },
    /// A message.
    Prompt {
        params: PromptParams,
        by: Option<By>,
        /// The connection it came over.
        connection: u64,
        reply: Reply<Result<PromptResult, RpcError>>,
    },
    /// The goal of a plan.
    Plan {
        params: PlanParams,
        by: Option<By>,
        /// The connection it came over.
        connection: u64,
        reply: Reply<Result<PlanResult, RpcError>>,
    },
    /// Apply what is staged, or drop it.
    Apply { params: ApplyParams, reply: Reply<Result<ApplyResult, RpcError>> },
    /// The tests of an apply have ended.
    Tested(Box<TestedApply>),
    /// Change a message that waits.
    Pending { params: PendingParams, by: Option<By>, reply: Reply<Result<PendingResult, RpcError>> },
    /// Interrupt the turn.
    Interrupt { params: InterruptParams, reply: Reply<Result<InterruptResult, RpcError>> },
    /// Answer a request.
    Answer { params: AnswerParams, by: Option<By>, reply: Reply<Result<SeqResult, RpcError>> },
    /// Read the settings as a layer of the configuration, changed first.
    Configure {
        changes: Option<Changes>,
        if_rev: Option<String>,
        explain: Option<String>,
        variables: Variables,
        reply: Reply<Result<ConfigureResult, RpcError>>,
    },
    /// Go back.
    Revert { params: RevertParams, by: Option<By>, reply: Reply<Result<RevertResult, RpcError>> },
    /// Archive it.
    Archive { how: CloseHow, reply: Reply<Result<SeqResult, RpcError>> },
    /// Leave memory, if it is at rest: the answer is what clients brought, and the actor is gone then. `None` if it stays.
    Leave { reply: Reply<Option<Variables>> },
    /// Run a person's command.
    Run { params: RunParams, by: Option<By>, reply: Reply<Result<RunResult, RpcError>> },
    /// Tell a job what to do.
    Job { params: JobParams, reply: Reply<Result<JobResult, RpcError>> },
    /// End jobs; answered with whether there were any.
    EndJobs { which: WhichJobs, reply: Reply<bool> },
    /// A job ended.
    JobEnded { job_id: JobId, settled: Box<SettledJob> },
    /// Return the list entry.
    Item { reply: Reply<SessionItem> },
    /// From the running turn.
    Turn(TurnCommand),
    /// The running turn's task ended without ending the turn.
    TurnLost(String),
}

/// What a running turn tells its session.
#[derive(Debug)]
pub(crate) enum TurnCommand {
    /// Record facts.
    Commit { facts: Vec<Fact>, reply: Reply<Result<(), PortClosed>> },
    /// A try begins.
    BeginAttempt { step: u32, attempt: u32, reply: Reply<Result<View, BeginFailure>> },
    /// Open a request; answered when a person has decided.
    Ask { request: Box<RequestItem>, reply: Reply<Answer> },
    /// What a call is decided with and run in.
    CallView { reply: Reply<CallView> },
    /// How long the turn has waited for people.
    Waited { reply: Reply<Duration> },
    /// End the turn.
    End { end: TurnEnd, reply: Reply<Result<Ended, PortClosed>> },
}

/// Reaches a session's actor. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct SessionHandle {
    /// The session.
    pub(crate) id: SessionId,
    pub(crate) commands: mpsc::Sender<Command>,
}

impl SessionHandle {
    /// Sends a command and waits for its answer.
    pub(crate) async fn call<T>(&self, make: impl FnOnce(Reply<T>) -> Command) -> Result<T, RpcError> {
        let (reply, answer) = oneshot::channel();
        let gone = || RpcError::new(ErrorKind::Internal, format!("session {} is not reachable", self.id));
        self.commands.send(make(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }

    /// Tells whether the actor is gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.commands.is_closed()
    }
}
