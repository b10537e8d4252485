//! One call: prepare, decide, ask if need be, run, settle. Not here: when it may (`machine`).
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tenon_protocol::apply::Selected;
use tenon_protocol::content::Content;
use tenon_protocol::event::change::{ChangeApplied, ChangeStaged, PlanChanged};
use tenon_protocol::event::tool::{Allowance, ToolEnded, ToolStarted};
use tenon_protocol::ids::{CallId, ChangeId, PlanId, RequestId};
use tenon_protocol::request::{RequestItem, RequestKind, RequestOption, Scope, Subject};
use tenon_protocol::signal::Delta;
use tenon_protocol::tool::{CallStatus, DeniedBy, EffectClass};
use tokio_util::sync::CancellationToken;

use crate::approvals::{self, Action, Cause, Decision, Programs};
use crate::base::clock::SharedClock;
use crate::base::digest::Digest;
use crate::base::ids;
use crate::base::secret::Secrets;
use crate::config::profile::Verdict;
use crate::projections::reads::Reads;
use crate::tools::context::{Begun, Progress};
use crate::tools::settling::Settling;
use crate::tools::shadow::{Shadow, ShadowError};
use crate::tools::{Access, Approved, Outcome, Prepared, Registry, RunContext, Tool};
use crate::turn::allowed::allowances;
use crate::turn::attempt::Proposal;
use crate::turn::ports::{Answer, CallView, Fact, PortClosed, Ports};
use crate::turn::unsaved::{self, Settled};
use crate::turn::written::CallWritten;
use crate::workspace::path::RelPath;

/// How often a call is asked about again because what it would do changed while the question was open. A file that changes
/// faster than a person reads is not going to be approved.
const ASKED_MAX: usize = 5;

/// What the model is told of a command in a plan turn.
const NO_COMMANDS: &str = "Not run: in a plan turn edits are only staged, and a command runs only where it can be made to see them, \
                           and be kept from writing to the disk. Go on without it, or say which command is to be run once the plan \
                           is applied. It cannot here:";

/// What allowed a call, or what it is settled with instead.
enum Permission {
    /// It may run; what it comes across must not hold these.
    Granted(Approved, Secrets),
    Settled(Outcome),
}

/// How long a call that only reads may run before its start is recorded. Nothing is lost if it never was: such a call is
/// simply run again. Whoever watches wants to know of one that takes its time, and for the others one commit does.
const STARTED_AFTER: Duration = Duration::from_millis(100);

/// Runs a call to its settlement, which is recorded when this returns.
pub(crate) async fn run(
    ports: Arc<dyn Ports>,
    registry: Registry,
    clock: SharedClock,
    proposal: Proposal,
    cancel: CancellationToken,
    settling: Settling,
) -> Result<(), PortClosed> {
    let id = proposal.id.clone();
    let (approved, secrets) = match permission(&*ports, &registry, &proposal, &cancel).await? {
        Permission::Settled(outcome) => return settle(&*ports, &id, outcome).await,
        Permission::Granted(approved, secrets) => (approved, secrets),
    };
    let prepared = approved.prepared();
    let effect = prepared.effect;
    let started = Fact::new(ToolStarted {
        call_id: id.clone(),
        effect,
        intent: prepared.intent.clone(),
        allowed_by: approved.allowed_by().to_owned(),
        // What only reads is of no interest to anybody who audits.
        digest: (effect != EffectClass::Pure).then(|| prepared.digest.to_string()),
        sandbox: match &prepared.subject {
            Some(Subject::Command { sandbox, .. }) => Some(*sandbox),
            _ => None,
        },
        allowed: (effect != EffectClass::Pure).then(|| approved.allowed().to_vec()),
    });
    let shown = Arc::new(AtomicU64::new(0));
    let progress = progress(&ports, &id, Arc::clone(&shown));
    let (own, stop) = (Arc::clone(&ports), cancel.clone());
    let written = Arc::new(CallWritten::new(own, id.clone(), stop, Arc::clone(&clock), shown));
    let context = RunContext { call: id.clone(), cancel, progress, written, settling };
    if effect != EffectClass::Pure {
        ports.commit(vec![started]).await?;
        let outcome = approved.run(context).await.without(&secrets);
        return settle(&*ports, &id, outcome).await;
    }
    let mut running = std::pin::pin!(async { approved.run(context).await.without(&secrets) });
    let outcome = tokio::select! {
        biased;
        outcome = &mut running => {
            let facts = std::iter::once(started).chain(settlement(&*ports, &id, outcome));
            return ports.commit(facts.collect()).await;
        }
        // It goes on below.
        () = clock.sleep(STARTED_AFTER) => {
            ports.commit(vec![started]).await?;
            running.await
        }
    };
    settle(&*ports, &id, outcome).await
}

/// Settles a call that never ran.
pub(crate) async fn settle(ports: &dyn Ports, id: &CallId, outcome: Outcome) -> Result<(), PortClosed> {
    ports.commit(settlement(ports, id, outcome)).await
}

async fn permission(
    ports: &dyn Ports,
    registry: &Registry,
    proposal: &Proposal,
    cancel: &CancellationToken,
) -> Result<Permission, PortClosed> {
    let (tool, arguments) = match named(registry, proposal) {
        Ok(named) => named,
        Err(reason) => return Ok(refuse(reason)),
    };
    let mut allowed_before: Option<(Digest, Option<Vec<Selected>>, Vec<Allowance>)> = None;
    let (mut settled, mut round) = (Vec::new(), 0);
    // Each file that is not saved is asked about once, beside that.
    for _ in 0..ASKED_MAX + tool.writes(arguments).len() {
        let view = ports.call_view().await?;
        let writes = tool.writes(arguments).into_iter().filter(|_| view.tools.staged.is_none());
        let mut unsaved = writes.filter_map(|named| unsaved::target(&view.tools, &named));
        if let Some(unsaved) = unsaved.find(|(path, _)| !settled.contains(path)) {
            let path = unsaved.0.clone();
            match unsaved::ask(ports, proposal, unsaved, &mut round, cancel).await? {
                Settled::GoOn => settled.push(path),
                Settled::LookAgain => {}
                Settled::Refused(answer) => return Ok(denied_by_person(&answer)),
                Settled::Interrupted => return Ok(Permission::Settled(interrupted())),
            }
            continue;
        }
        let prepared = match tool.prepare(&view.tools, arguments).await {
            Ok(prepared) => prepared,
            Err(failure) => return Ok(refuse(failure.0)),
        };
        if let Some((_, select, allowed)) = allowed_before.take().filter(|before| before.0 == prepared.digest)
        {
            return Ok(granted(prepared, select.as_deref(), allowed, view.tools.secrets));
        }
        if let Some(reason) = no_shadow(&view, &prepared.access).await {
            return Ok(refuse(format!("{NO_COMMANDS} {reason}.")));
        }
        let decision = decide(&view, &prepared.access, prepared.subject.as_ref()).await;
        match decision.verdict {
            Verdict::Allow => {
                let allowed = allowances(&decision.grounds, &view.policy, None);
                let approved = Approved::by(prepared, decision.reason, allowed);
                return Ok(Permission::Granted(approved, view.tools.secrets));
            }
            Verdict::Deny => return Ok(deny(&decision.reason, refused_by(decision.cause))),
            Verdict::Ask if view.policy.denies_unattended() && !view.attended => {
                let why = "nobody is there to be asked, and the profile denies then";
                return Ok(deny(why, DeniedBy::Nobody));
            }
            Verdict::Ask => {}
        }
        let title = tool.title(arguments);
        let mut request = question(ports, proposal, &prepared, title, &decision);
        add_notes(&mut request.subject, &prepared.access, &view).await;
        let allowed = allowances(&decision.grounds, &view.policy, Some(&request.request_id));
        let answer = tokio::select! {
            biased;
            // The request stays open in the log; ending the turn resolves it.
            () = cancel.cancelled() => {
                return Ok(Permission::Settled(interrupted()));
            }
            answer = ports.ask(request) => answer?,
        };
        if answer.decision != "allow" {
            return Ok(denied_by_person(&answer));
        }
        allowed_before = Some((prepared.digest, answer.select, allowed));
    }
    Ok(refuse(
        "What this call would do changed each time it was approved. Look at the present state first."
            .to_owned(),
    ))
}

/// Returns the tool that is called, and with what; else why there is none.
fn named<'a>(
    registry: &'a Registry,
    proposal: &'a Proposal,
) -> Result<(&'a Arc<dyn Tool>, &'a Value), String> {
    let arguments = proposal.arguments.as_ref().map_err(Clone::clone)?;
    let tool = registry.get(&proposal.name).ok_or_else(|| {
        let names: Vec<&str> = registry.descriptors().iter().map(|tool| tool.name).collect();
        format!("There is no tool named {}. The tools are: {}.", proposal.name, names.join(", "))
    })?;
    Ok((tool, arguments))
}

/// Returns why a command cannot run in a plan turn; `None` where it can, and for every other call.
async fn no_shadow(view: &CallView, access: &Access) -> Option<ShadowError> {
    if view.tools.staged.is_none() || !matches!(access, Access::Command { .. }) {
        return None;
    }
    Shadow::available(&view.tools.capturing, view.tools.sandbox.capture).await.err()
}

/// A person allowed it, whole or these hunks of it.
fn granted(
    prepared: Prepared,
    select: Option<&[Selected]>,
    allowed: Vec<Allowance>,
    secrets: Secrets,
) -> Permission {
    let (prepared, who) = match select {
        None => (Ok(prepared), "a person"),
        Some(select) => (prepared.only(select), "a person, in part"),
    };
    match prepared {
        Ok(prepared) => Permission::Granted(Approved::by(prepared, who.to_owned(), allowed), secrets),
        Err(failure) => refuse(failure.0),
    }
}

async fn decide(view: &CallView, access: &Access, subject: Option<&Subject>) -> Decision {
    let action = match access {
        Access::Nothing => return Decision::harmless(),
        Access::Read(paths) => Action::Read { paths: relative(paths) },
        Access::Write(paths) => Action::Write { paths: relative(paths) },
        Access::Network(hosts) => Action::Network { hosts: hosts.clone() },
        Access::Command { command, needs } => {
            let programs = programs(view, subject, command).await;
            Action::Command { command: command.clone(), programs, needs: needs.clone() }
        }
    };
    let decision = view.policy.decide(&action);
    if view.tools.staged.is_some() { staged(decision, &action) } else { decision }
}

/// In a plan turn edits are staged: whoever applies the plan allows them. What a rule or a protected path forbids stays
/// forbidden.
fn staged(decision: Decision, action: &Action) -> Decision {
    let forbidden = matches!(decision.cause, Cause::Rule | Cause::Protected);
    match action {
        Action::Write { .. } if decision.verdict != Verdict::Deny || !forbidden => {
            let reason = "it is staged: nothing is written before the plan is applied".to_owned();
            Decision { verdict: Verdict::Allow, reason, ..decision }
        }
        Action::Write { .. } | Action::Read { .. } | Action::Network { .. } | Action::Command { .. } => {
            decision
        }
    }
}

/// Returns the programs that a command's words come to, where a rule is about commands.
async fn programs(view: &CallView, subject: Option<&Subject>, command: &str) -> Programs {
    if !view.policy.restricts_commands() {
        return Programs::default();
    }
    let cwd = match subject {
        Some(Subject::Command { cwd, .. }) => view.tools.root.path().join(cwd),
        _ => view.tools.root.path().to_owned(),
    };
    let path = view.tools.environment.get("PATH").cloned().unwrap_or_default();
    let command = command.to_owned();
    // Waits for the disk. Without it the words count as they stand.
    tokio::task::spawn_blocking(move || Programs::find(&command, &cwd, &path)).await.unwrap_or_default()
}

/// Tools name paths as the protocol does; what is none stands for the whole workspace, so that it is decided strictly.
fn relative(paths: &[String]) -> Vec<RelPath> {
    paths.iter().map(|path| RelPath::from_wire(path, false).unwrap_or_else(|_| RelPath::root())).collect()
}

/// Adds what a person should know about a command beside its text. The answer is not bound to it: what lies on the disk changes.
async fn add_notes(subject: &mut Subject, access: &Access, view: &CallView) {
    let (Subject::Command { cwd, notes, .. }, Access::Command { command, .. }) = (subject, access) else {
        return;
    };
    let place = view.tools.root.path().join(&*cwd);
    let path = view.tools.environment.get("PATH").cloned().unwrap_or_default();
    let command = command.clone();
    // Waits for the disk. Without it the question is asked all the same.
    let found = tokio::task::spawn_blocking(move || approvals::notes(&command, &place, &path)).await;
    *notes = found.unwrap_or_default();
}

fn question(
    ports: &dyn Ports,
    proposal: &Proposal,
    prepared: &Prepared,
    title: String,
    decision: &Decision,
) -> RequestItem {
    let request_id: RequestId = ids::new(ports.entropy());
    let mut options = vec![option("allow", "Allow once", Scope::Once, None)];
    let named = decision.offer.as_deref().unwrap_or_default().replace('\n', " and ");
    if let Some(pattern) = &decision.offer {
        options.push(option(
            "session",
            &format!("Allow {named} in this session"),
            Scope::Session,
            Some(pattern),
        ));
        options.push(option("always", &format!("Always allow {named} here"), Scope::Always, Some(pattern)));
    }
    options.push(option("deny", "Deny", Scope::Once, None));
    if let Some(pattern) = &decision.offer {
        options.push(option(
            "never",
            &format!("Never allow {named} in this session"),
            Scope::Session,
            Some(pattern),
        ));
    }
    let subject = prepared.subject.clone().unwrap_or_else(|| Subject::Command {
        argv: vec![title.clone()],
        cwd: ".".to_owned(),
        exe: String::new(),
        sandbox: 0,
        needs: Vec::new(),
        notes: Vec::new(),
    });
    RequestItem {
        request_id,
        kind: RequestKind::Approval,
        title,
        subject,
        options,
        session: ports.session().clone(),
        digest: Some(prepared.digest.to_string()),
        call_id: Some(proposal.id.clone()),
        turn: Some(ports.turn().clone()),
        reason: Some(decision.reason.clone()),
    }
}

fn option(id: &str, label: &str, scope: Scope, pattern: Option<&str>) -> RequestOption {
    RequestOption {
        id: id.to_owned(),
        label: label.to_owned(),
        scope: Some(scope),
        pattern: pattern.map(ToOwned::to_owned),
    }
}

fn interrupted() -> Outcome {
    Outcome::text(CallStatus::Interrupted, "The turn was interrupted.")
}

fn refuse(reason: String) -> Permission {
    Permission::Settled(Outcome::failed(reason))
}

fn deny(reason: &str, by: DeniedBy) -> Permission {
    let text = format!("Denied: {reason}. Do not try to get around it; say what you would have done.");
    Permission::Settled(Outcome::denied(text, by))
}

/// What made a decision that denies.
const fn refused_by(cause: Cause) -> DeniedBy {
    match cause {
        Cause::Untrusted => DeniedBy::Untrusted,
        Cause::Profile | Cause::SandboxLevel | Cause::Need => DeniedBy::Profile,
        Cause::Rule | Cause::Grant | Cause::Protected | Cause::Unclear => DeniedBy::Rule,
    }
}

fn denied_by_person(answer: &Answer) -> Permission {
    let text = match &answer.note {
        Some(note) => format!("The person said no: {note}"),
        None => "The person said no.".to_owned(),
    };
    Permission::Settled(Outcome::denied(text, DeniedBy::Person))
}

/// Shows what a call prints; `shown` counts its bytes.
fn progress(ports: &Arc<dyn Ports>, id: &CallId, shown: Arc<AtomicU64>) -> Progress {
    let (ports, item) = (Arc::clone(ports), id.to_string());
    Progress(Arc::new(move |text: &str| {
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let from = shown.fetch_add(length, Ordering::Relaxed);
        ports.signal(Delta { d: item.clone(), from, t: text.to_owned(), files: None, more: None });
    }))
}

/// The facts of a settled call: its change and its plan first, then the settlement that the model gets.
fn settlement(ports: &dyn Ports, id: &CallId, outcome: Outcome) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut change_id = None;
    if !outcome.files.is_empty() || !outcome.uncovered.is_empty() || !outcome.conflicts.is_empty() {
        let begun = outcome.begun.unwrap_or_else(|| Begun {
            change: ids::new(ports.entropy()),
            checkpoint: ids::new(ports.entropy()),
        });
        change_id = Some(begun.change.clone());
        facts.push(Fact::new(ChangeApplied {
            change_id: begun.change,
            checkpoint_id: begun.checkpoint,
            files: outcome.files,
            uncovered: outcome.uncovered,
            folders: (!outcome.folders.is_empty()).then_some(outcome.folders),
            conflicts: (!outcome.conflicts.is_empty()).then_some(outcome.conflicts),
            call_id: Some(id.clone()),
            plan_id: None,
            job_id: None,
        }));
    }
    if let Some(staged) = outcome.staged {
        let change: ChangeId = ids::new(ports.entropy());
        change_id = Some(change.clone());
        facts.push(Fact::new(ChangeStaged {
            change_id: change,
            files: staged.files,
            uncovered: Vec::new(),
            // The session knows which plan its turn makes.
            plan_id: None,
            call_id: Some(id.clone()),
            step: staged.step,
        }));
    }
    if let Some(tree) = outcome.plan {
        let plan_id: PlanId = ids::new(ports.entropy());
        facts.push(Fact::new(PlanChanged {
            plan_id,
            rev: 1,
            tree,
            change_id: None,
            applied: None,
            dropped: None,
            tests: None,
        }));
    }
    let ended = ToolEnded {
        call_id: id.clone(),
        status: outcome.status,
        content: outcome.content,
        reference: outcome.reference,
        change_id,
        exit: outcome.exit,
        denied_by: outcome.denied_by,
    };
    facts.push(Fact { body: ended.into(), private: Reads(outcome.reads).encode() });
    facts
}

/// What is told of a call whose outcome was never recorded.
pub(crate) fn unknown_outcome() -> Vec<Content> {
    let text = "The agent was stopped while this ran, so its outcome is unknown: it may have happened, wholly or in part. \
                It was not run again. Look at the present state before you go on.";
    vec![Content::text(text)]
}

/// Returns a call's arguments as they were recorded.
pub(crate) fn recorded_arguments(input: &Value) -> Result<Value, String> {
    if input.is_object() {
        Ok(input.clone())
    } else {
        Err("the arguments were not a JSON object; send the call again".to_owned())
    }
}
