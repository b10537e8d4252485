//! The demonstration's plan: two hunks are staged, a person looks at them and applies one. Not here: following a turn (`play`).
use tenon_client::{Client, Subscription};
use tenon_protocol::apply::{ApplyParams, Selected};
use tenon_protocol::content::Content;
use tenon_protocol::diff::DiffParams;
use tenon_protocol::ids::{ChangeId, PlanId, SessionId};
use tenon_protocol::methods::{Apply, Diff, Plan};
use tenon_protocol::plan::PlanParams;

use crate::cli::demo::play::{Seen, follow};
use crate::cli::demo::project::{GOAL, RULES_FILE};
use crate::cli::failure::Failure;
use crate::cli::run::patch;
use crate::cli::terminal::Terminal;

/// Plans, shows what is staged, and applies one hunk of it; returns the change that this is.
pub(super) async fn play(
    client: &Client,
    session: &SessionId,
    events: &mut Subscription,
    terminal: Terminal,
) -> Result<Option<ChangeId>, Failure> {
    terminal.line(&format!("\n{} {GOAL}\n", terminal.bold("you:")))?;
    let goal = vec![Content::text(GOAL)];
    let params = PlanParams { session_id: session.clone(), goal, revise: None, key: None };
    let plan_id = client.call::<Plan>(&params).await?.plan_id;
    follow(client, events, &mut Seen::new(terminal)).await?;
    terminal.line(&format!("\n{}", terminal.bold("What is staged, hunk by hunk")))?;
    terminal.print(&patch::render(terminal, &rest(client, session, &plan_id).await?))?;
    terminal.line(&format!(
        "\n{}",
        terminal.bold("Of it the first hunk is applied: tenon apply --select shop.rules:1")
    ))?;
    let hunk = Selected { path: RULES_FILE.to_owned(), hunks: Some(vec![1]), path_encoded: None };
    let params = ApplyParams {
        session_id: session.clone(),
        plan_id: Some(plan_id.clone()),
        change_id: None,
        rev: Some(1),
        steps: None,
        select: Some(vec![hunk]),
        partial: None,
        resolve: None,
        run: None,
        dry_run: None,
        drop: None,
    };
    let applied = client.call::<Apply>(&params).await?;
    terminal.line("The other one stays staged, under its number:")?;
    terminal.print(&patch::render(terminal, &rest(client, session, &plan_id).await?))?;
    Ok(applied.change_id)
}

/// Returns what of a plan is not applied, as a patch.
async fn rest(client: &Client, session: &SessionId, plan: &PlanId) -> Result<String, Failure> {
    let to = Some(plan.to_string());
    let params = DiffParams { session_id: session.clone(), from: None, to, paths: None, form: None };
    Ok(client.call::<Diff>(&params).await?.patch.unwrap_or_default())
}
