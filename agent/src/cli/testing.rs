//! The project's tests on a plan, from the command line: asked for and shown. Not here: running them, which is the agent's.
use tenon_client::{Client, ClientError};
use tenon_protocol::apply::{ApplyParams, ApplyResult, ApplyRun};
use tenon_protocol::error::ErrorKind;
use tenon_protocol::ids::{PlanId, SessionId};
use tenon_protocol::methods::{Apply, Interrupt};
use tenon_protocol::plan::TestReport;
use tenon_protocol::prompt::InterruptParams;

use crate::cli::exit::Exit;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::plan::newest;
use crate::cli::run::RunArgs;
use crate::cli::run::signals::Signals;
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::{Terminal, safe_line};
use crate::cli::which::session_or_newest;

/// Lines of what failed tests printed that are shown: the last ones say what failed.
const LINES_MAX: usize = 60;

/// Tests the newest plan of the session of which something can be applied; nothing is written.
///
/// # Errors
/// There is none, its tests cannot run, or they fail.
pub(crate) fn test_plan(args: &RunArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(args.cwd.as_deref())?;
    let terminal = Terminal::of(&surroundings.variables, args.no_color);
    let report = block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        let session = session_or_newest(&client, &surroundings, args.session.as_deref()).await?;
        let plan = newest(&client, &session, false).await?.id;
        test(&client, session.into(), plan).await
    })?;
    let Some(report) = report else {
        terminal.note("nothing of the plan would be written, so there is nothing to test");
        return Ok(Exit::Done);
    };
    if args.json {
        terminal.line(&serde_json::json!({ "tests": report }).to_string())?;
    } else {
        show(terminal, &report);
    }
    if report.ok { Ok(Exit::Done) } else { Err(not_passed()) }
}

async fn test(client: &Client, session_id: SessionId, plan: PlanId) -> Result<Option<TestReport>, Failure> {
    let params = ApplyParams {
        session_id,
        plan_id: Some(plan),
        change_id: None,
        rev: None,
        steps: None,
        select: None,
        partial: None,
        resolve: None,
        run: Some(ApplyRun::Tests),
        dry_run: Some(true),
        drop: None,
    };
    let result = apply(client, &params).await??;
    if let (None, Some(conflict)) = (&result.tests, result.conflicts.first()) {
        let failure = Failure::failed(format!("the plan was not tested: {}", conflict.text));
        return Err(failure.hint("`tenon plan --revise last` takes up the files as they are"));
    }
    Ok(result.tests)
}

/// Applies, or tests. While tests run an interrupt of this process ends them; a second one does not wait for that.
///
/// # Errors
/// A signal came twice, or signals cannot be received.
pub(crate) async fn apply(
    client: &Client,
    params: &ApplyParams,
) -> Result<Result<ApplyResult, ClientError>, Failure> {
    if params.run.is_none() {
        return Ok(client.call::<Apply>(params).await);
    }
    let mut signals = Signals::listen()?;
    let mut applying = std::pin::pin!(client.call::<Apply>(params));
    tokio::select! {
        result = &mut applying => return Ok(result),
        () = signals.next() => {}
    }
    let interrupt =
        InterruptParams { session_id: params.session_id.clone(), turn_id: None, jobs: None, drop: None };
    let ending = async {
        // They may have ended at this moment: then the answer says so.
        let _ended = client.call::<Interrupt>(&interrupt).await;
        applying.await
    };
    tokio::select! {
        result = ending => match result {
            Err(ClientError::Rpc(error)) if error.is(ErrorKind::Cancelled) => Err(interrupted(&error.message)),
            result => Ok(result),
        },
        () = signals.next() => Err(interrupted("interrupted; the tests end without this command")),
    }
}

fn interrupted(message: &str) -> Failure {
    Failure::new(FailureKind::Interrupted, message)
}

/// Says what the tests said.
pub(crate) fn show(terminal: Terminal, report: &TestReport) {
    if !report.ok {
        let lines: Vec<&str> = report.text.lines().collect();
        for line in &lines[lines.len().saturating_sub(LINES_MAX)..] {
            terminal.note(&terminal.faint(&safe_line(line)));
        }
    }
    let mark = if report.ok { terminal.green("✓") } else { terminal.red("✗") };
    terminal.note(&format!("{mark} {}", safe_line(&report.summary())));
}

/// Tells that a plan did not pass, and what can be done.
fn not_passed() -> Failure {
    Failure::failed("the plan does not pass its tests; nothing was written")
        .hint("`tenon plan --revise last GOAL` changes the plan, `tenon apply` writes it all the same")
}
