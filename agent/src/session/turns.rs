//! Turns: how one starts, what it gets while it runs, how it ends and the next begins. Not here: what happens inside (`turn`).
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tenon_protocol::content::Content;
use tenon_protocol::event::EventBody;
use tenon_protocol::event::message::{MessageEnded, MessageRole};
use tenon_protocol::event::prompt::PromptDelivered;
use tenon_protocol::event::session::SessionChanged;
use tenon_protocol::event::turn::{AttemptStarted, TurnStarted};
use tenon_protocol::ids::{CallId, MessageId, TurnId};
use tenon_protocol::request::RequestKind;

use crate::approvals::{Grants, Policy, Trust, foresee};
use crate::base::task;
use crate::config::credentials::KeyState;
use crate::config::profile::{self, Profile};
use crate::config::rule::Rule;
use crate::journal::{AppendError, LogId};
use crate::network::{Admits, Egress, NetworkEnvironment};
use crate::projections::turn::CallPhase;
use crate::projections::waiting::Pending;
use crate::providers::{self, Provider};
use crate::sandbox;
use crate::session::actor::{Actor, LiveTurn, Refusal, respond_plain};
use crate::session::attached;
use crate::session::command::{Command, TurnCommand};
use crate::session::ports::SessionPorts;
use crate::session::shown;
use crate::tools::ToolContext;
use crate::tools::context::{Foresee, Sight};
use crate::turn::attempt::Proposal;
use crate::turn::machine::Machine;
use crate::turn::ports::{BeginFailure, CallView, Fact, PortClosed, View};
use crate::turn::record::{self, InputRecord};
use crate::turn::runner::Runner;

/// How long a command of the model may run where the call does not say.
const COMMAND_TIMEOUT: Duration = Duration::from_mins(2);

/// Bytes of a mentioned file that go along with a message; the model reads the rest with its tool.
const ATTACHED_BYTES_MAX: usize = 64 * 1024;

impl Actor {
    /// Starts a turn with a message: one commit holds its admission, if any, its delivery and the turn's start.
    pub(crate) async fn start_turn(
        &mut self,
        turn: TurnId,
        message: MessageId,
        admitted: Option<Fact>,
    ) -> Result<(), Refusal> {
        self.settle_settings().await?;
        let model = self.state.settings.model.clone().unwrap_or_default();
        let profile = self.state.settings.profile.clone().unwrap_or_else(|| profile::DEFAULT.to_owned());
        let pending = admitted
            .as_ref()
            .and_then(pending_of)
            .or_else(|| self.state.waiting.queue().iter().find(|pending| pending.id == message).cloned());
        let mut facts: Vec<Fact> = admitted.into_iter().collect();
        let plan_id = pending.as_ref().and_then(|pending| pending.plan.clone());
        let (begins, told) = match &plan_id {
            Some(plan) => self.plan_begins(plan).await?,
            None => (Vec::new(), String::new()),
        };
        let plan_rev = plan_id.as_ref().map(|id| self.state.plans.get(id).map_or(0, |plan| plan.rev) + 1);
        facts.push(Fact::new(TurnStarted { model, profile, message_id: message, plan_id, plan_rev }));
        facts.extend(begins);
        facts.extend(pending.into_iter().flat_map(|pending| self.deliver(pending, &told)));
        self.share_jobs(&mut facts);
        facts.extend(self.context_facts().await);
        self.turn = Some(LiveTurn::new(turn));
        let committed = self.commit(facts).await;
        match committed {
            Ok(()) => {
                self.launch(Vec::new(), None);
                Ok(())
            }
            Err(error) => {
                self.turn = None;
                Err(error.into())
            }
        }
    }

    /// Records the model in the log where the session has none yet, or its settings name it otherwise than it is.
    pub(crate) async fn settle_settings(&mut self) -> Result<(), Refusal> {
        let effective = self.world.effective(&self.state.settings);
        if effective != self.state.settings {
            let changed = SessionChanged { settings: Some(effective), ..SessionChanged::default() };
            self.commit(vec![Fact::new(changed)]).await?;
        }
        Ok(())
    }

    /// Returns the facts that make a waiting message part of the conversation; `told` is what the model is told beside it.
    pub(crate) fn deliver(&self, pending: Pending, told: &str) -> Vec<Fact> {
        let files = pending.input.iter().filter_map(|piece| self.attach_file(piece));
        let told = Some(told).filter(|told| !told.is_empty()).map(str::to_owned);
        let beside = pending.context.as_ref().map(shown::shown).into_iter().chain(told);
        let attached: Vec<String> = files.chain(beside).collect();
        let beside = InputRecord { attached, expansion: self.expansion(&pending.input) };
        let private = if beside == InputRecord::default() { None } else { record::encode(&beside) };
        let ended = MessageEnded {
            message_id: pending.id.clone(),
            role: MessageRole::User,
            content: pending.input,
            by: pending.by,
            superseded: None,
        };
        vec![Fact::new(PromptDelivered { message_id: pending.id }), Fact { body: ended.into(), private }]
    }

    /// Returns what the model is shown of a mentioned file.
    fn attach_file(&self, piece: &Content) -> Option<String> {
        let Content::File { path, range } = piece else { return None };
        let read = self.root.resolve(path).ok().and_then(|path| self.root.read(&path).ok());
        let Some(file) = read else {
            let folder = attached::folder(&self.root, path);
            return folder.or_else(|| Some(format!("{path} cannot be shown: read it with your tool")));
        };
        let text = String::from_utf8_lossy(&file.bytes);
        let lines = text.lines().enumerate().map(|(index, line)| (index as u64 + 1, line));
        let wanted =
            lines.filter(|(n, _)| range.as_ref().is_none_or(|range| (range.start..=range.end).contains(n)));
        let mut shown = format!("{path}:\n");
        for (number, line) in wanted {
            if shown.len() + line.len() > ATTACHED_BYTES_MAX {
                shown.push_str("… (read the rest with your tool)\n");
                break;
            }
            // Writing to a string cannot fail.
            let _infallible = writeln!(shown, "{number:>5}\t{line}");
        }
        Some(shown)
    }

    /// Lets the turn's task run: from its beginning, or from where a restart found it.
    pub(crate) fn launch(&mut self, pending: Vec<Proposal>, resumed: Option<Machine>) {
        let Some(live) = &mut self.turn else { return };
        let more = self.state.turn.as_ref().map_or(0, |turn| turn.steps_more);
        let settings = self.world.turn_settings(&self.state.settings, more);
        let ports = SessionPorts {
            session: self.state.id.clone(),
            turn: live.id.clone(),
            commands: self.commands.clone(),
            signals: self.signals.clone(),
            entropy: Arc::clone(&self.resources.entropy),
            blobs: self.resources.journal.blobs().clone(),
        };
        let machine = resumed.unwrap_or_else(|| Machine::new(settings.steps_max));
        let clock = Arc::clone(&self.resources.clock);
        let runner =
            Runner::new(Arc::new(ports), self.resources.registry.clone(), clock, settings, machine, pending);
        let (interrupt, commands) = (live.interrupt.clone(), self.commands.clone());
        live.task = Some(task::spawn(async move {
            let inner = task::spawn(runner.run(interrupt));
            let reason = match inner.await {
                Ok(Ok(())) => return,
                Ok(Err(closed)) => closed.to_string(),
                Err(failure) => failure.to_string(),
            };
            // A full or closed mailbox means that the session ends anyway.
            let _gone = commands.try_send(Command::TurnLost(reason));
        }));
    }

    /// Answers what the running turn wants.
    pub(crate) async fn handle_turn(&mut self, command: TurnCommand) -> Result<(), AppendError> {
        match command {
            TurnCommand::Commit { facts, reply } => {
                let facts = self.revised(self.unsettled(facts));
                let settled = settled_calls(&facts);
                let result = self.commit(facts).await;
                self.forget_records(&settled);
                let told = if result.is_ok() { Ok(()) } else { Err(PortClosed) };
                respond_plain(reply, told)?;
                match result {
                    // That turn cannot go on, which ends it; the session can.
                    Err(error @ AppendError::TooLarge { .. }) => {
                        tracing::error!(session = %self.state.id, %error, "a turn cannot be recorded");
                        Ok(())
                    }
                    result => result,
                }
            }
            TurnCommand::BeginAttempt { step, attempt, reply } => {
                self.begin_or_hold(step, attempt, reply).await
            }
            TurnCommand::Ask { request, reply } => {
                let may_be_over = request.kind == RequestKind::Conflict;
                self.ask(*request, reply).await?;
                // What was asked about may have been saved in the meantime.
                if may_be_over { self.unsaved_changed().await } else { Ok(()) }
            }
            TurnCommand::CallView { reply } => respond_plain(reply, self.call_view()),
            TurnCommand::Waited { reply } => respond_plain(reply, self.waited()),
            TurnCommand::End { end, reply } => {
                let result = self.end_turn(end).await?;
                respond_plain(reply, Ok(result))?;
                self.start_next().await
            }
        }
    }

    /// The steps a model shows are one list of the session: each time the next revision of it. In a plan turn they are that
    /// plan's, and so is what is staged.
    fn revised(&self, mut facts: Vec<Fact>) -> Vec<Fact> {
        if let Some((id, draft)) = self.state.plans.making() {
            for fact in &mut facts {
                #[expect(clippy::wildcard_enum_match_arm, reason = "only these two are about the plan")]
                match &mut fact.body {
                    EventBody::PlanChanged(plan) => (plan.plan_id, plan.rev) = (id.clone(), draft.rev),
                    EventBody::ChangeStaged(staged) => staged.plan_id = Some(id.clone()),
                    _ => {}
                }
            }
            return facts;
        }
        for fact in &mut facts {
            if let (tenon_protocol::event::EventBody::PlanChanged(plan), Some(present)) =
                (&mut fact.body, &self.state.plan)
            {
                (plan.plan_id, plan.rev) = (present.id.clone(), present.rev + 1);
            }
        }
        facts
    }

    /// A settled call stays settled: a late word of a task that was dropped changes nothing.
    fn unsettled(&self, facts: Vec<Fact>) -> Vec<Fact> {
        let Some(turn) = &self.state.turn else { return Vec::new() };
        let settled = |id| turn.calls.iter().any(|call| call.id == id && call.phase == CallPhase::Settled);
        #[expect(clippy::wildcard_enum_match_arm, reason = "only these two can come late")]
        let late = facts.iter().any(|fact| match &fact.body {
            EventBody::ToolEnded(call) => settled(call.call_id.clone()),
            EventBody::ToolStarted(call) => settled(call.call_id.clone()),
            _ => false,
        });
        if late { Vec::new() } else { facts }
    }

    /// Removes the records of commands that are settled: they are only read for those that are not.
    pub(crate) fn forget_records(&self, calls: &[CallId]) {
        for call in calls {
            // Most calls are no commands and have none.
            for file in [self.resources.record_of(call.as_str()), self.resources.dropped_of(call.as_str())] {
                let _absent = std::fs::remove_file(file);
            }
            self.resources.forget_layer(call.as_str());
        }
    }

    pub(crate) async fn begin_attempt(
        &mut self,
        step: u32,
        attempt: u32,
    ) -> Result<Result<View, BeginFailure>, AppendError> {
        if let Some(limit) = self.cost_reached() {
            return Ok(Err(BeginFailure::Limit(limit)));
        }
        let (provider, provider_name, model) = match self.connect() {
            Ok(connected) => connected,
            Err(failure) => return Ok(Err(failure)),
        };
        let Some(prefix) = self.prefix.clone() else {
            return Ok(Err(BeginFailure::Unusable("the session's context is lost".to_owned())));
        };
        let steers: Vec<Pending> = self.state.waiting.steers().iter().cloned().collect();
        let mut facts: Vec<Fact> = steers.into_iter().flat_map(|steer| self.deliver(steer, "")).collect();
        self.share_jobs(&mut facts);
        facts.push(Fact::new(AttemptStarted { n: attempt, step }));
        self.commit(facts).await?;
        let transcript = Arc::clone(&self.state.transcript);
        Ok(Ok(View { transcript, prefix, provider, provider_name, model }))
    }

    fn cost_reached(&self) -> Option<&'static str> {
        let wanted = self.state.settings.limits.as_ref().and_then(|limits| limits.cost_usd);
        let limit = self.world.config.ceiling.cost(wanted)?;
        let spent = self.state.turn.as_ref()?.usage.cost?;
        (spent >= limit).then_some("costUsd")
    }

    /// Returns who is asked, under which names. The connection is kept as long as model and key stay.
    fn connect(&mut self) -> Result<(Arc<dyn Provider>, String, String), BeginFailure> {
        let unusable = |error: String| BeginFailure::Unusable(error);
        let wanted = self.state.settings.model.clone();
        let choice = self.world.choose(wanted.as_deref()).map_err(|error| unusable(error.to_string()))?;
        let name = choice.provider.name.clone();
        let full_name = choice.full_name();
        if let Some((connected, provider)) = &self.provider
            && *connected == full_name
        {
            return Ok((Arc::clone(provider), name, choice.model));
        }
        let key = match choice.provider.key(&self.world.environment, &self.world.credentials) {
            KeyState::NotNeeded => None,
            KeyState::Found { key, .. } => Some(key),
            KeyState::Missing { how } => return Err(BeginFailure::Login { provider: name, how }),
        };
        let network = NetworkEnvironment::of(&self.world.environment.network);
        let provider = providers::connect(&choice.provider, key, &network)
            .map_err(|error| unusable(error.to_string()))?;
        self.provider = Some((full_name, Arc::clone(&provider)));
        Ok((provider, name, choice.model))
    }

    fn call_view(&self) -> CallView {
        let policy = Arc::new(self.policy().with_grants(self.grants()));
        let (reader, guide) = (Arc::clone(&policy), Arc::clone(&policy));
        let environment = Arc::clone(&self.state.environment);
        let tools = ToolContext {
            foresee: Foresee(Arc::new(move |command| foresee(command, &environment))),
            sight: Sight(Arc::new(move |path| reader.may_read(path))),
            staged: self.state.plans.making().map(|(_, draft)| Arc::new(draft.overlay())),
            shadow: self.state.turn.as_ref().map(|turn| self.resources.shadow_of(turn.id.as_str())),
            unsaved: self.resources.board.unsaved_in(&self.state.id, &self.root),
            root: Arc::clone(&self.root),
            reads: Arc::clone(&self.state.reads),
            blobs: Arc::new(self.blobs()),
            spawner: Arc::clone(&self.resources.spawner),
            probe: self.resources.probing.known(),
            capturing: Arc::clone(&self.resources.capturing),
            network: Egress {
                ways: NetworkEnvironment::of(&self.world.environment.network),
                near: Arc::clone(&self.world.config.network.private),
            },
            caches: Arc::clone(&self.resources.caches),
            permits: Admits(Arc::new(move |host| guide.permits_host(host))),
            sandbox: self.world.config.sandbox,
            environment: Arc::clone(&self.state.environment),
            secrets: self.world.secrets.clone(),
            records_dir: self.resources.records_dir.clone(),
            command_timeout: COMMAND_TIMEOUT,
        };
        CallView {
            drops: self.turn.as_ref().is_some_and(|turn| turn.drops),
            tools,
            policy,
            attended: self.resources.answerers.see(&LogId::Session(self.state.id.clone())),
        }
    }

    pub(crate) fn policy(&self) -> Policy {
        let name = self.state.settings.profile.as_deref().unwrap_or(profile::DEFAULT);
        // A profile that is configured no more allows nothing.
        let chosen: Profile =
            self.world.config.profiles.get(name).cloned().unwrap_or_else(profile::read_only);
        let trust = Trust { state: self.trust(), setting: self.state.settings.trust };
        let mut rules = self.world.config.rules.clone();
        rules.deny.extend(self.state.refusals.iter().filter_map(|pattern| Rule::parse(pattern).ok()));
        let probe = self.resources.probing.known();
        let level = sandbox::wanted(&self.world.config.sandbox, &probe);
        Policy::new(&chosen, &rules, trust, level).with_held(probe.held(level))
    }

    fn grants(&self) -> Grants {
        use crate::approvals::Grant;
        use tenon_protocol::request::Scope;
        let now = self.resources.clock.now();
        let own = self
            .state
            .grants
            .iter()
            .map(|pattern| (tenon_protocol::ids::GrantId::from(""), pattern.clone(), Scope::Session));
        let standing = self.resources.standing.grants.borrow().clone();
        let here = standing.iter().filter(|grant| grant.workspace == self.state.listed.item.workspace);
        let always = here.map(|grant| (grant.id.clone(), grant.pattern.clone(), Scope::Always));
        Grants::new(
            own.chain(always).filter_map(|(id, pattern, scope)| Grant::new(id, &pattern, scope, now).ok()),
        )
    }

    fn waited(&self) -> Duration {
        let Some(turn) = &self.turn else { return Duration::ZERO };
        let (before, since) = turn.waited;
        before + since.map_or(Duration::ZERO, |since| self.resources.clock.now().since(since))
    }

    /// The turn's task is gone without having ended the turn: ends it as failed, since the fault is ours.
    pub(crate) async fn turn_lost(&mut self, reason: &str) -> Result<(), AppendError> {
        if self.turn.is_none() {
            return Ok(());
        }
        tracing::error!(session = %self.state.id, reason, "a turn was lost");
        let error = tenon_protocol::event::turn::ProviderFailure {
            kind: "internal".to_owned(),
            message: format!("the turn stopped by a fault of the agent: {reason}"),
            status: None,
            hint: None,
        };
        let end = crate::turn::ports::TurnEnd {
            stop: tenon_protocol::event::turn::Stop::Failed,
            error: Some(error),
            limit: None,
        };
        self.end_turn(end).await?;
        self.start_next().await
    }
}

fn pending_of(fact: &Fact) -> Option<Pending> {
    let EventBody::PromptAdmitted(prompt) = &fact.body else { return None };
    Some(prompt.into())
}

/// Returns the calls that these facts settle.
pub(crate) fn settled_calls(facts: &[Fact]) -> Vec<CallId> {
    let settled = facts.iter().filter_map(|fact| {
        if let EventBody::ToolEnded(call) = &fact.body { Some(call.call_id.clone()) } else { None }
    });
    settled.collect()
}
