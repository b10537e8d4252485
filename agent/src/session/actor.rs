//! The actor: owns a session's state, appends to its log, and answers one command after the other. Not here: what each command
//! means (`admission`, `answers`, `ending`, …).
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tenon_protocol::cursor::Cursor;
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::event::all::{RequestAdded, RequestRemoved};
use tenon_protocol::event::session::SessionStateChanged;
use tenon_protocol::event::{Event, EventBody};
use tenon_protocol::ids::{JobId, RequestId, TurnId};
use tenon_protocol::request::Subject;
use tenon_protocol::session::SessionState;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::base::clock::Timestamp;
use crate::base::task::Task;
use crate::config::environment::Variables;
use crate::feed::SignalHub;
use crate::journal::{AppendError, Batch, Blobs, Committed, Draft, ItemKind, ItemWrite, LogId};
use crate::projections::line::line;
use crate::providers::Provider;
use crate::session::command::{Command, Reply};
use crate::session::held_apply::HeldApply;
use crate::session::hold::Held;
use crate::session::jobs::LiveJob;
use crate::session::large;
use crate::session::listing::Listing;
use crate::session::resources::Resources;
use crate::session::state::State;
use crate::session::testing::Testing;
use crate::session::world::World;
use crate::turn::ports::{Answer, Fact, Prefix};
use crate::workspace::root::Root;

/// The turn that runs now, as its actor holds it.
#[derive(Debug)]
pub(crate) struct LiveTurn {
    /// The turn.
    pub(crate) id: TurnId,
    /// Cancelled to interrupt it.
    pub(crate) interrupt: CancellationToken,
    /// Whether what its interrupted command wrote is dropped.
    pub(crate) drops: bool,
    /// The task, once it runs; dropping it drops everything the turn runs.
    pub(crate) task: Option<Task<()>>,
    /// Who waits for which answer.
    pub(crate) asking: BTreeMap<RequestId, Vec<Reply<Answer>>>,
    /// How long it has waited for people, and since when it does now.
    pub(crate) waited: (Duration, Option<Timestamp>),
    /// The try that waits to begin, while turns stand still.
    pub(crate) held: Option<Held>,
}

impl LiveTurn {
    /// Makes a turn whose task does not run yet.
    pub(crate) fn new(id: TurnId) -> Self {
        Self {
            id,
            interrupt: CancellationToken::new(),
            drops: false,
            task: None,
            asking: BTreeMap::new(),
            waited: (Duration::ZERO, None),
            held: None,
        }
    }
}

/// One session, alive.
pub(crate) struct Actor {
    pub(crate) resources: Arc<Resources>,
    pub(crate) state: State,
    pub(crate) root: Arc<Root>,
    pub(crate) world: World,
    /// What clients sent in `$/environment` last; empty until one did.
    pub(crate) brought: Variables,
    pub(crate) prefix: Option<Arc<Prefix>>,
    /// The provider that was connected last, and for which model and key it was.
    pub(crate) provider: Option<(String, Arc<dyn Provider>)>,
    pub(crate) turn: Option<LiveTurn>,
    /// Applies that wait for an answer.
    pub(crate) held_applies: Vec<HeldApply>,
    /// The tests of a plan that run.
    pub(crate) testing: Option<Testing>,
    /// The jobs that run.
    pub(crate) jobs: BTreeMap<JobId, LiveJob>,
    pub(crate) signals: Arc<SignalHub>,
    pub(crate) commands: mpsc::Sender<Command>,
    mailbox: mpsc::Receiver<Command>,
    /// What the `all` log was told of the session.
    pub(crate) listing: Listing,
}

/// What goes into one transaction beside the session's own facts.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// Facts of the `all` log.
    pub(crate) machine: Vec<Fact>,
    /// List entries.
    pub(crate) items: Vec<ItemWrite>,
    /// Whether the log begins with this.
    pub(crate) create: bool,
}

impl Actor {
    /// Makes an actor around a loaded or new state.
    pub(crate) fn new(
        resources: Arc<Resources>,
        state: State,
        root: Arc<Root>,
        world: World,
        (commands, mailbox): (mpsc::Sender<Command>, mpsc::Receiver<Command>),
    ) -> Self {
        let signals = resources.feed.hub(&LogId::Session(state.id.clone()));
        Self {
            listing: Listing::new(state.listed.item.clone()),
            resources,
            state,
            root,
            world,
            brought: Variables::new(),
            prefix: None,
            provider: None,
            turn: None,
            held_applies: Vec::new(),
            testing: None,
            jobs: BTreeMap::new(),
            signals,
            commands,
            mailbox,
        }
    }

    /// Runs until `leave` is cancelled or the session is closed or deleted.
    pub(crate) async fn run(mut self, leave: CancellationToken) {
        let mut trusted = self.resources.standing.trusted.subscribe();
        let mut hold = self.resources.hold.subscribe();
        let mut unsaved = self.resources.board.unsaved.subscribe();
        // What a restart left open is looked at once.
        unsaved.mark_changed();
        let mut files = self.resources.files.changes();
        loop {
            let told = tokio::select! {
                biased;
                () = leave.cancelled() => break,
                command = self.mailbox.recv() => match command {
                    Some(Command::Leave { reply }) if self.rests() => {
                        if self.listing.holds_back() && self.list_again().await.is_err() {
                            break;
                        }
                        respond_plain(reply, Some(std::mem::take(&mut self.brought))).ok();
                        break;
                    }
                    Some(command) => self.handle(command).await,
                    None => break,
                },
                Ok(()) = trusted.changed() => self.trust_changed().await,
                Ok(()) = unsaved.changed() => self.unsaved_changed().await,
                Ok(()) = hold.changed() => self.hold_changed().await,
                Ok(()) = files.changed() => self.keys_changed().await,
                () = self.listing.alarm() => self.list_again().await,
            };
            if told.is_err() {
                // The log takes nothing more: whoever asks is told, and the next start takes the session up.
                break;
            }
        }
    }

    async fn handle(&mut self, command: Command) -> Result<(), AppendError> {
        match command {
            Command::Attach { variables, settings, title, reply } => {
                respond(reply, self.attach(variables, settings, title).await)
            }
            Command::Prompt { params, by, connection, reply } => {
                respond(reply, self.prompt(params, by, connection).await)
            }
            Command::Plan { params, by, connection, reply } => {
                respond(reply, self.plan(params, by, connection).await)
            }
            Command::Apply { params, reply } => self.apply_or_ask(params, reply).await,
            Command::Pending { params, by, reply } => respond(reply, self.change_pending(params, by).await),
            Command::Interrupt { params, reply } => respond_plain(reply, self.interrupt(&params)),
            Command::Answer { params, by, reply } => respond(reply, self.answer(params, by).await),
            Command::Configure { changes, if_rev, explain, variables, reply } => {
                respond(reply, self.configure(changes, if_rev, explain, variables).await)
            }
            Command::Revert { params, by, reply } => respond(reply, self.revert(params, by).await),
            Command::Archive { how, reply } => respond(reply, self.archive(how).await),
            Command::Leave { reply } => respond_plain(reply, None),
            Command::Run { params, by, reply } => respond(reply, self.run_job(params, by).await),
            Command::Job { params, reply } => self.tell_job(params, reply).await,
            Command::EndJobs { which, reply } => respond_plain(reply, self.end_jobs(which)),
            Command::Tested(tested) => self.tested(*tested).await,
            Command::JobEnded { job_id, settled } => self.job_ended(job_id, *settled).await,
            Command::Item { reply } => respond_plain(reply, self.state.listed.item.clone()),
            Command::Turn(command) => self.handle_turn(command).await,
            Command::TurnLost(reason) => self.turn_lost(&reason).await,
        }
    }

    /// Returns the store of blobs as this session uses it: what it stores is kept until the log names it, or the turn ends.
    pub(crate) fn blobs(&self) -> Blobs {
        self.resources.journal.blobs().of(LogId::Session(self.state.id.clone()))
    }

    /// Tells whether the log holds all there is to know: nothing runs, and nothing waits to run.
    fn rests(&self) -> bool {
        let is_idle = self.turn.is_none() && self.state.turn.is_none() && self.state.waiting.len() == 0;
        is_idle
            && self.held_applies.is_empty()
            && self.testing.is_none()
            && self.jobs.is_empty()
            && self.state.jobs.is_empty()
    }

    /// Commits facts of the session. They and what follows from them (the list entry, the session's state, requests in the
    /// `all` log) are one transaction; when this returns everybody may see them.
    pub(crate) async fn commit(&mut self, facts: Vec<Fact>) -> Result<(), AppendError> {
        self.commit_with(facts, Beside::default()).await
    }

    /// Commits facts of the session and more beside them, as one transaction.
    pub(crate) async fn commit_with(
        &mut self,
        mut facts: Vec<Fact>,
        mut beside: Beside,
    ) -> Result<(), AppendError> {
        large::lighten(&self.blobs(), &mut facts).await?;
        let now = self.resources.clock.now();
        let turn = self.turn_of(&facts);
        let listed = self.foresee(&mut facts, now);
        self.requests_beside(&facts, &mut beside);
        self.jobs_beside(&facts, &now.to_rfc3339(), &mut beside);
        let step = self.list(now, &listed.item, &mut beside);
        let privates: Vec<Option<Vec<u8>>> = facts.iter().map(|fact| fact.private.clone()).collect();
        let batch = Batch {
            log: LogId::Session(self.state.id.clone()),
            create: beside.create,
            drafts: facts.into_iter().map(|fact| draft(fact, turn.clone())).collect(),
            machine: beside.machine.into_iter().map(|fact| draft(fact, None)).collect(),
            items: beside.items,
        };
        let committed = self.resources.journal.append(batch).await?;
        self.take_in(&committed, &privates);
        self.listed(now, listed.item, step);
        self.count();
        Ok(())
    }

    /// Keeps the daemon's count of sessions that run.
    pub(crate) fn count(&self) {
        let stands = self.turn.as_ref().is_some_and(|turn| turn.held.is_some());
        let runs = self.state.state() == SessionState::Running && !stands;
        self.resources.running.send_if_modified(|running| {
            let changes = running.contains(&self.state.id) != runs;
            if changes && runs {
                Arc::make_mut(running).insert(self.state.id.clone());
            } else if changes {
                Arc::make_mut(running).remove(&self.state.id);
            }
            changes
        });
    }

    fn take_in(&mut self, committed: &Committed<Vec<Event>>, privates: &[Option<Vec<u8>>]) {
        for (event, private) in committed.iter().zip(privates) {
            self.state.apply(event, private.as_deref());
        }
    }

    /// Returns the turn that the facts belong to: the running one, or the one that they start.
    fn turn_of(&self, facts: &[Fact]) -> Option<TurnId> {
        let started = facts.iter().find_map(|fact| {
            if let EventBody::PromptAdmitted(prompt) = &fact.body { prompt.turn_id.clone() } else { None }
        });
        self.turn
            .as_ref()
            .map(|turn| turn.id.clone())
            .or(started)
            .or_else(|| self.state.turn.as_ref().map(|turn| turn.id.clone()))
    }

    /// Returns the list entry as it will be, and adds the session's new state to the facts where it changes.
    fn foresee(&self, facts: &mut Vec<Fact>, now: Timestamp) -> crate::projections::listed::Listed {
        let at = now.to_rfc3339();
        let mut listed = self.state.listed.clone();
        let mut head = self.state.head;
        let mut apply = |listed: &mut crate::projections::listed::Listed, body: &EventBody| {
            head = Cursor { epoch: head.epoch, seq: head.seq + 1 };
            listed.apply(body, &at, head);
        };
        for fact in facts.iter() {
            apply(&mut listed, &fact.body);
        }
        let state = listed.item.state;
        if state != self.state.told && state != SessionState::Closed {
            let told = EventBody::from(SessionStateChanged { state });
            apply(&mut listed, &told);
            facts.push(Fact { body: told, private: None });
        }
        listed
    }

    fn requests_beside(&self, facts: &[Fact], beside: &mut Beside) {
        for fact in facts {
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "only requests and keys have entries of their own"
            )]
            match &fact.body {
                EventBody::RequestOpened(item) => {
                    beside.items.push(ItemWrite {
                        kind: ItemKind::Request,
                        id: item.request_id.to_string(),
                        group: self.state.id.to_string(),
                        json: serde_json::to_string(item).ok(),
                    });
                    if !self.state.ephemeral {
                        beside.machine.push(Fact::new(RequestAdded { item: item.clone() }));
                    }
                    if let Subject::Login { provider, how } = &item.subject {
                        beside.machine.push(self.needs_key(provider, how));
                    }
                }
                EventBody::TurnEnded(ended) => {
                    beside.machine.extend(ended.error.as_ref().and_then(|error| self.key_refused(error)));
                }
                EventBody::RequestResolved(resolved) => {
                    beside.items.push(ItemWrite {
                        kind: ItemKind::Request,
                        id: resolved.request_id.to_string(),
                        group: self.state.id.to_string(),
                        json: None,
                    });
                    beside.items.push(ItemWrite {
                        kind: ItemKind::Answered,
                        id: resolved.request_id.to_string(),
                        group: self.state.id.to_string(),
                        json: serde_json::to_string(resolved).ok(),
                    });
                    let request_id = resolved.request_id.clone();
                    if !self.state.ephemeral {
                        beside.machine.push(Fact::new(RequestRemoved { request_id }));
                    }
                }
                _ => {}
            }
        }
    }
}

/// Makes the draft of a fact.
pub(crate) fn draft(fact: Fact, turn: Option<TurnId>) -> Draft {
    Draft { turn, text: line(&fact.body), body: fact.body, private: fact.private }
}

/// Why a command was not done: the client's business, or the log's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The client is told; the session goes on.
    #[error(transparent)]
    Client(#[from] RpcError),
    /// The log took nothing.
    #[error(transparent)]
    Log(#[from] AppendError),
}

/// Answers a command; only a log that cannot go on stops the actor.
pub(crate) fn respond<T>(
    reply: Reply<Result<T, RpcError>>,
    result: Result<T, Refusal>,
) -> Result<(), AppendError> {
    let (answer, stop) = match result {
        Ok(value) => (Ok(value), None),
        Err(Refusal::Client(error)) => (Err(error), None),
        Err(Refusal::Log(error)) => (Err(storage(&error)), Some(error)),
    };
    respond_plain(reply, answer)?;
    match stop {
        Some(error @ (AppendError::Fenced | AppendError::Closed)) => Err(error),
        _ => Ok(()),
    }
}

/// Whoever asked may be gone; that is its own business.
#[expect(clippy::unnecessary_wraps, reason = "stands beside `respond` in one match")]
pub(crate) fn respond_plain<T>(reply: Reply<T>, value: T) -> Result<(), AppendError> {
    let _gone = reply.send(value);
    Ok(())
}

/// Returns what a client is told when the log takes nothing.
pub(crate) fn storage(error: &AppendError) -> RpcError {
    let kind = match error {
        AppendError::StorageFull => ErrorKind::StorageFull,
        AppendError::StorageBusy => ErrorKind::StorageBusy,
        AppendError::TooLarge { .. } => {
            let told = RpcError::new(ErrorKind::Failed, error.to_string()).retry(Retry::Never);
            return told.hint("say it in less, or put what is large into a file of the workspace");
        }
        AppendError::Fenced
        | AppendError::NoLog(_)
        | AppendError::LogExists(_)
        | AppendError::Unserialisable(..)
        | AppendError::Content(_)
        | AppendError::Closed
        | AppendError::Storage(_) => ErrorKind::Internal,
    };
    RpcError::new(kind, error.to_string())
}

impl std::fmt::Debug for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Actor")
            .field("session", &self.state.id)
            .field("head", &self.state.head)
            .finish_non_exhaustive()
    }
}
