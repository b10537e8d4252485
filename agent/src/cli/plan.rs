//! `tenon plan`: a turn whose edits are staged, and the plans there are. Not here: the turn (`run`), applying (`apply`).
use std::collections::BTreeSet;

use clap::Args;
use tenon_client::Client;
use tenon_protocol::apply::Selected;
use tenon_protocol::event::change::PlanStep;
use tenon_protocol::json::Json;
use tenon_protocol::plan::PlanItem;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing::{self, Wanted};
use crate::cli::run::{self, RunArgs};
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::Terminal;
use crate::cli::testing::test_plan;
use crate::cli::which::session_or_newest;

/// The name that stands for the newest plan.
pub(crate) const LAST: &str = "last";

/// The arguments of `tenon plan`.
#[derive(Args, Debug)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// Plans in a new session, and not in the newest of the workspace
    #[arg(long, conflicts_with_all = ["session", "continue_newest", "fork"])]
    new: bool,
    /// Runs the project's tests on the plan; without a goal, on the newest one
    #[arg(long)]
    test: bool,
}

/// Runs the command.
pub(crate) fn run(args: &PlanArgs) -> Result<Exit, Failure> {
    let asks = run::prompt::reads_stdin(&args.run.prompt, args.run.stdin) || !args.run.prompt.is_empty();
    match (asks || args.run.revise.is_some(), args.test) {
        (false, false) => list(&args.run),
        (false, true) => test_plan(&args.run),
        (true, false) => run::plan(&args.run, args.new),
        (true, true) => {
            let exit = run::plan(&args.run, args.new)?;
            if matches!(exit, Exit::Done) { test_plan(&args.run) } else { Ok(exit) }
        }
    }
}

/// Without a goal it lists the plans of the session.
fn list(args: &RunArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(args.cwd.as_deref())?;
    let terminal = Terminal::of(&surroundings.variables, args.no_color);
    block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        let session = session_or_newest(&client, &surroundings, args.session.as_deref()).await?;
        let items = staged(&client, &session).await?;
        let headings = ["PLAN", "REV", "STATE", "TITLE"];
        let nothing = "there is no plan in this session; `tenon plan GOAL` makes one";
        listing::print(terminal, &items, args.json, &headings, nothing, |plan: PlanItem| {
            let title = plan.tree.iter().map(|step| step.title.as_str()).collect::<Vec<_>>().join("; ");
            vec![plan.id.to_string(), plan.rev.to_string(), state(&plan), title]
        })?;
        Ok(Exit::Done)
    })
}

/// Returns the plans of a session that are whole, the newest first. A list of steps alone is none.
async fn staged(client: &Client, session: &str) -> Result<Vec<Json>, Failure> {
    let wanted = Wanted { kind: "plan", session: Some(session.to_owned()), filter: None };
    let items = listing::read(client, &wanted).await?;
    let is_staged = |item: &Json| item.parse::<PlanItem>().is_ok_and(|plan| plan.change_id.is_some());
    Ok(items.into_iter().filter(is_staged).collect())
}

/// Returns the newest plan of a session of which something can still be applied; with `any` whatever became of it.
///
/// # Errors
/// It has none.
pub(crate) async fn newest(client: &Client, session: &str, any: bool) -> Result<PlanItem, Failure> {
    let items = staged(client, session).await?;
    let mut plans = items.iter().filter_map(|item| item.parse::<PlanItem>().ok());
    plans.find(|plan| any || is_open(plan)).ok_or_else(|| {
        Failure::failed("there is no plan in this session of which something can be applied")
            .hint("`tenon plan GOAL` makes one, `tenon plan` lists those there were")
    })
}

fn state(plan: &PlanItem) -> String {
    let (all, done) = (hunks(&plan.tree), applied(plan));
    match (plan.dropped == Some(true), all.len(), done.len()) {
        (true, ..) => "dropped".to_owned(),
        (false, 0, _) => "no edits".to_owned(),
        (false, all, 0) => format!("{all} hunks"),
        (false, all, done) if done >= all => "applied".to_owned(),
        (false, all, done) => format!("{done} of {all} hunks applied"),
    }
}

fn is_open(plan: &PlanItem) -> bool {
    plan.dropped != Some(true) && hunks(&plan.tree).len() > applied(plan).len()
}

/// Returns every hunk of some steps, once.
fn hunks(tree: &[PlanStep]) -> BTreeSet<(String, u32)> {
    each(tree.iter().flat_map(|step| step.edits.iter().flatten()))
}

fn applied(plan: &PlanItem) -> BTreeSet<(String, u32)> {
    each(plan.applied.iter().flatten())
}

fn each<'a>(selected: impl Iterator<Item = &'a Selected>) -> BTreeSet<(String, u32)> {
    let numbers =
        |selected: &'a Selected| selected.hunks.iter().flatten().map(|hunk| (selected.path.clone(), *hunk));
    selected.flat_map(numbers).collect()
}
