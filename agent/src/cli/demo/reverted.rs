//! The demonstration's end: the test on what was applied, a person's own edit of the same file, and going back around it. Not
//! here: planning and applying (`staged`).
use std::fs;

use tenon_client::Client;
use tenon_protocol::apply::{RevertParams, RevertTo};
use tenon_protocol::ids::{ChangeId, SessionId};
use tenon_protocol::methods::Revert;

use crate::cli::demo::project::{RULES_FILE, TEST_FILE};
use crate::cli::demo::rules;
use crate::cli::demo::scratch::Scratch;
use crate::cli::failure::Failure;
use crate::cli::terminal::{Terminal, safe_line};

/// The line that a person writes.
const OWN: &str = "# Gift wrap is free, says the boss.";

/// Tests, edits by hand, and takes back what was applied.
pub(super) async fn play(
    client: &Client,
    scratch: &Scratch,
    session: &SessionId,
    change: Option<ChangeId>,
    terminal: Terminal,
) -> Result<(), Failure> {
    terminal.line(&format!("\n{}", terminal.bold("The test, on what is applied")))?;
    let report = rules::test(&scratch.project().join(TEST_FILE)).map_err(Failure::failed)?;
    terminal.print(&report.text)?;

    let file = scratch.project().join(RULES_FILE);
    terminal.line(&format!("\n{}", terminal.bold("Then somebody adds a line to the same file, by hand")))?;
    let failed = |error: std::io::Error| Failure::failed(format!("{RULES_FILE}: {error}"));
    let text = fs::read_to_string(&file).map_err(failed)?;
    fs::write(&file, format!("{text}{OWN}\n")).map_err(failed)?;
    terminal.line(&format!("  {}", terminal.green(&format!("+{OWN}"))))?;

    terminal.line(&format!(
        "\n{}",
        terminal.bold("What was applied is taken back, and that line stays: tenon revert change:-1")
    ))?;
    let params = RevertParams {
        session_id: session.clone(),
        to: RevertTo { change, ..RevertTo::default() },
        select: None,
        scope: None,
        partial: None,
        dry_run: None,
        resolve: None,
    };
    client.call::<Revert>(&params).await?;
    let text = fs::read_to_string(&file).map_err(failed)?;
    for line in text.lines() {
        let shown = safe_line(line);
        let shown = if line == OWN { terminal.green(&shown) } else { terminal.faint(&shown) };
        terminal.line(&format!("  {shown}"))?;
    }
    Ok(())
}
