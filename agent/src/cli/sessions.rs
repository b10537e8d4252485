//! `tenon sessions`. Not here: what a session is.
use std::path::PathBuf;

use clap::{Args, Subcommand};
use tenon_protocol::list::ListFilter;
use tenon_protocol::methods::Close;
use tenon_protocol::open::{CloseHow, CloseParams};
use tenon_protocol::session::SessionItem;

use crate::base::uri;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::listing::{self, Wanted};
use crate::cli::surroundings::{Presence, Starting, Surroundings, block_on};
use crate::cli::terminal::Terminal;

/// The arguments of `tenon sessions`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SessionsArgs {
    #[command(subcommand)]
    change: Option<Change>,
    /// Only those of the workspace of this directory
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = ".")]
    workspace: Option<PathBuf>,
    /// Archived ones too
    #[arg(long)]
    all: bool,
    /// Prints one JSON object a line
    #[arg(long)]
    json: bool,
}

/// What can be done to sessions.
#[derive(Debug, Subcommand)]
enum Change {
    /// Takes sessions out of use; their logs stay, and forks may begin in them
    Archive(ChangeArgs),
    /// Deletes sessions with their logs
    Delete(ChangeArgs),
}

/// The sessions that are changed.
#[derive(Args, Debug)]
struct ChangeArgs {
    /// The sessions, by id
    #[arg(value_name = "SESSION", required = true)]
    sessions: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(args: &SessionsArgs) -> Result<Exit, Failure> {
    let surroundings = Surroundings::read(args.workspace.as_deref())?;
    let terminal = Terminal::of(&surroundings.variables, false);
    if let Some(Change::Archive(change) | Change::Delete(change)) = &args.change {
        let how =
            if matches!(args.change, Some(Change::Delete(_))) { CloseHow::Delete } else { CloseHow::Archive };
        return close(&surroundings, &change.sessions, how);
    }
    let workspace = match &args.workspace {
        Some(_) => Some(surroundings.workspace_uri()?),
        None => None,
    };
    let filter = Some(ListFilter { workspace, state: None, archived: args.all.then_some(true) });
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
        let title = match &item.parent {
            Some(parent) => format!("{} (from {parent})", item.title),
            None => item.title,
        };
        vec![item.id.to_string(), state, short_time(&item.updated_at), cost, title, workspace]
    })?;
    Ok(Exit::Done)
}

/// Archives or deletes sessions, one after the other; the first that cannot be ends it.
fn close(surroundings: &Surroundings, sessions: &[String], how: CloseHow) -> Result<Exit, Failure> {
    block_on(async {
        let client = surroundings.client(Starting::OnDemand, Presence::Watching).await?;
        for session in sessions {
            client.call::<Close>(&CloseParams { session_id: session.as_str().into(), how }).await?;
        }
        Ok(Exit::Done)
    })
}

/// Cuts a protocol time down to minutes: `2026-01-02 03:04`.
pub(crate) fn short_time(at: &str) -> String {
    at.get(..16).unwrap_or(at).replacen('T', " ", 1)
}

/// Returns the path that a URI of the wire names, for people.
pub(crate) fn path_of(workspace: &str) -> String {
    uri::to_path(workspace).map_or_else(|| workspace.to_owned(), |path| path.display().to_string())
}
