//! A plan as people see it when its turn is over: its steps, and what it would change. Not here: the turn, and the comparison,
//! which is the agent's.
use tenon_client::Client;
use tenon_protocol::diff::{DiffForm, DiffParams};
use tenon_protocol::event::change::{PlanReady, PlanStep};
use tenon_protocol::ids::SessionId;
use tenon_protocol::methods::Diff;

use crate::cli::failure::Failure;
use crate::cli::run::patch;
use crate::cli::terminal::{Terminal, safe_line};

/// Shows a plan: the steps beside the output, the patch on it. Into a pipe goes the patch alone, as `git apply` takes it.
///
/// # Errors
/// The agent is lost, or the output cannot be written.
pub(crate) async fn show(
    client: &Client,
    session: &SessionId,
    plan: &PlanReady,
    terminal: Terminal,
    quiet: bool,
) -> Result<(), Failure> {
    let params = DiffParams {
        session_id: session.clone(),
        from: None,
        to: Some(plan.plan_id.to_string()),
        paths: None,
        form: Some(DiffForm::Patch),
    };
    let result = client.call::<Diff>(&params).await?;
    let note = |text: &str| {
        if !quiet {
            terminal.note(text);
        }
    };
    if result.files.is_empty() {
        note("the plan holds no edits");
        return Ok(());
    }
    note(&format!("\n{} {}, revision {}", terminal.bold("Plan"), plan.plan_id, plan.rev));
    for step in &plan.tree {
        note(&line(terminal, step));
    }
    let text = result.patch.as_deref().unwrap_or_default();
    if terminal.output {
        terminal.print(&format!("\n{}\n", patch::whole(terminal.all_on_output(), text)))?;
    } else {
        terminal.print(text)?;
    }
    note(&format!(
        "{} `tenon apply` writes it, `tenon apply --select PATH:HUNKS` a part of it, `tenon plan --revise last GOAL` changes \
         it, `tenon apply --drop` throws it away",
        terminal.bold("Nothing is written yet:")
    ));
    Ok(())
}

/// Returns a step as one line: its id, its title, and its hunks by file.
fn line(terminal: Terminal, step: &PlanStep) -> String {
    let edits = step.edits.iter().flatten().map(|edit| {
        let hunks: Vec<String> = edit.hunks.iter().flatten().map(u32::to_string).collect();
        format!("{}:{}", safe_line(&edit.path), hunks.join(","))
    });
    let edits: Vec<String> = edits.collect();
    let head = format!("  {}  {}", safe_line(&step.id), safe_line(&step.title));
    if edits.is_empty() { head } else { format!("{head}  {}", terminal.faint(&edits.join(" "))) }
}
