//! Jobs of a session: taken on, told what to do, settled, shown to the model. Not here: how one runs (`jobs`).
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tenon_protocol::content::Content;
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::event::EventBody;
use tenon_protocol::event::job::{JobChanged, JobEnded, JobStarted};
use tenon_protocol::event::message::MessageRole;
use tenon_protocol::event::session::By;
use tenon_protocol::ids::JobId;
use tenon_protocol::job::{JobItem, JobOp, JobParams, JobResult, JobSize, RunParams, RunResult};
use tenon_protocol::tool::CallStatus;

use crate::approvals::{Action, Programs};
use crate::base::task::{self, Task};
use crate::base::{base64, ids};
use crate::changes::capture::Committed;
use crate::config::profile::Verdict;
use crate::feed::SignalHub;
use crate::jobs::{
    Ended, Job, MACHINE_JOBS_MAX, Output, SESSION_JOBS_MAX, Sink, Start, job_not_found, plain,
};
use crate::journal::{AppendError, Blobs, ItemKind, ItemWrite};
use crate::process::{Ended as Why, Exit, Launch, ProcessError, TerminalSize, read_record};
use crate::sandbox::{self, Given, Limits, Needs, SandboxError};
use crate::session::actor::{Actor, Beside, Refusal};
use crate::session::command::{Command, Reply};
use crate::session::job_changes::ended_at;
use crate::tools::output::cut;
use crate::turn::ports::Fact;
use crate::turn::record::{self, InputRecord};
use crate::workspace::identity::Kind;
use crate::workspace::path::RelPath;

/// The size of a terminal that nobody looks at.
const SIZE_DEFAULT: TerminalSize = TerminalSize { rows: 24, columns: 80 };

/// What programs are told the terminal is: the kind that every client's emulates.
const TERM: &str = "xterm-256color";

/// SIGHUP: what a command gets whose terminal is closed.
const HANG_UP: i32 = 1;

/// Bytes of the beginning and of the end of an output that are looked at for what is shown of it.
const SHOWN_BYTES_MAX: usize = 512 << 10;

/// A job that runs, as its actor holds it.
#[derive(Debug)]
pub(crate) struct LiveJob {
    job: Job,
    /// Its life; dropping it ends what it runs.
    _task: Task<()>,
}

/// A job that has ended, as it is recorded.
#[derive(Debug)]
pub(crate) struct SettledJob {
    status: CallStatus,
    text: String,
    reference: Option<String>,
    bytes: u64,
    exit: Option<i32>,
    signal: Option<i32>,
    /// What was changed in the workspace while it ran.
    changed: Committed,
}

/// Which jobs are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhichJobs {
    /// Every one.
    All,
    /// Those nobody waits for.
    Background,
}

/// Where a job's output goes: to whoever observes the session.
#[derive(Debug)]
struct Watchers(Arc<SignalHub>);

impl Sink for Watchers {
    fn output(&self, job: &JobId, from: u64, bytes: &[u8]) -> bool {
        self.0.send_bytes(job.as_str(), from, bytes)
    }
}

impl Actor {
    /// Takes on the person's own command: what it may do is looked at, its start is recorded, and then it runs.
    pub(crate) async fn run_job(&mut self, params: RunParams, by: Option<By>) -> Result<RunResult, Refusal> {
        self.check_open()?;
        self.check_room()?;
        self.refresh_world();
        let cwd = self.folder(params.cwd.as_deref())?;
        self.check_policy(&params.command)?;
        let id: JobId = ids::new(&*self.resources.entropy);
        let launch = self.job_launch(&id, &params, &cwd)?;
        let background = params.background == Some(true);
        let started = JobStarted {
            job_id: id.clone(),
            command: params.command,
            cwd: shown_folder(&cwd),
            background,
            share_with_model: params.share_with_model == Some(true),
            by,
        };
        let seq = self.state.head.seq + 1;
        self.commit(vec![Fact::new(started)]).await?;
        self.resources.jobs.send_modify(|jobs| {
            Arc::make_mut(jobs).insert(id.clone(), background);
        });
        self.start_job(&id, launch);
        Ok(RunResult { job_id: id, seq })
    }

    fn check_room(&self) -> Result<(), RpcError> {
        let here = self.state.jobs.len() >= SESSION_JOBS_MAX;
        if !here && self.resources.jobs.borrow().len() < MACHINE_JOBS_MAX {
            return Ok(());
        }
        let (what, max) = if here { ("session", SESSION_JOBS_MAX) } else { ("machine", MACHINE_JOBS_MAX) };
        let error = RpcError::new(ErrorKind::SessionBusy, format!("the {what} runs {max} jobs already"));
        Err(error.retry(Retry::Later).hint("end one first: `tenon jobs` lists them"))
    }

    /// Returns the folder a job starts in, links resolved: one of the workspace.
    fn folder(&self, cwd: Option<&str>) -> Result<RelPath, RpcError> {
        let named = cwd.filter(|cwd| !cwd.is_empty()).unwrap_or(".");
        let invalid = |why: String| RpcError::new(ErrorKind::InvalidParams, format!("cwd {named}: {why}"));
        let path = self.root.resolve(named).map_err(|error| invalid(error.to_string()))?;
        let real = self.root.canonical(&path).map_err(|error| invalid(error.to_string()))?;
        let stat = self.root.stat(&real).map_err(|error| invalid(error.to_string()))?;
        match stat.map(|stat| stat.kind) {
            Some(Kind::Folder) => Ok(real),
            Some(Kind::File | Kind::Link | Kind::Special) => Err(invalid("is no folder".to_owned())),
            None => Err(invalid("there is no such folder".to_owned())),
        }
    }

    /// Whoever types a command has decided about it; what a rule, the profile or the missing trust denies stays denied.
    pub(crate) fn check_policy(&self, command: &str) -> Result<(), RpcError> {
        // A person looked at what they typed: no link behind a name is followed for them.
        let (programs, needs) = (Programs::default(), Needs::default());
        let action = Action::Command { command: command.to_owned(), programs, needs };
        let decision = self.policy().decide(&action);
        if decision.verdict != Verdict::Deny {
            return Ok(());
        }
        let message = format!("the command was not run: {}", decision.reason);
        let error = RpcError::new(ErrorKind::Forbidden, message).retry(Retry::Never);
        Err(match decision.rule {
            Some(rule) => error.with("rule", rule),
            None => {
                error.hint("choose another profile with `agent/open`, or trust the workspace: `tenon trust`")
            }
        })
    }

    fn job_launch(&self, id: &JobId, params: &RunParams, cwd: &RelPath) -> Result<Launch, RpcError> {
        let configured = self.world.config.sandbox;
        let command = sandbox::Command {
            text: &params.command,
            cwd: &self.root.absolute(cwd),
            workspace: self.root.path(),
            given: Given { unix_sockets: configured.unix_sockets, ..Given::default() },
            limits: Limits::of(&configured),
            session_env: &self.state.environment,
            timeout: Duration::MAX,
            // What is kept is bounded where it is kept, and the end is kept too.
            output_bytes_max: u64::MAX,
            record_path: Some(self.resources.record_of(id.as_str())),
        };
        let demanded = sandbox::wanted_for_a_person(&configured);
        let probe = self.resources.probing.known();
        let mut launch = sandbox::launch(command, demanded, &probe).map_err(|error| unavailable(&error))?;
        launch.terminal = Some(params.size.map_or(SIZE_DEFAULT, terminal_size));
        launch.env.insert("TERM".to_owned(), TERM.to_owned());
        Ok(launch)
    }

    fn start_job(&mut self, id: &JobId, launch: Launch) {
        let start = Start {
            id: id.clone(),
            launch,
            spawner: Arc::clone(&self.resources.spawner),
            clock: Arc::clone(&self.resources.clock),
            sink: Arc::new(Watchers(Arc::clone(&self.signals))),
            spill: self.resources.output_of(id.as_str()),
        };
        let (job, life) = Job::start(start);
        let (commands, blobs) = (self.commands.clone(), self.resources.journal.blobs().clone());
        let (job_id, watch) = (id.clone(), self.watch(id));
        let task = task::spawn(async move {
            // Before it starts: what is there is what it finds.
            watch.begin().await;
            let settled = match task::spawn(life).await {
                Ok(ended) => tokio::task::spawn_blocking(move || settled(ended, &blobs)).await.ok(),
                Err(error) => Some(fault(&error.to_string())),
            };
            let settled = settled.unwrap_or_else(|| fault("its output cannot be shown"));
            let settled = SettledJob { changed: watch.end(None).await, ..settled };
            // Without an actor the session ends, and the next start settles the job.
            let _gone = commands.send(Command::JobEnded { job_id, settled: Box::new(settled) }).await;
        });
        self.jobs.insert(id.clone(), LiveJob { job, _task: task });
    }

    /// Records the end of a job.
    pub(crate) async fn job_ended(&mut self, id: JobId, mut settled: SettledJob) -> Result<(), AppendError> {
        let change = self.change_of_job(&id, std::mem::take(&mut settled.changed)).await;
        let change_id = change.as_ref().map(|change| change.change_id.clone());
        let ended = JobEnded { change_id, ..settled.into_event(id.clone()) };
        let facts = change.map(Fact::new).into_iter().chain([Fact::new(ended)]);
        let result = self.commit(facts.collect()).await;
        self.jobs.remove(&id);
        self.resources.jobs.send_modify(|jobs| {
            Arc::make_mut(jobs).remove(&id);
        });
        // They were only there for the case that the end is not recorded.
        for file in [self.resources.record_of(id.as_str()), self.resources.before_of(id.as_str())] {
            let _absent = std::fs::remove_file(file);
        }
        result
    }

    /// Tells a job what to do. The job answers where only it knows.
    pub(crate) async fn tell_job(
        &mut self,
        params: JobParams,
        reply: Reply<Result<JobResult, RpcError>>,
    ) -> Result<(), AppendError> {
        let id = params.job_id;
        let Some(job) = self.jobs.get(&id).map(|live| live.job.clone()) else {
            let _gone = reply.send(Err(job_not_found(&id)));
            return Ok(());
        };
        match params.op {
            JobOp::Write => job.write(input(params.data, params.text), reply),
            JobOp::Resize => job.resize(params.size.map_or(SIZE_DEFAULT, terminal_size), reply),
            JobOp::Kill => {
                job.kill();
                let seq = Some(self.state.head.seq);
                let _gone = reply.send(Ok(JobResult { seq, ..JobResult::default() }));
            }
            JobOp::Foreground => {
                if self.state.jobs.get(&id).is_some_and(|item| item.background) {
                    let changed = JobChanged { job_id: id.clone(), background: false };
                    self.commit(vec![Fact::new(changed)]).await?;
                    self.resources.jobs.send_modify(|jobs| {
                        Arc::make_mut(jobs).insert(id, false);
                    });
                }
                job.page(self.state.head.seq, params.from, reply);
            }
        }
        Ok(())
    }

    /// Ends jobs; tells whether there were any. Their ends are recorded as they come.
    pub(crate) fn end_jobs(&self, which: WhichJobs) -> bool {
        let is_meant = |id: &JobId| match which {
            WhichJobs::All => true,
            WhichJobs::Background => self.state.jobs.get(id).is_some_and(|item| item.background),
        };
        let meant: Vec<&LiveJob> =
            self.jobs.iter().filter(|(id, _)| is_meant(id)).map(|(_, live)| live).collect();
        for live in &meant {
            live.job.kill();
        }
        !meant.is_empty()
    }

    /// Settles the jobs that ran when the agent was stopped: they died with it, and are never run again.
    pub(crate) async fn settle_jobs(&mut self) -> Result<(), AppendError> {
        let open: Vec<JobId> = self.state.jobs.keys().cloned().collect();
        for id in open {
            let (record, output) =
                (self.resources.record_of(id.as_str()), self.resources.output_of(id.as_str()));
            self.wait_for_death(id.as_str()).await;
            let until_ns = ended_at(&record);
            let blobs = self.resources.journal.blobs().clone();
            let settled = tokio::task::spawn_blocking(move || left_behind(&record, output, &blobs)).await;
            let settled = settled.unwrap_or_else(|error| fault(&error.to_string()));
            let settled = SettledJob { changed: self.watch(&id).end(until_ns).await, ..settled };
            self.job_ended(id, settled).await?;
        }
        Ok(())
    }

    /// Adds the entries of jobs in lists to what goes into a transaction.
    pub(crate) fn jobs_beside(&self, facts: &[Fact], at: &str, beside: &mut Beside) {
        let mut jobs: BTreeMap<JobId, JobItem> = BTreeMap::new();
        for fact in facts {
            #[expect(clippy::wildcard_enum_match_arm, reason = "only jobs have entries here")]
            let id = match &fact.body {
                EventBody::JobStarted(started) => &started.job_id,
                EventBody::JobChanged(changed) => &changed.job_id,
                EventBody::JobEnded(ended) => &ended.job_id,
                _ => continue,
            };
            let known = self.state.jobs.get(id);
            jobs.extend(known.map(|item| (id.clone(), item.clone())));
            apply(&mut jobs, &fact.body, &self.state.id, at);
            let json = jobs.get(id).and_then(|item| serde_json::to_string(item).ok());
            let group = self.state.id.to_string();
            beside.items.push(ItemWrite { kind: ItemKind::Job, id: id.to_string(), group, json });
        }
    }

    /// Puts the shared output of jobs beside the first message that is delivered: the model sees it once, with that.
    pub(crate) fn share_jobs(&self, facts: &mut [Fact]) {
        let is_message = |fact: &&mut Fact| matches!(&fact.body, EventBody::MessageEnded(message) if message.role == MessageRole::User);
        if let Some(fact) = facts.iter_mut().find(is_message).filter(|_| !self.state.shared.is_empty()) {
            let mut input: InputRecord = record::decode(fact.private.as_deref());
            input.attached.extend(self.state.shared.iter().cloned());
            fact.private = record::encode(&input);
        }
    }
}

/// Takes an event into the set of running jobs.
pub(crate) fn apply(
    jobs: &mut BTreeMap<JobId, JobItem>,
    body: &EventBody,
    session: &tenon_protocol::ids::SessionId,
    at: &str,
) -> Option<JobItem> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a fold takes what it is about; other events leave it alone"
    )]
    match body {
        EventBody::JobStarted(started) => {
            let item = JobItem {
                id: started.job_id.clone(),
                session: session.clone(),
                command: started.command.clone(),
                cwd: started.cwd.clone(),
                background: started.background,
                share_with_model: started.share_with_model,
                started_at: at.to_owned(),
                by: started.by.clone(),
            };
            jobs.insert(started.job_id.clone(), item);
            None
        }
        EventBody::JobChanged(changed) => {
            if let Some(item) = jobs.get_mut(&changed.job_id) {
                item.background = changed.background;
            }
            None
        }
        EventBody::JobEnded(ended) => jobs.remove(&ended.job_id),
        _ => None,
    }
}

/// Returns what the model is shown of a job that ended.
pub(crate) fn shared(item: &JobItem, ended: &JobEnded) -> String {
    let output = tenon_protocol::content::plain_text(&ended.content);
    let how = match (ended.exit, ended.signal) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => ended.status.to_string(),
    };
    let output = output.trim_end();
    let (command, cwd) = (&item.command, &item.cwd);
    format!("I ran this command myself, in {cwd}:\n$ {command}\n{output}\n[{how}]")
}

/// Returns how a job ended. Blocks.
fn settled(ended: Ended, blobs: &Blobs) -> SettledJob {
    let how = match ended.end {
        Ok(exit) => by_exit(&exit, ended.is_killed),
        Err(_) if ended.is_killed => SettledJob { status: CallStatus::Interrupted, ..fault("") },
        Err(error @ ProcessError::Lost) => fault(&format!("[{error}]")),
        Err(error) => SettledJob { status: CallStatus::Failed, ..fault(&format!("{error}")) },
    };
    with_output(how, &ended.output, blobs)
}

/// Returns how a job ended whose agent was stopped while it ran. Blocks.
fn left_behind(record: &Path, output: PathBuf, blobs: &Blobs) -> SettledJob {
    let record = read_record(record).unwrap_or_default();
    let how = match record.exit {
        // Its terminal went with the agent: whoever died of the hang-up did not end by itself.
        Some(exit) if exit.ended == Why::Itself && exit.signal != Some(HANG_UP) => SettledJob {
            text: "[It ended while the agent was being stopped; the end of its output is lost.]".to_owned(),
            ..by_exit(&exit, false)
        },
        None if !record.spawned => SettledJob {
            status: CallStatus::Interrupted,
            ..fault("[The agent was stopped before the command started; it did not run.]")
        },
        Some(_) | None => fault("[The agent was stopped while the command ran, which ended it.]"),
    };
    with_output(how, &Output::left_in(output), blobs)
}

/// Puts what was printed in front of what is said of the end; the whole becomes a content that can be fetched. Blocks.
fn with_output(mut how: SettledJob, output: &Output, blobs: &Blobs) -> SettledJob {
    let bytes = output.total();
    let stored = if bytes == 0 {
        None
    } else {
        Some(output.reader().map_err(Into::into).and_then(|mut all| blobs.put_from(&mut all)))
    };
    let reference = match stored {
        Some(Ok(digest)) => Some(format!("b3:{digest}")),
        Some(Err(error)) => {
            tracing::warn!(%error, "the output of a job cannot be kept");
            None
        }
        None => None,
    };
    let (head, between, tail) = output.ends(SHOWN_BYTES_MAX);
    let mut text = plain(&head);
    if between > 0 {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "\n[… {between} bytes left out here …]\n{}", plain(&tail));
    }
    let mut text = cut(&text, between, || reference.clone()).unwrap_or(text);
    if !how.text.is_empty() && !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&how.text);
    output.remove_file();
    how.text = text;
    how.reference = reference;
    how.bytes = bytes;
    how
}

fn by_exit(exit: &Exit, is_killed: bool) -> SettledJob {
    let status = match (exit.ended, exit.code) {
        (Why::Itself, Some(0)) => CallStatus::Ok,
        (Why::Killed, _) if is_killed => CallStatus::Interrupted,
        (Why::Itself | Why::TimedOut | Why::Exceeded(_) | Why::Killed | Why::Abandoned, _) => {
            CallStatus::Failed
        }
    };
    let text = match exit.ended {
        Why::Exceeded(bound) => format!("[ended: it took more {bound}]"),
        Why::Itself | Why::TimedOut | Why::Killed | Why::Abandoned => String::new(),
    };
    SettledJob { status, exit: exit.code, signal: exit.signal, ..fault(&text) }
}

/// Returns the end of a job of which nothing but a sentence is known.
fn fault(text: &str) -> SettledJob {
    SettledJob {
        status: CallStatus::Unknown,
        text: text.to_owned(),
        reference: None,
        bytes: 0,
        exit: None,
        signal: None,
        changed: Committed::default(),
    }
}

impl SettledJob {
    fn into_event(self, job_id: JobId) -> JobEnded {
        let Self { status, text, reference, bytes, exit, signal, changed: _ } = self;
        let content = if text.is_empty() { Vec::new() } else { vec![Content::text(text)] };
        JobEnded { job_id, status, content, bytes, exit, signal, reference, change_id: None }
    }
}

fn shown_folder(path: &RelPath) -> String {
    if path.is_root() { ".".to_owned() } else { path.to_wire().0.into_owned() }
}

const fn terminal_size(size: JobSize) -> TerminalSize {
    TerminalSize { rows: size.rows, columns: size.columns }
}

/// Returns what is to be written; that exactly one of the two is there and can be read was checked at the door.
fn input(data: Option<String>, text: Option<String>) -> Vec<u8> {
    data.and_then(|data| base64::decode(&data)).or(text.map(String::into_bytes)).unwrap_or_default()
}

pub(crate) fn unavailable(error: &SandboxError) -> RpcError {
    match error {
        SandboxError::Unavailable { demanded, missing, .. } => {
            RpcError::new(ErrorKind::SandboxUnavailable, error.to_string())
                .with("level", demanded.number())
                .with("missing", missing)
        }
        SandboxError::OddName | SandboxError::NoShell => RpcError::new(ErrorKind::Failed, error.to_string()),
    }
}
