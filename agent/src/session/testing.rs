//! The project's tests on a plan, before any of it is written. Not here: what applying comes to (`apply`), and reading what a test
//! program prints (`report`).
//!
//! They run on the workspace with the staged edits laid over it, or, where that cannot be had, in a copy with the edits made in
//! it: what they write is dropped with either. What passed is what is applied: if the files moved on meanwhile, nothing is.
mod report;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tenon_protocol::apply::{ApplyParams, ApplyResult};
use tenon_protocol::change::Conflict;
use tenon_protocol::error::{ErrorKind, Retry, RpcError};
use tenon_protocol::event::change::PlanChanged;
use tenon_protocol::ids::PlanId;
use tenon_protocol::plan::TestReport;
use tokio_util::sync::CancellationToken;

use crate::approvals::foresee;
use crate::base::ids;
use crate::base::task::{self, Task};
use crate::changes::apply::apply;
use crate::changes::change::{ChangeSet, FileEdit};
use crate::journal::{AppendError, Blobs};
use crate::process::{Launch, ProcessError, Running, Spawn};
use crate::sandbox::{self, Cache, Caches, Given, Laid, Level, Limits};
use crate::session::actor::{Actor, Refusal, respond};
use crate::session::apply::{Chosen, changed};
use crate::session::command::{Command, Reply};
use crate::session::jobs::unavailable;
use crate::session::known::not_ready;
use crate::tools::output::{Collected, show};
use crate::tools::shadow::{Shadow, ShadowParts};
use crate::turn::ports::Fact;
use crate::workspace::copy::{CopyError, copy_tree};
use crate::workspace::harness;
use crate::workspace::root::Root;

/// How long the tests may take: whoever waits for longer ones runs them without a plan.
const TESTS_TIMEOUT: Duration = Duration::from_mins(10);

/// In front of the tests where caches cannot be written: without one Go compiles nothing. The folder is the command's own.
const SCRATCH_CACHE: &str = "export GOCACHE=\"${TMPDIR:-/tmp}/go-build\"; ";

/// The way back of an apply.
type ApplyReply = Reply<Result<ApplyResult, RpcError>>;

/// Tests that run.
#[derive(Debug)]
pub(crate) struct Testing {
    /// Cancelled to end them.
    interrupt: CancellationToken,
    /// Their life; dropping it ends them.
    _task: Task<()>,
}

/// What was tested, and what came of it.
#[derive(Debug)]
pub(crate) struct Tested {
    /// The edits, as they would have been written.
    pub(crate) edits: Vec<FileEdit>,
    /// What the tests said.
    pub(crate) report: TestReport,
}

/// An apply whose tests have ended.
#[derive(Debug)]
pub(crate) struct TestedApply {
    plan: PlanId,
    params: ApplyParams,
    settled: Vec<Conflict>,
    edits: Vec<FileEdit>,
    report: Result<TestReport, RpcError>,
    reply: ApplyReply,
}

/// All that a run of the tests needs.
struct Bench {
    root: Arc<Root>,
    blobs: Blobs,
    spawner: Arc<dyn Spawn>,
    /// For the workspace with the edits laid over it, where that can be had.
    over: Option<Launch>,
    /// For a copy.
    launch: Launch,
    /// Where the tests find copies of the person's caches, and of which.
    copies: (Arc<Caches>, Vec<Cache>),
    harness: &'static str,
    rev: u64,
    /// Where the shadow tree lies, and the copy.
    scratch: [Scratch; 2],
    interrupt: CancellationToken,
}

/// A folder that goes when nobody needs it any more.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now goes when the next daemon starts.
        let _left = sandbox::remove(&self.0);
    }
}

impl Actor {
    /// Has the tests run on the workspace with these edits; the apply goes on when they have ended.
    pub(super) async fn test_first(
        &mut self,
        plan: PlanId,
        params: ApplyParams,
        settled: &[Conflict],
        edits: Vec<FileEdit>,
        reply: ApplyReply,
    ) -> Result<(), AppendError> {
        let bench = match self.bench(&plan).await {
            Ok(bench) => bench,
            Err(error) => return respond(reply, Err(error.into())),
        };
        let (commands, settled, interrupt) =
            (self.commands.clone(), settled.to_vec(), bench.interrupt.clone());
        let task = task::spawn(async move {
            let report = bench.run(&edits).await;
            let tested = TestedApply { plan, params, settled, edits, report, reply };
            // Without an actor the session ends, and whoever waits is told that.
            let _gone = commands.send(Command::Tested(Box::new(tested))).await;
        });
        self.testing = Some(Testing { interrupt, _task: task });
        Ok(())
    }

    /// Ends tests that run; tells whether there were any. Whoever waits for them is answered as they end.
    pub(super) fn end_tests(&self) -> bool {
        self.testing.as_ref().inspect(|testing| testing.interrupt.cancel()).is_some()
    }

    async fn bench(&mut self, plan: &PlanId) -> Result<Bench, RpcError> {
        if self.testing.is_some() {
            let error =
                RpcError::new(ErrorKind::SessionBusy, "the tests of a plan run in this session already");
            return Err(error.retry(Retry::Later));
        }
        let root = Arc::clone(&self.root);
        let found = tokio::task::spawn_blocking(move || harness::names(root.path()).first().copied());
        let Some(harness) = found.await.ok().flatten() else {
            let message = "no tests are known here: nothing was applied";
            return Err(not_ready(message).hint(
                "they are known by a Cargo.toml, go.mod, pytest.ini or conftest.py, a package.json with tests, or a Makefile \
                 with a target `test` in the workspace's root",
            ));
        };
        let text = harness::command(harness);
        self.check_policy(text)?;
        let id: tenon_protocol::ids::CallId = ids::new(&*self.resources.entropy);
        let copy = self.resources.records_dir.join(format!("{id}.tests"));
        let shadow = self.resources.shadow_of(id.as_str());
        let capture = self.world.config.sandbox.capture;
        let over = match Shadow::available(&self.resources.capturing, capture).await {
            Ok(()) => Some(self.test_launch(text, self.root.path())?.0),
            Err(_) => None,
        };
        let (launch, caches) = self.test_launch(text, &copy)?;
        Ok(Bench {
            root: Arc::clone(&self.root),
            blobs: self.blobs(),
            spawner: Arc::clone(&self.resources.spawner),
            over,
            launch,
            copies: (Arc::clone(&self.resources.caches), caches),
            harness,
            rev: self.the_plan(plan)?.rev,
            scratch: [Scratch(shadow), Scratch(copy)],
            interrupt: CancellationToken::new(),
        })
    }

    fn test_launch(&self, text: &str, folder: &Path) -> Result<(Launch, Vec<Cache>), RpcError> {
        let configured = self.world.config.sandbox;
        let probe = self.resources.probing.known();
        let demanded = sandbox::wanted(&configured, &probe);
        let has_copies = configured.caches_mib > 0
            && probe.at_least(demanded) == Some(Level::Isolated)
            && self.resources.capturing.known() == Some(Ok(()));
        let caches = if has_copies {
            let environment = &self.state.environment;
            let home = environment.get("HOME").map(String::as_str);
            let foreseen = foresee(text, environment).caches.into_iter();
            let wanted = foreseen.filter_map(|path| sandbox::absolute(&path, self.root.path(), home));
            self.resources.caches.of(self.root.path(), environment, &wanted.collect::<Vec<_>>())
        } else {
            Vec::new()
        };
        let copied = caches.clone();
        let in_scratch = format!("{SCRATCH_CACHE}{text}");
        let command = sandbox::Command {
            text: if has_copies || demanded < Level::Confined { text } else { &in_scratch },
            cwd: folder,
            workspace: folder,
            given: Given { unix_sockets: configured.unix_sockets, caches, ..Given::default() },
            limits: Limits::of(&configured),
            session_env: &self.state.environment,
            timeout: TESTS_TIMEOUT,
            // What is kept is bounded where it is kept, and the end is kept too.
            output_bytes_max: u64::MAX,
            record_path: None,
        };
        let mut launch = sandbox::launch(command, demanded, &probe).map_err(|error| unavailable(&error))?;
        // Test programs ask for it, and print for people who are not there otherwise.
        launch.env.insert("CI".to_owned(), "1".to_owned());
        Ok((launch, copied))
    }

    /// Goes on with an apply whose tests have ended: what they said is recorded first.
    pub(crate) async fn tested(&mut self, tested: TestedApply) -> Result<(), AppendError> {
        self.testing = None;
        let TestedApply { plan, params, settled, edits, report, reply } = tested;
        let report = match report {
            Ok(report) => report,
            Err(error) => return respond(reply, Err(error.into())),
        };
        let found = self.the_plan(&plan).ok().filter(|found| found.rev == report.rev && !found.dropped);
        // What became another plan meanwhile is not what was tested.
        if let Some(found) = found.filter(|_| self.state.turn.is_none()) {
            let told = PlanChanged { tests: Some(report.clone()), ..changed(plan, found, &Chosen::new()) };
            if let Err(error) = self.commit(vec![Fact::new(told)]).await {
                return respond(reply, Err(Refusal::Log(error)));
            }
        }
        self.go_on_applying(params, &settled, Some(Tested { edits, report }), true, reply).await
    }
}

/// Says that a plan did not pass.
pub(super) fn not_passed(report: &TestReport) -> RpcError {
    let message = format!("nothing was applied: {}", report.summary());
    not_ready(message).with("tests", report).hint("revise the plan, or apply it without its tests")
}

impl Bench {
    async fn run(mut self, edits: &[FileEdit]) -> Result<TestReport, RpcError> {
        // They are the tests' own until these have ended.
        let _laid = self.lay_copies().await;
        let change = ChangeSet::new(edits.to_vec()).map_err(|error| failed(&error))?;
        let mut running = match self.start_over(&change).await? {
            Some(running) => running,
            None => self.start_in_copy(change).await?,
        };
        let command = harness::command(self.harness).to_owned();
        let mut output = Collected::default();
        let mut is_interrupted = false;
        loop {
            // `next` is cancel safe: no output is lost when the other branch wins.
            tokio::select! {
                chunk = running.next() => match chunk {
                    Some(chunk) => output.push(&chunk.bytes),
                    None => break,
                },
                () = self.interrupt.cancelled(), if !is_interrupted => {
                    is_interrupted = true;
                    running.kill();
                }
            }
        }
        let exit = running.wait().await.map_err(|error| failed(&error))?;
        if is_interrupted {
            return Err(interrupted());
        }
        let report = tokio::task::spawn_blocking(move || {
            let Self { harness, rev, blobs, scratch, .. } = self;
            let text = output.into_text();
            let counts = report::counts(harness, &text);
            let report = report::report(harness, command, rev, &exit, counts, show(text, &blobs));
            // A build leaves many files: it is here that their removal holds up nobody.
            drop(scratch);
            report
        });
        report.await.map_err(|error| failed(&error))
    }

    /// Gives both launches copies of caches; where that cannot be, caches are read-only.
    async fn lay_copies(&mut self) -> Option<Laid> {
        let (root, (caches, of)) = (Arc::clone(&self.root), self.copies.clone());
        if of.is_empty() {
            return None;
        }
        let laid = tokio::task::spawn_blocking(move || caches.lay(root.path(), &of)).await.ok()?.ok()?;
        laid.give(&mut self.launch);
        self.over.iter_mut().for_each(|over| laid.give(over));
        Some(laid)
    }

    /// Starts the tests on the workspace with the edits laid over it; `None` where that cannot be had.
    async fn start_over(&self, change: &ChangeSet) -> Result<Option<Running>, RpcError> {
        let Some(launch) = self.over.clone() else { return Ok(None) };
        let gone = change.edits().iter().filter_map(|edit| Some((edit.from.clone()?, None)));
        let parts = ShadowParts {
            root: Arc::clone(&self.root),
            blobs: Arc::new(self.blobs.clone()),
            spawner: Arc::clone(&self.spawner),
            staged: Arc::new(
                gone.chain(change.edits().iter().map(|edit| (edit.path.clone(), edit.after))).collect(),
            ),
            place: self.scratch[0].0.clone(),
        };
        let shadow = Shadow::open(parts).await.map_err(|error| failed(&error))?;
        match shadow.start(launch).await {
            Ok(running) => Ok(Some(running)),
            Err(ProcessError::NoLayer(reason)) => {
                tracing::info!(%reason, "no layer over this workspace: the tests run in a copy");
                Ok(None)
            }
            Err(error) => Err(failed(&error)),
        }
    }

    async fn start_in_copy(&self, change: ChangeSet) -> Result<Running, RpcError> {
        let (root, blobs, copy) = (Arc::clone(&self.root), self.blobs.clone(), self.scratch[1].0.clone());
        let made = tokio::task::spawn_blocking(move || make(&root, &copy, &change, &blobs)).await;
        made.map_err(|error| failed(&error))??;
        if self.interrupt.is_cancelled() {
            return Err(interrupted());
        }
        self.spawner.run(self.launch.clone()).await.map_err(|error| failed(&error))
    }
}

/// Makes the copy, and the edits in it. Their earlier versions are looked for there, as in any change: what passes is what was
/// planned on these files.
fn make(root: &Root, copy: &Path, change: &ChangeSet, blobs: &Blobs) -> Result<(), RpcError> {
    copy_tree(root.path(), copy).map_err(|error| match &error {
        CopyError::TooLarge => not_ready(format!(
            "the tests were not run: the workspace is too large for a copy ({error}); nothing was applied"
        )),
        CopyError::Io { source, .. } => failed(&format!("{error}: {source}")),
    })?;
    let copied = Root::open(copy).map_err(|error| failed(&error))?;
    let applied = apply(&copied, change, blobs);
    applied.map(drop).map_err(|error| failed(&error))
}

fn interrupted() -> RpcError {
    let message = "the tests were interrupted, and nothing was applied";
    RpcError::new(ErrorKind::Cancelled, message).retry(Retry::Never)
}

fn failed(error: &dyn std::fmt::Display) -> RpcError {
    RpcError::new(ErrorKind::Failed, format!("the tests were not run, and nothing was applied: {error}"))
}
