//! Performs what the machine decides. Not here: deciding (`machine`), recording (`ports`).
//!
//! Everything that takes time runs as a task owned by the runner: a try, a call, a wait, a question. A task that panics fails
//! that call or try alone. Dropping the runner drops its tasks, and the next start takes the turn up from the log.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tenon_protocol::event::turn::{ProviderFailure, Stop};
use tenon_protocol::ids::{CallId, RequestId};
use tenon_protocol::request::{RequestItem, RequestKind, RequestOption, Scope, Subject};
use tenon_protocol::tool::CallStatus;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::base::clock::{SharedClock, Sleep, Timestamp};
use crate::base::{ids, task};
use crate::providers::ProviderErrorKind;
use crate::tools::settling::Settling;
use crate::tools::{Boxed, Outcome, Registry};
use crate::turn::attempt::{Attempt, AttemptEnd, Proposal};
use crate::turn::call;
use crate::turn::machine::{Effect, Ending, Input, Machine, Order};
use crate::turn::ports::{BeginFailure, Ended, PortClosed, Ports, TurnEnd};
use crate::turn::retry::{self, Budget};

/// Complete calls that wait for the runner; the stream stands still beyond it.
const PROPOSALS_LEN_MAX: usize = 16;

/// How long an interrupted turn waits for its tasks to record what they have. They are dropped after it.
const GRACE: Duration = Duration::from_secs(3);

/// What a turn works with.
#[derive(Clone, Debug)]
pub(crate) struct TurnSettings {
    /// Steps before it asks whether to go on.
    pub(crate) steps_max: u32,
    /// What a step's tries may cost.
    pub(crate) retry: Budget,
    /// How long it may take, waiting for people not counted.
    pub(crate) timeout: Duration,
}

/// Which task ended.
#[derive(Clone, Debug)]
enum Work {
    Attempt,
    Call(CallId),
    Other,
}

/// What a task ends with.
#[derive(Debug)]
enum Report {
    Whole { refused: bool, cut: bool },
    Failed { wait: Option<Duration>, failure: ProviderFailure },
    LimitReached(&'static str),
    Cancelled,
    Settled(CallId),
    LimitAnswered(u32),
    Waited,
}

type Running =
    FuturesUnordered<Boxed<'static, (Work, Result<Result<Report, PortClosed>, task::TaskFailure>)>>;

/// Why a turn is cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Interrupted,
    Limit(&'static str),
}

/// A turn on its way.
#[derive(Debug)]
pub(crate) struct Runner {
    ports: Arc<dyn Ports>,
    registry: Registry,
    clock: SharedClock,
    settings: TurnSettings,
    machine: Machine,
    /// Calls by id, until they run.
    proposals: BTreeMap<CallId, Proposal>,
    /// Is cancelled when everything of the turn has to end.
    cancel: CancellationToken,
    /// Is cancelled when the calls of the present try have to end; a child of `cancel`.
    cancel_step: CancellationToken,
    /// What must not be dropped in the middle.
    settling: Settling,
    running: Running,
    proposed: (mpsc::Sender<Proposal>, mpsc::Receiver<Proposal>),
    step_began: Option<Timestamp>,
    failure: Option<ProviderFailure>,
    cut_answer: bool,
    cut: Option<Cut>,
}

impl Runner {
    /// Makes a runner; `pending` are calls that the machine knows from the log.
    pub(crate) fn new(
        ports: Arc<dyn Ports>,
        registry: Registry,
        clock: SharedClock,
        settings: TurnSettings,
        machine: Machine,
        pending: Vec<Proposal>,
    ) -> Self {
        let cancel = CancellationToken::new();
        Self {
            ports,
            registry,
            clock,
            settings,
            machine,
            proposals: pending.into_iter().map(|proposal| (proposal.id.clone(), proposal)).collect(),
            cancel_step: cancel.child_token(),
            cancel,
            settling: Settling::default(),
            running: FuturesUnordered::new(),
            proposed: mpsc::channel(PROPOSALS_LEN_MAX),
            step_began: None,
            failure: None,
            cut_answer: false,
            cut: None,
        }
    }

    /// Runs the turn to its end, or until `interrupt` is cancelled. A closed port stops it where it stands.
    pub(crate) async fn run(mut self, interrupt: CancellationToken) -> Result<(), PortClosed> {
        let mut deadline = self.clock.sleep(self.settings.timeout);
        let mut waited = Duration::ZERO;
        let mut inputs = vec![Input::Begin];
        loop {
            for input in inputs.drain(..) {
                if self.feed(input).await? {
                    return Ok(());
                }
            }
            tokio::select! {
                biased;
                () = interrupt.cancelled(), if self.cut.is_none() => {
                    self.cut_short(Cut::Interrupted).await;
                    inputs.push(Input::Interrupted);
                }
                () = &mut deadline, if self.cut.is_none() => {
                    if let Some(more) = self.overtime(&mut waited).await? {
                        deadline = more;
                    } else {
                        self.cut_short(Cut::Limit("turnTimeoutS")).await;
                        inputs.push(Input::Interrupted);
                    }
                }
                Some(proposal) = self.proposed.1.recv() => inputs.push(self.note(proposal)),
                Some((work, ended)) = self.running.next() => {
                    // A try's proposals are all sent before it ends, and have to be taken in before its end.
                    while let Ok(proposal) = self.proposed.1.try_recv() {
                        let input = self.note(proposal);
                        inputs.push(input);
                    }
                    inputs.extend(self.report(work, ended).await?);
                }
            }
        }
    }

    /// Returns a new deadline if people made the turn wait, `None` if its time is up.
    async fn overtime(&mut self, waited: &mut Duration) -> Result<Option<Sleep>, PortClosed> {
        let total = self.ports.waited().await?;
        let more = total.saturating_sub(*waited);
        *waited = total;
        Ok((!more.is_zero()).then(|| self.clock.sleep(more)))
    }

    /// Ends all tasks: they record what they have; what does not within the grace is dropped, unless it is bringing in what a
    /// command wrote: that would be lost, or half done.
    async fn cut_short(&mut self, cut: Cut) {
        self.cut = Some(cut);
        self.cancel.cancel();
        let mut grace = self.clock.sleep(GRACE);
        loop {
            tokio::select! {
                biased;
                ended = self.running.next() => if ended.is_none() { break },
                // Nobody may stand still on a full channel.
                _ = self.proposed.1.recv() => {}
                () = &mut grace => {
                    if !self.settling.is_busy() {
                        break;
                    }
                    grace = self.clock.sleep(GRACE);
                }
            }
        }
        self.running = FuturesUnordered::new();
    }

    fn note(&mut self, proposal: Proposal) -> Input {
        let kind_reads = self.registry.get(&proposal.name).is_some_and(|tool| {
            use tenon_protocol::tool::ToolKind as Kind;
            matches!(tool.descriptor().kind, Kind::Read | Kind::Search)
        });
        let order = if kind_reads { Order::Parallel } else { Order::InTurn };
        let call = proposal.id.clone();
        self.proposals.insert(call.clone(), proposal);
        Input::Proposed { call, order }
    }

    /// Turns a task's end into what the machine is told.
    async fn report(
        &mut self,
        work: Work,
        ended: Result<Result<Report, PortClosed>, task::TaskFailure>,
    ) -> Result<Vec<Input>, PortClosed> {
        let report = match ended {
            Ok(report) => report?,
            Err(failure) => return self.crashed(work, &failure).await,
        };
        Ok(match report {
            Report::Whole { refused, cut } => {
                self.step_began = None;
                self.cut_answer = cut;
                vec![Input::AttemptOk { refused }]
            }
            Report::Failed { wait, failure } => {
                self.failure = Some(failure);
                vec![Input::AttemptFailed { wait }]
            }
            Report::LimitReached(limit) => {
                self.cut = Some(Cut::Limit(limit));
                vec![Input::Interrupted]
            }
            Report::Cancelled => Vec::new(),
            Report::Settled(call) => vec![Input::Settled(call)],
            Report::LimitAnswered(more) => vec![Input::LimitAnswered { more }],
            Report::Waited => vec![Input::Waited],
        })
    }

    /// A task panicked: the fault is ours, and it ends nothing but that call or try.
    async fn crashed(&mut self, work: Work, failure: &task::TaskFailure) -> Result<Vec<Input>, PortClosed> {
        tracing::error!(%failure, ?work, "a task of a turn crashed");
        match work {
            Work::Call(call) => {
                call::settle(
                    &*self.ports,
                    &call,
                    Outcome::failed("The tool crashed; this is a fault of the agent."),
                )
                .await?;
                Ok(vec![Input::Settled(call)])
            }
            Work::Attempt | Work::Other => {
                let message = "the agent failed while it spoke to the provider".to_owned();
                self.failure =
                    Some(ProviderFailure { kind: "internal".to_owned(), message, status: None, hint: None });
                Ok(vec![Input::AttemptFailed { wait: None }])
            }
        }
    }

    /// Feeds the machine and performs what it answers; tells whether the turn is over.
    async fn feed(&mut self, input: Input) -> Result<bool, PortClosed> {
        let mut effects: Vec<Effect> = self.machine.step(input);
        while !effects.is_empty() {
            let mut next = Vec::new();
            for effect in effects {
                match effect {
                    Effect::End(ending) => match self.end(ending).await? {
                        Ended::Over => return Ok(true),
                        Ended::SteersPending => next.extend(self.machine.step(Input::SteersPending)),
                    },
                    Effect::Withdraw(calls) => self.withdraw(calls).await?,
                    Effect::Refuse(call) => {
                        let text = "Refused: too many calls in one answer. Make the rest in the next one.";
                        call::settle(&*self.ports, &call, Outcome::failed(text)).await?;
                        next.extend(self.machine.step(Input::Settled(call)));
                    }
                    Effect::Dispatch { step, attempt } => self.dispatch(step, attempt),
                    Effect::Run(call) => self.start_call(&call),
                    Effect::Wait(wait) => self.wait(wait),
                    Effect::AskLimit => self.ask_limit(),
                }
            }
            effects = next;
        }
        Ok(false)
    }

    fn start(
        &mut self,
        work: Work,
        future: impl Future<Output = Result<Report, PortClosed>> + Send + 'static,
    ) {
        let task = task::spawn(future);
        self.running.push(Box::pin(async move { (work, task.await) }));
    }

    fn dispatch(&mut self, step: u32, attempt: u32) {
        if attempt == 1 {
            self.step_began = None;
        }
        self.cancel_step = self.cancel.child_token();
        let step_began = *self.step_began.get_or_insert_with(|| self.clock.now());
        let job = AttemptJob {
            ports: Arc::clone(&self.ports),
            registry: self.registry.clone(),
            clock: Arc::clone(&self.clock),
            cancel: self.cancel.clone(),
            proposed: self.proposed.0.clone(),
            budget: self.settings.retry,
            step_began,
            step,
            attempt,
        };
        self.start(Work::Attempt, job.run());
    }

    fn start_call(&mut self, id: &CallId) {
        let Some(proposal) = self.proposals.remove(id) else { return };
        let (ports, registry) = (Arc::clone(&self.ports), self.registry.clone());
        let clock = Arc::clone(&self.clock);
        let (cancel, call) = (self.cancel_step.clone(), id.clone());
        let settling = self.settling.clone();
        self.start(Work::Call(id.clone()), async move {
            call::run(ports, registry, clock, proposal, cancel, settling)
                .await
                .map(|()| Report::Settled(call))
        });
    }

    /// Ends the calls of an answer that failed and settles them, so that none is left open.
    async fn withdraw(&mut self, calls: Vec<CallId>) -> Result<(), PortClosed> {
        self.cancel_step.cancel();
        if self.cut.is_some() {
            // The end of the turn settles whatever is open.
            return Ok(());
        }
        for call in calls {
            self.proposals.remove(&call);
            let text = "Withdrawn: the answer it belonged to failed.";
            call::settle(&*self.ports, &call, Outcome::text(CallStatus::Interrupted, text)).await?;
        }
        Ok(())
    }

    fn wait(&mut self, wait: Duration) {
        let (sleep, cancel) = (self.clock.sleep(wait), self.cancel.clone());
        self.start(Work::Other, async move {
            tokio::select! {
                () = sleep => Ok(Report::Waited),
                () = cancel.cancelled() => Ok(Report::Cancelled),
            }
        });
    }

    fn ask_limit(&mut self) {
        let (ports, cancel) = (Arc::clone(&self.ports), self.cancel.clone());
        let steps = self.settings.steps_max;
        self.start(Work::Other, async move {
            let request = limit_request(&*ports, steps);
            tokio::select! {
                () = cancel.cancelled() => Ok(Report::Cancelled),
                answer = ports.ask(request) => {
                    let more = if answer?.decision == "allow" { steps } else { 0 };
                    Ok(Report::LimitAnswered(more))
                }
            }
        });
    }

    async fn end(&mut self, ending: Ending) -> Result<Ended, PortClosed> {
        let end = match (ending, self.cut) {
            (Ending::Interrupted, Some(Cut::Limit(limit))) => stop_limit(limit),
            (Ending::Interrupted, _) => TurnEnd { stop: Stop::Interrupted, error: None, limit: None },
            (Ending::Done, _) if self.cut_answer => stop_limit("output"),
            (Ending::Done, _) => TurnEnd { stop: Stop::Done, error: None, limit: None },
            (Ending::Refused, _) => TurnEnd { stop: Stop::Refused, error: None, limit: None },
            (Ending::Limit, _) => stop_limit("steps"),
            (Ending::Failed, _) => match self.failure.take() {
                Some(failure)
                    if failure.kind == crate::turn::failure::kind_name(ProviderErrorKind::OutputLimit) =>
                {
                    TurnEnd { stop: Stop::Limit, error: Some(failure), limit: Some("output".to_owned()) }
                }
                error => TurnEnd { stop: Stop::Failed, error, limit: None },
            },
        };
        self.ports.end(end).await
    }
}

fn stop_limit(limit: &str) -> TurnEnd {
    TurnEnd { stop: Stop::Limit, error: None, limit: Some(limit.to_owned()) }
}

fn limit_request(ports: &dyn Ports, steps: u32) -> RequestItem {
    let option = |id: &str, label: String| RequestOption {
        id: id.to_owned(),
        label,
        scope: Some(Scope::Once),
        pattern: None,
    };
    let request_id: RequestId = ids::new(ports.entropy());
    RequestItem {
        request_id,
        kind: RequestKind::Limit,
        title: format!("{steps} steps are used up: go on?"),
        subject: Subject::Limit { limit: "steps".to_owned(), value: f64::from(steps) },
        options: vec![
            option("allow", format!("Go on for {steps} more steps")),
            option("deny", "Stop here".to_owned()),
        ],
        session: ports.session().clone(),
        digest: None,
        call_id: None,
        turn: Some(ports.turn().clone()),
        reason: None,
    }
}

fn login_request(ports: &dyn Ports, provider: &str, how: String) -> RequestItem {
    RequestItem {
        request_id: ids::new(ports.entropy()),
        kind: RequestKind::Login,
        title: format!("{provider} needs a key before the turn can go on"),
        subject: Subject::Login { provider: provider.to_owned(), how },
        options: Vec::new(),
        session: ports.session().clone(),
        digest: None,
        call_id: None,
        turn: Some(ports.turn().clone()),
        reason: None,
    }
}

/// Everything one try needs, as its task owns it.
struct AttemptJob {
    ports: Arc<dyn Ports>,
    registry: Registry,
    clock: SharedClock,
    cancel: CancellationToken,
    proposed: mpsc::Sender<Proposal>,
    budget: Budget,
    step_began: Timestamp,
    step: u32,
    attempt: u32,
}

impl AttemptJob {
    async fn run(self) -> Result<Report, PortClosed> {
        let view = loop {
            let begun = tokio::select! {
                biased;
                // A try that is just beginning is closed by the end of the turn.
                () = self.cancel.cancelled() => return Ok(Report::Cancelled),
                begun = self.ports.begin_attempt(self.step, self.attempt) => begun,
            };
            match begun {
                Ok(view) => break view,
                Err(BeginFailure::Closed(closed)) => return Err(closed),
                Err(BeginFailure::Limit(limit)) => return Ok(Report::LimitReached(limit)),
                Err(BeginFailure::Unusable(message)) => {
                    let kind = "unusable".to_owned();
                    let failure = ProviderFailure { kind, message, status: None, hint: None };
                    return Ok(Report::Failed { wait: None, failure });
                }
                Err(BeginFailure::Login { provider, how }) => {
                    let request = login_request(&*self.ports, &provider, how);
                    tokio::select! {
                        () = self.cancel.cancelled() => return Ok(Report::Cancelled),
                        answer = self.ports.ask(request) => if answer?.decision == "deny" {
                            return Ok(Report::Failed { wait: None, failure: no_key(&provider) });
                        },
                    }
                }
            }
        };
        let mut attempt = Attempt::new(Arc::clone(&self.ports), self.registry.clone(), view);
        let proposed = self.proposed.clone();
        let propose = async move |proposal| {
            // The runner only goes away together with this task.
            let _gone = proposed.send(proposal).await;
        };
        match attempt.run(&self.cancel, propose).await? {
            AttemptEnd::Whole { refused, cut } => Ok(Report::Whole { refused, cut }),
            AttemptEnd::Cancelled => Ok(Report::Cancelled),
            AttemptEnd::Unreadable(failure) => Ok(Report::Failed { wait: None, failure }),
            AttemptEnd::Failed(error) => {
                let spent = self.clock.now().since(self.step_began);
                let fraction = self.ports.entropy().fraction();
                let wait = retry::plan(&error, self.attempt, spent, self.budget, fraction);
                let failure = attempt.failed(&error, wait, &self.clock).await?;
                Ok(Report::Failed { wait, failure })
            }
        }
    }
}

fn no_key(provider: &str) -> ProviderFailure {
    let message = format!("no key for {provider}");
    ProviderFailure { kind: "unauthorized".to_owned(), message, status: None, hint: None }
}
