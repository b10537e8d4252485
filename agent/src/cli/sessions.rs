//! `tenon sessions`. Not here: what a session is.
use std::path::PathBuf;

use clap::Args;
use tenon_protocol::list::ListFilter;
use tenon_protocol::session::SessionItem;

use crate::base::uri;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing::{self, Wanted};
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::Terminal;

/// The arguments of `tenon sessions`.
#[derive(Args, Debug)]
pub(crate) struct SessionsArgs {
    /// Only those of the workspace of this directory
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = ".")]
    workspace: Option<PathBuf>,
    /// Prints one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) fn run(args: &SessionsArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(args.workspace.as_deref())?;
    let terminal = Terminal::of(&surroundings.variables, false);
    let filter = match &args.workspace {
        Some(_) => {
            let workspace = surroundings.workspace_uri()?;
            Some(ListFilter { workspace: Some(workspace), state: None })
        }
        None => None,
    };
    let items = block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        listing::read(&client, &Wanted { kind: "session", session: None, filter }).await
    })?;
    let headings = ["SESSION", "STATE", "UPDATED", "COST", "TITLE", "WORKSPACE"];
    listing::print(terminal, &items, args.json, &headings, "no sessions yet", |item: SessionItem| {
        let state = match item.unanswered {
            0 => item.state.to_string(),
            unanswered => format!("{} ({unanswered}?)", item.state),
        };
        let workspace = path_of(&item.workspace);
        let cost = if item.cost > 0.0 { format!("${:.2}", item.cost) } else { String::new() };
        vec![item.id.to_string(), state, short_time(&item.updated_at), cost, item.title, workspace]
    })?;
    Ok(Exit::Done)
}

/// Cuts a protocol time down to minutes: `2026-01-02 03:04`.
pub(crate) fn short_time(at: &str) -> String {
    at.get(..16).unwrap_or(at).replacen('T', " ", 1)
}

/// Returns the path that a URI of the wire names, for people.
pub(crate) fn path_of(workspace: &str) -> String {
    uri::to_path(workspace).map_or_else(|| workspace.to_owned(), |path| path.display().to_string())
}
