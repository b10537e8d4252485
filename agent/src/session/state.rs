//! The session's state: a fold of its events, and nothing else. Not here: decisions.
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tenon_protocol::apply::Selected;
use tenon_protocol::cursor::Cursor;
use tenon_protocol::event::change::{ChangeApplied, ChangeStarted};
use tenon_protocol::event::context::ContextSet;
use tenon_protocol::event::message::MessageRole;
use tenon_protocol::event::prompt::PromptAdmitted;
use tenon_protocol::event::session::{By, SessionCreated, SessionReverted};
use tenon_protocol::event::{Event, EventBody};
use tenon_protocol::ids::{CallId, ChangeId, JobId, MessageId, PlanId, RequestId, SessionId, TurnId};
use tenon_protocol::job::JobItem;
use tenon_protocol::model::Usage;
use tenon_protocol::request::{RequestItem, Scope};
use tenon_protocol::session::{SessionState, Settings};

use crate::changes::read_set::ReadSet;
use crate::projections::listed::Listed;
use crate::projections::reads::Reads;
use crate::projections::transcript::Transcript;
use crate::projections::turn::OpenTurn;
use crate::projections::waiting::Waiting;
use crate::session::jobs;
use crate::session::meanwhile::Meanwhile;
use crate::session::plans::{self, Plans};
use crate::session::revert::Reverting;
use crate::workspace::path::RelPath;

/// Keys of prompts that are remembered. A client repeats a prompt within moments, not after a thousand others.
const KEYS_MAX: usize = 1_000;

/// What a prompt with a key was told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Keyed {
    /// The client's key.
    pub(crate) key: String,
    /// The message.
    pub(crate) message_id: MessageId,
    /// The turn it started or joins.
    pub(crate) turn_id: Option<TurnId>,
    /// Its place in the queue.
    pub(crate) position: Option<u64>,
    /// The plan whose goal it is.
    pub(crate) plan_id: Option<PlanId>,
    /// The event that admitted it.
    pub(crate) seq: u64,
}

/// What a request came to, as long as its turn runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resolved {
    /// The request.
    pub(crate) item: RequestItem,
    /// The decision's word.
    pub(crate) decision: String,
    /// The reason that was given.
    pub(crate) note: Option<String>,
    /// The hunks that were allowed, where not all of the edit was.
    pub(crate) select: Option<Vec<Selected>>,
    /// Who answered.
    pub(crate) by: Option<By>,
}

/// Where the plan or todo list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlanPlace {
    /// Its id.
    pub(crate) id: PlanId,
    /// Its revision.
    pub(crate) rev: u64,
    /// The event that holds its steps.
    pub(crate) seq: u64,
}

/// A session, folded from its log.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// The session.
    pub(crate) id: SessionId,
    /// The end of its log.
    pub(crate) head: Cursor,
    /// Its entry in lists: title, workspace, what it does now.
    pub(crate) listed: Listed,
    /// Settings in force.
    pub(crate) settings: Settings,
    /// The variables of its children.
    pub(crate) environment: Arc<BTreeMap<String, String>>,
    /// Whether it ends with the daemon.
    pub(crate) ephemeral: bool,
    /// Whether it is archived.
    pub(crate) closed: bool,
    /// What it does, as last told.
    pub(crate) told: SessionState,
    /// The conversation.
    pub(crate) transcript: Arc<Transcript>,
    /// The turn that runs.
    pub(crate) turn: Option<OpenTurn>,
    /// Messages that wait.
    pub(crate) waiting: Waiting,
    /// Results by client key, oldest first.
    pub(crate) keys: VecDeque<Keyed>,
    /// Requests nobody answered yet.
    pub(crate) requests: BTreeMap<RequestId, RequestItem>,
    /// Requests of this session that were answered, newest last.
    pub(crate) resolved: VecDeque<Resolved>,
    /// What precedes the conversation.
    pub(crate) context: Option<ContextSet>,
    /// What the model has seen of which file.
    pub(crate) reads: Arc<ReadSet>,
    /// Patterns that were granted for the session.
    pub(crate) grants: Vec<String>,
    /// Patterns that were refused for the session.
    pub(crate) refusals: Vec<String>,
    /// The revert that is announced and not settled.
    pub(crate) reverting: Option<Box<Reverting>>,
    /// The todo list.
    pub(crate) plan: Option<PlanPlace>,
    /// What is planned and staged.
    pub(crate) plans: Plans,
    /// The change that is announced and not settled.
    pub(crate) writing: Option<ChangeStarted>,
    /// Usage so far.
    pub(crate) usage: Usage,
    /// How many events a picture could show. They themselves are read from the log when somebody wants to see them.
    pub(crate) shown: u64,
    /// Jobs that run.
    pub(crate) jobs: BTreeMap<JobId, JobItem>,
    /// What the session itself wrote while they run.
    pub(crate) meanwhile: Meanwhile,
    /// What happened beside the conversation (a job printed, a plan was applied, files were taken back), for the model with the
    /// next message.
    pub(crate) shared: VecDeque<String>,
}

/// What waits to be shown to the model: of more the oldest are left out.
const SHARED_MAX: usize = 8;

/// Answered requests that are remembered, so that a second answer learns who was first.
const RESOLVED_MAX: usize = 256;

impl State {
    /// Makes the state before the first event.
    pub(crate) fn new(id: SessionId, epoch: u64) -> Self {
        Self {
            head: Cursor { epoch, seq: 0 },
            listed: Listed::new(id.clone(), epoch),
            id,
            settings: Settings::default(),
            environment: Arc::default(),
            ephemeral: false,
            closed: false,
            told: SessionState::Idle,
            transcript: Arc::default(),
            turn: None,
            waiting: Waiting::default(),
            keys: VecDeque::new(),
            requests: BTreeMap::new(),
            resolved: VecDeque::new(),
            context: None,
            reads: Arc::default(),
            grants: Vec::new(),
            refusals: Vec::new(),
            reverting: None,
            plan: None,
            plans: Plans::default(),
            writing: None,
            usage: Usage::default(),
            shown: 0,
            jobs: BTreeMap::new(),
            meanwhile: Meanwhile::default(),
            shared: VecDeque::new(),
        }
    }

    /// Takes in an event, with its private column.
    pub(crate) fn apply(&mut self, event: &Event, private: Option<&[u8]>) {
        self.head = Cursor { epoch: event.epoch, seq: event.seq };
        self.listed.apply(&event.body, &event.at, self.head);
        self.apply_transcript(event, private);
        if let Some(turn) = &mut self.turn {
            turn.apply(&event.body);
        }
        self.waiting.apply(&event.body);
        self.shown += u64::from(is_shown(&event.body));
        self.meanwhile.apply(&event.body);
        self.apply_job(event);
        self.plans.apply(&event.body, event.seq);
        self.apply_session(event);
        self.apply_work(event, private);
    }

    fn apply_transcript(&mut self, event: &Event, private: Option<&[u8]>) {
        let transcript = Arc::make_mut(&mut self.transcript);
        let before = event.seq.saturating_sub(1);
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "these two are about places in the conversation; the rest is what is said in it"
        )]
        match &event.body {
            EventBody::TurnStarted(_) => transcript.mark(before),
            EventBody::SessionReverted(SessionReverted { at: Some(at), .. }) => {
                transcript.mark(before);
                transcript.go_to(*at);
                // What was read in the part that is gone is not known any more.
                self.reads = Arc::default();
            }
            _ => transcript.apply(&event.body, private),
        }
    }

    fn apply_session(&mut self, event: &Event) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a fold takes what it is about; other events leave it alone"
        )]
        match &event.body {
            EventBody::SessionCreated(created) => self.created(created),
            EventBody::SessionChanged(changed) => {
                if let Some(settings) = &changed.settings {
                    self.settings.clone_from(settings);
                }
                if let Some(environment) = &changed.environment {
                    self.environment = Arc::new(environment.clone());
                }
            }
            EventBody::SessionStateChanged(state) => self.told = state.state,
            EventBody::SessionClosed(_) => self.closed = true,
            EventBody::ContextSet(context) => self.context = Some(context.clone()),
            EventBody::RequestOpened(request) => {
                self.requests.insert(request.request_id.clone(), request.clone());
            }
            EventBody::RequestResolved(resolved) => {
                if let Some(item) = self.requests.remove(&resolved.request_id) {
                    let (decision, note) = (resolved.decision.clone(), resolved.note.clone());
                    if resolved.scope == Some(Scope::Session) {
                        let patterns =
                            if resolved.decision == "never" { &mut self.refusals } else { &mut self.grants };
                        let lines = resolved.pattern.iter().flat_map(|pattern| pattern.lines());
                        patterns.extend(lines.map(str::to_owned));
                    }
                    bounded_push(
                        &mut self.resolved,
                        RESOLVED_MAX,
                        Resolved {
                            item,
                            decision,
                            note,
                            select: resolved.select.clone(),
                            by: resolved.by.clone(),
                        },
                    );
                }
            }
            _ => {}
        }
    }

    fn created(&mut self, created: &SessionCreated) {
        self.settings = created.settings.clone();
        self.environment = Arc::new(created.environment.clone());
        self.ephemeral = created.ephemeral == Some(true);
    }

    fn is_of_command(&self, change: &ChangeApplied) -> bool {
        let call = change.call_id.as_ref();
        self.turn.as_ref().zip(call).is_some_and(|(turn, call)| turn.is_command(call))
    }

    fn apply_work(&mut self, event: &Event, private: Option<&[u8]>) {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a fold takes what it is about; other events leave it alone"
        )]
        match &event.body {
            EventBody::PromptAdmitted(prompt) => self.admitted(prompt, event.seq),
            EventBody::TurnStarted(started) => {
                let id = event.turn.clone().unwrap_or_else(|| TurnId::from(""));
                self.turn = Some(OpenTurn::new(id, started.model.clone(), event.at.clone()));
            }
            EventBody::TurnEnded(_) => self.turn = None,
            EventBody::UsageChanged(usage) => self.usage = usage.usage.clone(),
            EventBody::ToolEnded(_) => {
                let reads = Reads::decode(private);
                if !reads.0.is_empty() {
                    let set = Arc::make_mut(&mut self.reads);
                    for (path, digest) in reads.0 {
                        if let Ok(path) = RelPath::from_wire(&path, false) {
                            set.saw(path, digest);
                        }
                    }
                }
            }
            // What a command wrote is brought in by its call.
            EventBody::ChangeStarted(change) if change.call_id.is_some() => {}
            EventBody::ChangeStarted(started) => match Reverting::of(started, private) {
                Some(reverting) => self.reverting = Some(reverting),
                None => self.writing = Some(started.clone()),
            },
            // What a person applied of a plan may stand beside their own edits: the model looks again.
            EventBody::ChangeApplied(change) if change.plan_id.is_some() => self.writing = None,
            EventBody::ChangeApplied(change) if self.is_reverting(&change.change_id) => {
                // The model has not seen what came back: it has to read before it writes there.
                let note = self.reverting.take().and_then(|reverting| reverting.note(&change.files));
                if let Some(note) = note {
                    bounded_push(&mut self.shared, SHARED_MAX, note);
                }
            }
            // What a command or a job wrote, the model has not seen: a file that it had read is stale now.
            EventBody::ChangeApplied(change) if change.job_id.is_some() || self.is_of_command(change) => {}
            EventBody::ChangeApplied(change) => {
                self.writing = None;
                let set = Arc::make_mut(&mut self.reads);
                for file in &change.files {
                    let Ok(path) = RelPath::from_wire(&file.path, file.path_encoded == Some(true)) else {
                        continue;
                    };
                    match file.after.as_deref().and_then(|digest| digest.parse().ok()) {
                        Some(digest) => set.saw(path, digest),
                        None => set.forget(&path),
                    }
                }
            }
            EventBody::PlanChanged(plan) if self.plans.get(&plan.plan_id).is_some() => {}
            EventBody::PlanChanged(plan) => {
                self.plan = Some(PlanPlace { id: plan.plan_id.clone(), rev: plan.rev, seq: event.seq });
            }
            _ => {}
        }
    }

    fn is_reverting(&self, change: &ChangeId) -> bool {
        self.reverting.as_ref().is_some_and(|reverting| reverting.is(change))
    }

    fn apply_job(&mut self, event: &Event) {
        let ended = jobs::apply(&mut self.jobs, &event.body, &self.id, &event.at);
        if let Some(news) = plans::news(&event.body) {
            bounded_push(&mut self.shared, SHARED_MAX, news);
        }
        if let (EventBody::JobEnded(end), Some(item)) = (&event.body, ended)
            && item.share_with_model
        {
            bounded_push(&mut self.shared, SHARED_MAX, jobs::shared(&item, end));
        }
        if matches!(&event.body, EventBody::MessageEnded(message) if message.role == MessageRole::User) {
            // It was delivered with this message.
            self.shared.clear();
        }
    }

    fn admitted(&mut self, prompt: &PromptAdmitted, seq: u64) {
        let Some(key) = prompt.key.clone() else { return };
        let (turn_id, position) = (prompt.turn_id.clone(), prompt.position);
        let plan_id = prompt.plan_id.clone();
        let told = Keyed { key, message_id: prompt.message_id.clone(), turn_id, position, plan_id, seq };
        bounded_push(&mut self.keys, KEYS_MAX, told);
    }

    /// Tells what the session does now.
    pub(crate) const fn state(&self) -> SessionState {
        self.listed.item.state
    }

    /// Finds an open request of a call, or of the turn itself.
    pub(crate) fn open_request(&self, like: &RequestItem) -> Option<&RequestItem> {
        self.requests.values().find(|open| same_question(open, like))
    }

    /// Finds the answer that a call's question had already.
    pub(crate) fn answered(&self, like: &RequestItem) -> Option<&Resolved> {
        let call: &CallId = like.call_id.as_ref()?;
        self.resolved
            .iter()
            .rev()
            .find(|done| done.item.call_id.as_ref() == Some(call) && done.item.digest == like.digest)
    }
}

/// Tells whether a picture shows this event: what is closed, and stands.
const fn is_shown(body: &EventBody) -> bool {
    #[expect(clippy::wildcard_enum_match_arm, reason = "a picture shows what is closed and stands")]
    match body {
        EventBody::MessageEnded(message) => !matches!(message.superseded, Some(true)),
        EventBody::ToolEnded(_) | EventBody::ToolProposed(_) | EventBody::ChangeApplied(_) => true,
        _ => false,
    }
}

fn same_question(a: &RequestItem, b: &RequestItem) -> bool {
    a.kind == b.kind && a.call_id == b.call_id && a.digest == b.digest && a.turn == b.turn
}

fn bounded_push<T>(queue: &mut VecDeque<T>, max: usize, item: T) {
    if queue.len() == max {
        queue.pop_front();
    }
    queue.push_back(item);
}
